/** What an object file asks for, adjustable until it is loaded. */
import type { NativeObject, NativeObjectMap, NativeObjectProgram } from '../native/addon.js';
import { checkName, checkNumber } from './check.js';
import { native } from './errors.js';
import { type MapType, mapTypeName, type ProgramType, programTypeName } from './kernel-types.js';
import type { BpfMap } from './map.js';

/** A map of an object file that is not loaded yet. */
export class MapSpec {
  readonly name: string;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  /** Ids in the object's BTF, 0 where the map does not say. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  readonly #rawName: string;
  readonly #opened: () => NativeObject;
  #maxEntries: number;
  #flags: number;
  #pinPath: string | undefined;

  /** @internal `name` is the public name, which differs for .rodata, .data and .bss. */
  constructor(name: string, raw: NativeObjectMap, opened: () => NativeObject) {
    this.name = name;
    this.type = mapTypeName(raw.type);
    this.keySize = raw.keySize;
    this.valueSize = raw.valueSize;
    this.keyTypeId = raw.keyTypeId;
    this.valueTypeId = raw.valueTypeId;
    this.#rawName = raw.name;
    this.#maxEntries = raw.maxEntries;
    this.#flags = raw.flags;
    this.#pinPath = raw.pinPath;
    this.#opened = opened;
  }

  get maxEntries(): number {
    return this.#maxEntries;
  }

  set maxEntries(value: number) {
    checkNumber('maxEntries', value, 1);
    native(() => this.#opened().setMaxEntries(this.#rawName, value), {
      operation: this.#operation('resize'),
    });
    this.#maxEntries = value;
  }

  get flags(): number {
    return this.#flags;
  }

  set flags(value: number) {
    checkNumber('flags', value);
    native(() => this.#opened().setMapFlags(this.#rawName, value), {
      operation: this.#operation('set flags of'),
    });
    this.#flags = value;
  }

  get pinPath(): string | undefined {
    return this.#pinPath;
  }

  /**
   * Where the map is pinned by load(). A map that is pinned there already and has the same layout is taken instead of a
   * new one; another layout fails the load. Undefined: not pinned.
   */
  set pinPath(path: string | undefined) {
    if (path !== undefined) checkName('pinPath', path);
    native(() => this.#opened().setPinPath(this.#rawName, path), {
      operation: this.#operation('set pin path of'),
    });
    this.#pinPath = path;
  }

  /** Takes a map that exists instead of making one. The handle stays the caller's. */
  reuse(map: BpfMap): void {
    native(() => this.#opened().reuseMap(this.#rawName, map.fd), { operation: this.#operation('reuse') });
  }

  /** For maps of maps without a static definition of the inner map: what an element looks like. */
  setInnerMap(map: BpfMap): void {
    native(() => this.#opened().setInnerMap(this.#rawName, map.fd), {
      operation: this.#operation('set the inner map of'),
    });
  }

  #operation(verb: string): string {
    return `${verb} map '${this.name}'`;
  }
}

/** A program of an object file that is not loaded yet. */
export class ProgramSpec {
  readonly name: string;
  readonly section: string;
  readonly type: ProgramType;
  readonly #opened: () => NativeObject;
  #autoload: boolean;
  #logLevel = 0;

  /** @internal */
  constructor(raw: NativeObjectProgram, opened: () => NativeObject) {
    this.name = raw.name;
    this.section = raw.section;
    this.type = programTypeName(raw.type);
    this.#autoload = raw.autoload;
    this.#opened = opened;
  }

  /** False: load() leaves the program out. */
  get autoload(): boolean {
    return this.#autoload;
  }

  set autoload(value: boolean) {
    native(() => this.#opened().setAutoload(this.name, value));
    this.#autoload = value;
  }

  /** 1: every instruction, 2: with states, 4: statistics; 0: only what failed. */
  get logLevel(): number {
    return this.#logLevel;
  }

  set logLevel(value: number) {
    checkNumber('logLevel', value);
    native(() => this.#opened().setLogLevel(this.name, value));
    this.#logLevel = value;
  }
}

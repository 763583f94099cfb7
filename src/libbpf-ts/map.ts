import { addon, type NativeMap, type NativeMapCreation, type NativeMapInfo } from '../native/addon.js';
import type { Btf } from './btf/btf.js';
import { checkBytes, checkName, checkNumber, checkOneOf } from './check.js';
import { BpfError, LibbpfTsError, native, StateError } from './errors.js';
import { Handle } from './handle.js';
import { type KnownMapType, MAP_TYPES, type MapType, mapTypeName, UpdateFlags } from './kernel-types.js';
import { deleteMany, readMany, readRange, writeMany, writeRange } from './map-batch.js';
import { mapBtf, type TypedMapOptions, typesOf } from './map-types.js';
import { possibleCpus } from './possible-cpus.js';
import { TypedMap } from './typed-map.js';

export interface MapInfo extends Omit<NativeMapInfo, 'type' | 'valueBytes'> {
  type: MapType;
  typeNumber: number;
}

export interface MapCreation {
  type: KnownMapType;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags?: number;
  /** At most 15 bytes are kept by the kernel. */
  name?: string;
  /** For maps of maps: what an element looks like. */
  innerMap?: BpfMap;
}

/** Types of the object file a map was loaded from. */
export interface MapOrigin {
  btf: Btf | undefined;
  keyTypeId: number;
  valueTypeId: number;
}

const PER_CPU: readonly MapType[] = [
  'percpu_hash',
  'percpu_array',
  'lru_percpu_hash',
  'percpu_cgroup_storage',
];

const ENOENT = 2;
const EINVAL = 22;
const E2BIG = 7;

/**
 * A map in the kernel. Calls are synchronous: each is one system call of about a microsecond, except where noted.
 * Keys and values are exactly `keySize` and `valueBytes` long; anything else is an `ArgumentError`.
 */
export class BpfMap extends Handle<NativeMap> {
  readonly type: MapType;
  readonly keySize: number;
  /** The size of one value. */
  readonly valueSize: number;
  /** The size of what `get` answers: for per-CPU maps the values of all possible CPUs, each padded to 8 bytes. */
  readonly valueBytes: number;
  readonly maxEntries: number;
  readonly name: string;
  readonly #origin: MapOrigin | undefined;

  /** @internal Use the static methods or `LoadedObject.maps`. */
  constructor(handle: NativeMap, name?: string, origin?: MapOrigin) {
    super(handle, 'map');
    const info = native(() => handle.info());
    this.type = mapTypeName(info.type);
    this.keySize = info.keySize;
    this.valueSize = info.valueSize;
    this.valueBytes = info.valueBytes;
    this.maxEntries = info.maxEntries;
    this.name = name ?? info.name;
    this.#origin = origin;
  }

  /** Makes a map without an object file. */
  static create(spec: MapCreation): BpfMap {
    checkOneOf('type', spec.type, Object.keys(MAP_TYPES) as KnownMapType[]);
    checkNumber('keySize', spec.keySize);
    checkNumber('valueSize', spec.valueSize);
    checkNumber('maxEntries', spec.maxEntries);
    const request: NativeMapCreation = {
      type: MAP_TYPES[spec.type],
      keySize: spec.keySize,
      valueSize: spec.valueSize,
      maxEntries: spec.maxEntries,
    };
    if (spec.flags !== undefined) request.flags = spec.flags;
    if (spec.name !== undefined) request.name = spec.name.slice(0, 15);
    if (spec.innerMap !== undefined) request.innerMapFd = spec.innerMap.fd;
    return new BpfMap(native(() => addon().BpfMap.create(request), { operation: `create ${spec.type} map` }));
  }

  /** @throws BpfError ENOENT without such a pin, EINVAL or EPERM when the pin is not a map */
  static fromPin(path: string): BpfMap {
    checkName('path', path);
    return new BpfMap(
      native(() => addon().BpfMap.fromPin(path), { operation: `open the map pinned at ${path}` }),
    );
  }

  /** Needs CAP_SYS_ADMIN. */
  static fromId(id: number): BpfMap {
    checkNumber('id', id, 1);
    return new BpfMap(native(() => addon().BpfMap.fromId(id), { operation: `open the map with id ${id}` }));
  }

  get info(): MapInfo {
    const { type, valueBytes: _, ...rest } = native(() => this.handle.info());
    return { ...rest, type: mapTypeName(type), typeNumber: type };
  }

  get isPerCpu(): boolean {
    return PER_CPU.includes(this.type);
  }

  /** The value, or undefined when there is none. For per-CPU maps the values of all CPUs in one piece. */
  get(key: Uint8Array, flags = 0): Uint8Array | undefined {
    const value = new Uint8Array(this.valueBytes);
    return this.getInto(key, value, flags) ? value : undefined;
  }

  /** Reads the value into a buffer of `valueBytes`; false, and the buffer untouched, when there is none. */
  getInto(key: Uint8Array, into: Uint8Array, flags = 0): boolean {
    checkBytes('key', key, this.keySize);
    checkBytes('into', into, this.valueBytes);
    return this.#found(this.handle.lookup(key, into, flags), 'read from');
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  /** One value for each possible CPU. */
  getPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    if (!this.isPerCpu) throw new StateError(`Map '${this.name}' is not a per-CPU map but ${this.type}`);
    const all = this.get(key);
    if (all === undefined) return undefined;
    const stride = this.valueBytes / possibleCpus();
    return Array.from({ length: possibleCpus() }, (_, cpu) =>
      all.subarray(cpu * stride, cpu * stride + this.valueSize),
    );
  }

  /**
   * Writes one element. Replacing an element that BPF programs are reading is not atomic for them: they may see a mix,
   * or another element's value.
   * @throws BpfError EEXIST with UpdateFlags.NOEXIST, ENOENT with EXIST, E2BIG when the map is full or the index too large
   */
  set(key: Uint8Array, value: Uint8Array, flags: number = UpdateFlags.ANY): this {
    checkBytes('key', key, this.keySize);
    checkBytes('value', value, this.valueBytes);
    const result = this.handle.update(key, value, flags);
    if (result < 0) throw this.#failure(result, 'write to');
    return this;
  }

  /** False when there was no such element. @throws BpfError EINVAL for arrays, whose elements cannot go */
  delete(key: Uint8Array): boolean {
    checkBytes('key', key, this.keySize);
    return this.#found(this.handle.delete(key), 'delete from');
  }

  /** Takes an element out atomically (hash maps since 5.14, queues and stacks). */
  lookupAndDelete(key: Uint8Array): Uint8Array | undefined {
    checkBytes('key', key, this.keySize);
    const value = new Uint8Array(this.valueBytes);
    return this.#found(this.handle.lookupAndDelete(key, value), 'take from') ? value : undefined;
  }

  /**
   * The keys, one system call each. The next key is fetched before the one at hand is given out, so deleting that one
   * is safe. When others change the map meanwhile, keys may be missed or come twice, and there is no guarantee that all
   * are returned; an iteration that cannot end throws ITERATION_ABORTED.
   */
  *keys(): IterableIterator<Uint8Array> {
    let next = this.#keyAfter(undefined);
    for (let steps = 0; next !== undefined; steps++) {
      if (steps > 2 * this.maxEntries + 16) {
        throw new LibbpfTsError(
          'ITERATION_ABORTED',
          `Map '${this.name}' changes faster than it can be walked`,
        );
      }
      const current: Uint8Array = next;
      next = this.#keyAfter(current);
      yield current;
    }
  }

  /** Like `keys`; elements that go away between key and value are skipped. */
  *entries(): IterableIterator<[Uint8Array, Uint8Array]> {
    for (const key of this.keys()) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  *values(): IterableIterator<Uint8Array> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[Uint8Array, Uint8Array]> {
    return this.entries();
  }

  /**
   * All elements by BPF_MAP_LOOKUP_BATCH, by iteration where the map or the kernel has none. Not a snapshot: what
   * changes during the call may be seen or not.
   */
  readAll(): [Uint8Array, Uint8Array][] {
    return readMany(this, this.handle);
  }

  /** Writes many elements; answers how many. Stops with a `BpfError` at the first that fails: earlier ones stay. */
  setBatch(entries: Iterable<readonly [Uint8Array, Uint8Array]>, flags: number = UpdateFlags.ANY): number {
    return writeMany(this, this.handle, entries, flags);
  }

  /** The values of consecutive elements of an array, one behind the other. */
  getRange(first: number, count: number): Uint8Array {
    this.#checkRange(first, count);
    const values = new Uint8Array(count * this.valueBytes);
    readRange(this, this.handle, first, values);
    return values;
  }

  /** As `getRange`, into `values` and as many as these have room for: who reads much need not take memory each time. */
  getRangeInto(first: number, values: Uint8Array): void {
    checkBytes('values', values, Math.floor(values.length / this.valueBytes) * this.valueBytes);
    this.#checkRange(first, values.length / this.valueBytes);
    readRange(this, this.handle, first, values);
  }

  /**
   * Writes consecutive elements of an array; `values` stand one behind the other.
   * @throws BpfError at the first that fails: earlier ones stay
   */
  setRange(first: number, values: Uint8Array): void {
    checkBytes('values', values, Math.floor(values.length / this.valueBytes) * this.valueBytes);
    this.#checkRange(first, values.length / this.valueBytes);
    writeRange(this, this.handle, first, values);
  }

  #checkRange(first: number, count: number): void {
    if (this.type !== 'array') throw new StateError(`Map '${this.name}' is not an array but ${this.type}`);
    checkNumber('first', first);
    checkNumber('count', count);
    if (first + count > this.maxEntries) {
      throw new StateError(`Map '${this.name}' has ${this.maxEntries} elements, not ${first + count}`);
    }
  }

  /** Deletes many elements; answers how many there were. */
  deleteBatch(keys: Iterable<Uint8Array>): number {
    return deleteMany(this, this.handle, keys);
  }

  /** Deletes every element that is there at the beginning; answers how many. */
  clear(): number {
    return this.deleteBatch([...this.keys()]);
  }

  /** No more writes from user space. */
  freeze(): void {
    const result = this.handle.freeze();
    if (result < 0) throw this.#failure(result, 'freeze');
  }

  /**
   * The same map with keys and values as JavaScript values, by BTF: the object file's, the loaded map's (needs
   * CAP_SYS_ADMIN), or that of `options`.
   * @throws BtfError when there is no type information
   */
  typed<K, V>(options: TypedMapOptions = {}): TypedMap<K, V> {
    const types = typesOf(this, this.#origin, options);
    return new TypedMap<K, V>(this, types);
  }

  /** The type information of this map, when there is any. */
  btf(): Btf | undefined {
    return this.#origin?.btf ?? mapBtf(this);
  }

  /** A second, independent handle on the same map. */
  dup(): BpfMap {
    return new BpfMap(
      native(() => this.handle.dup()),
      this.name,
      this.#origin,
    );
  }

  #keyAfter(key: Uint8Array | undefined): Uint8Array | undefined {
    const next = new Uint8Array(this.keySize);
    return this.#found(this.handle.nextKey(key, next), 'iterate over') ? next : undefined;
  }

  #found(result: number, verb: string): boolean {
    if (result === 0) return true;
    if (result === -ENOENT) return false;
    throw this.#failure(result, verb);
  }

  /** @internal */
  #failure(result: number, verb: string): BpfError {
    let hint: string | undefined;
    if (result === -E2BIG) hint = `the map holds at most ${this.maxEntries} entries`;
    if (result === -EINVAL) {
      hint = `${this.type} maps may not offer this, or the content of the ${this.keySize}-byte key or ${this.valueSize}-byte value is not valid for it`;
    }
    return new BpfError({ operation: `${verb} map '${this.name}'`, errno: -result, hint });
  }
}

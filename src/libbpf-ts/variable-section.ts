import type { NativeObject } from '../native/addon.js';
import type { Btf } from './btf/btf.js';
import type { Codec } from './btf/codec.js';
import { NotFoundError, native, StateError } from './errors.js';

interface Variable {
  offset: number;
  codec: Codec<unknown>;
}

/**
 * The global variables of one section before the object is loaded, by name: their order and place change with every
 * edit of the C file.
 */
export class VariableSection {
  readonly name: string;
  readonly #opened: () => NativeObject;
  readonly #mapName: string | undefined;
  readonly #btf: Btf | undefined;

  /** @internal */
  constructor(name: string, mapName: string | undefined, btf: Btf | undefined, opened: () => NativeObject) {
    this.name = name;
    this.#mapName = mapName;
    this.#btf = btf;
    this.#opened = opened;
  }

  names(): string[] {
    const section = this.#btf?.find(this.name, 'datasec');
    return section?.variables.map((variable) => this.#btf?.type(variable.type).name ?? '') ?? [];
  }

  has(name: string): boolean {
    return this.names().includes(name);
  }

  /** The value as it will be at load. @throws NotFoundError */
  get<T = unknown>(name: string): T {
    const { offset, codec } = this.#variable(name);
    const map = this.#map();
    return codec.decode(
      native(() => this.#opened().initialValue(map)),
      offset,
    ) as T;
  }

  /**
   * @param value number, bigint, boolean, string, bytes, or an object for a struct: what the variable's type takes
   * @throws NotFoundError that lists the variables, ArgumentError for a value that does not fit
   */
  set(name: string, value: unknown): this {
    const { offset, codec } = this.#variable(name);
    const map = this.#map();
    const bytes = native(() => this.#opened().initialValue(map));
    if (value instanceof Uint8Array && value.length === codec.size) bytes.set(value, offset);
    else codec.encode(value, bytes, offset);
    native(() => this.#opened().setInitialValue(map, bytes), { operation: `set variable '${name}'` });
    return this;
  }

  #map(): string {
    if (this.#mapName === undefined) throw new StateError(`The object has no section ${this.name}`);
    return this.#mapName;
  }

  #variable(name: string): Variable {
    const btf = this.#btf;
    for (const variable of btf?.find(this.name, 'datasec')?.variables ?? []) {
      if (btf?.type(variable.type).name !== name) continue;
      return { offset: variable.offset, codec: btf.codec(variable.type) };
    }
    throw new NotFoundError(`variable in ${this.name}`, name, this.names());
  }
}

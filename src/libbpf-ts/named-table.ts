import { NotFoundError } from './errors.js';

/** Values by name, in the order of the object file. */
export class NamedTable<T> implements Iterable<T> {
  readonly #kind: string;
  readonly #values: ReadonlyMap<string, T>;
  readonly #remark: (name: string) => string;

  /** `remark` may add to the message for a name that is not there. */
  constructor(
    kind: string,
    values: Iterable<readonly [string, T]>,
    remark: (name: string) => string = () => '',
  ) {
    this.#kind = kind;
    this.#values = new Map(values);
    this.#remark = remark;
  }

  get size(): number {
    return this.#values.size;
  }

  /** @throws NotFoundError that lists the names there are */
  get(name: string): T {
    const value = this.#values.get(name);
    if (value === undefined) throw new NotFoundError(this.#kind, name, this.names(), this.#remark(name));
    return value;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#values.values();
  }
}

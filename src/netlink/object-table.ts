export type Change = 'added' | 'changed' | 'removed';

/** What happened to one object. `removed` carries the last known value. */
export interface ObjectChange<T> {
  change: Change;
  value: T;
  /** The value before a `changed`. */
  previous: T | undefined;
}

/**
 * The known objects of one kind. Two values with the same key are versions of one object; a version with the same
 * fingerprint is stored but is no change.
 */
export class ObjectTable<T> {
  readonly #rows = new Map<string, T>();
  readonly #key: (value: T) => string;
  readonly #fingerprint: (value: T) => string;
  /** Of `values`, until something changes: a snapshot is taken for each message, and there may be 50,000 routes. */
  #values: readonly T[] | undefined;

  constructor(key: (value: T) => string, fingerprint: (value: T) => string = JSON.stringify) {
    this.#key = key;
    this.#fingerprint = fingerprint;
  }

  values(): readonly T[] {
    this.#values ??= [...this.#rows.values()];
    return this.#values;
  }

  has(value: T): boolean {
    return this.#rows.has(this.#key(value));
  }

  /** The version there is of this object. */
  get(value: T): T | undefined {
    return this.#rows.get(this.#key(value));
  }

  set(value: T): ObjectChange<T> | undefined {
    const key = this.#key(value);
    const previous = this.#rows.get(key);
    this.#rows.set(key, value);
    this.#values = undefined;
    if (previous === undefined) return { change: 'added', value, previous };
    // Made when it is asked for: kept, they would take more room than what they are of.
    if (this.#fingerprint(previous) === this.#fingerprint(value)) return undefined;
    return { change: 'changed', value, previous };
  }

  delete(value: T): ObjectChange<T> | undefined {
    const key = this.#key(value);
    const last = this.#rows.get(key);
    if (last === undefined) return undefined;
    this.#rows.delete(key);
    this.#values = undefined;
    return { change: 'removed', value: last, previous: undefined };
  }

  /** Makes the table hold exactly these values; the changes come removals first. */
  reconcile(values: readonly T[]): ObjectChange<T>[] {
    const wanted = new Set(values.map(this.#key));
    const changes: (ObjectChange<T> | undefined)[] = [];
    for (const [key, value] of this.#rows) {
      if (!wanted.has(key)) changes.push(this.delete(value));
    }
    for (const value of values) changes.push(this.set(value));
    return changes.filter((change) => change !== undefined);
  }
}

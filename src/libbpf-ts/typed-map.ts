import type { Codec } from './btf/codec.js';
import { StateError } from './errors.js';
import { UpdateFlags } from './kernel-types.js';
import type { BpfMap } from './map.js';
import type { MapTypes } from './map-types.js';

/**
 * A view of a map whose keys and values are JavaScript values. `K` and `V` are claims of the caller: generate them from
 * the same BTF. Values of per-CPU maps are read by `getPerCpu`; everything else throws for them.
 */
export class TypedMap<K, V> {
  /** The map below; closing it is its owner's business. */
  readonly map: BpfMap;
  /** The types in C. */
  readonly keyType: string;
  readonly valueType: string;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  /** @internal Use `BpfMap.typed`. */
  constructor(map: BpfMap, types: MapTypes) {
    this.map = map;
    this.#key = types.btf.codec<K>(types.keyTypeId);
    this.#value = types.btf.codec<V>(types.valueTypeId);
    this.keyType = types.btf.typeName(types.keyTypeId);
    this.valueType = types.btf.typeName(types.valueTypeId);
  }

  encodeKey(key: K): Uint8Array {
    return this.#key.encode(key);
  }

  decodeKey(bytes: Uint8Array): K {
    return this.#key.decode(bytes);
  }

  encodeValue(value: V): Uint8Array {
    return this.#value.encode(value);
  }

  decodeValue(bytes: Uint8Array): V {
    return this.#value.decode(bytes);
  }

  get(key: K): V | undefined {
    this.#refusePerCpu();
    const bytes = this.map.get(this.encodeKey(key));
    return bytes === undefined ? undefined : this.decodeValue(bytes);
  }

  getPerCpu(key: K): V[] | undefined {
    return this.map.getPerCpu(this.encodeKey(key))?.map((bytes) => this.decodeValue(bytes));
  }

  has(key: K): boolean {
    return this.map.has(this.encodeKey(key));
  }

  set(key: K, value: V, flags: number = UpdateFlags.ANY): this {
    this.#refusePerCpu();
    this.map.set(this.encodeKey(key), this.encodeValue(value), flags);
    return this;
  }

  delete(key: K): boolean {
    return this.map.delete(this.encodeKey(key));
  }

  lookupAndDelete(key: K): V | undefined {
    this.#refusePerCpu();
    const bytes = this.map.lookupAndDelete(this.encodeKey(key));
    return bytes === undefined ? undefined : this.decodeValue(bytes);
  }

  /** As `BpfMap.keys`, with the guarantees it does not give. */
  *keys(): IterableIterator<K> {
    for (const key of this.map.keys()) yield this.decodeKey(key);
  }

  *entries(): IterableIterator<[K, V]> {
    this.#refusePerCpu();
    for (const [key, value] of this.map.entries()) yield [this.decodeKey(key), this.decodeValue(value)];
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  readAll(): [K, V][] {
    this.#refusePerCpu();
    return this.map.readAll().map(([key, value]) => [this.decodeKey(key), this.decodeValue(value)]);
  }

  setBatch(entries: Iterable<readonly [K, V]>, flags: number = UpdateFlags.ANY): number {
    this.#refusePerCpu();
    const bytes = Array.from(
      entries,
      ([key, value]) => [this.encodeKey(key), this.encodeValue(value)] satisfies [Uint8Array, Uint8Array],
    );
    return this.map.setBatch(bytes, flags);
  }

  deleteBatch(keys: Iterable<K>): number {
    return this.map.deleteBatch(Array.from(keys, (key) => this.encodeKey(key)));
  }

  clear(): number {
    return this.map.clear();
  }

  #refusePerCpu(): void {
    if (this.map.isPerCpu) {
      throw new StateError(`Map '${this.map.name}' has a value per CPU: use getPerCpu() or the bytes of map`);
    }
  }
}

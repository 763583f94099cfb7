import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { FreeNumbers } from './free-numbers.js';
import {
  type CxBinding,
  type CxBindingKey,
  CxBindingKeyFlag,
  decodeCxBinding,
  decodeCxBindingKey,
  encodeCxBinding,
  encodeCxBindingKey,
} from './generated.js';
import { RowPool } from './row-pool.js';
import { decodeWord, encodeWord } from './word.js';

/** Who a binding is. */
export interface BindingIdentity {
  /** Router id; the mobile router itself is 1. */
  router: number;
  bid: number;
}

/**
 * Bindings by index: the stable number that policies and counters use. An index points at one immutable
 * row through one aligned word; writing that word is the whole of a care-of address change.
 */
export class BindingTable {
  readonly #slots: BpfMap;
  readonly #rows: BpfMap;
  readonly #keys: BpfMap;
  readonly #counters: BpfMap;
  readonly #pool: RowPool;
  /** By `nameOf`. */
  readonly #indices = new Map<number, number>();
  /** Bindings of which something was said at run time: few, and of the others nothing has to be read. */
  readonly #annotated = new Set<number>();
  readonly #numbers: FreeNumbers;

  constructor(maps: { slots: BpfMap; rows: BpfMap; keys: BpfMap; counters: BpfMap }) {
    this.#slots = maps.slots;
    this.#rows = maps.rows;
    this.#keys = maps.keys;
    this.#counters = maps.counters;
    this.#pool = new RowPool(
      maps.rows,
      maps.slots.readAll().map(([, value]) => decodeWord(value)),
    );
    for (const [key, value] of maps.keys.readAll()) {
      const identity = decodeCxBindingKey(value);
      if (identity.flags & CxBindingKeyFlag.USED) {
        this.#indices.set(nameOf(identity), decodeWord(key));
        if (isAnnotated(identity)) this.#annotated.add(decodeWord(key));
      }
    }
    this.#numbers = new FreeNumbers(maps.keys.maxEntries, this.#indices.values());
  }

  /** Index of a binding; a new one gets a free index with its counters at zero. */
  index(identity: BindingIdentity): number {
    const name = nameOf(identity);
    const known = this.#indices.get(name);
    if (known !== undefined) {
      return known;
    }
    const index = this.#numbers.take();
    if (index === undefined) {
      throw new DatapathError(
        'MAP_FULL',
        `all ${this.#keys.maxEntries - 1} binding indices are in use`,
        'raise limits.bindings in the config, then "coax down" and "coax up"',
      );
    }
    const key = encodeWord(index);
    try {
      this.#counters.set(key, new Uint8Array(this.#counters.valueBytes));
      this.#keys.set(key, encodeCxBindingKey({ ...identity, careOf: '::', flags: CxBindingKeyFlag.USED }));
    } catch (error) {
      this.#numbers.free(index);
      throw error;
    }
    this.#indices.set(name, index);
    return index;
  }

  /** The index of each binding that has one. */
  indices(): number[] {
    return [...this.#indices.values()];
  }

  /** All bindings that have an index. */
  identities(): (CxBindingKey & { index: number })[] {
    return [...this.#indices.values()].map((index) => ({ ...this.identity(index), index }));
  }

  identity(index: number): CxBindingKey {
    return decodeCxBindingKey(this.#keys.get(encodeWord(index)) ?? new Uint8Array(this.#keys.valueSize));
  }

  /** What was said of a binding at run time; undefined where nothing was. */
  annotation(index: number): Pick<CxBindingKey, 'careOf' | 'flags'> | undefined {
    return this.#annotated.has(index) ? this.identity(index) : undefined;
  }

  /** Writes what was said of a binding at run time; its index and counters stay. */
  annotate(index: number, change: { careOf: string; disabled: boolean }): void {
    const { router, bid } = this.identity(index);
    const flags = CxBindingKeyFlag.USED | (change.disabled ? CxBindingKeyFlag.DISABLED : 0);
    const next = encodeCxBindingKey({ router, bid, careOf: change.careOf, flags });
    const key = encodeWord(index);
    if (Buffer.compare(next, this.#keys.get(key) ?? new Uint8Array()) !== 0) {
      this.#keys.set(key, next);
    }
    if (isAnnotated({ careOf: change.careOf, flags })) this.#annotated.add(index);
    else this.#annotated.delete(index);
  }

  /** The row that packets use now, undefined when the binding is not usable. */
  current(index: number): CxBinding | undefined {
    const slot = this.#slots.get(encodeWord(index));
    const row = slot ? decodeWord(slot) : 0;
    const bytes = row ? this.#rows.get(encodeWord(row)) : undefined;
    return bytes ? decodeCxBinding(bytes) : undefined;
  }

  /**
   * Lets packets use another row, or none. One write switches source, next hop and uplink together.
   * @returns whether anything changed
   */
  async set(index: number, next: CxBinding | undefined): Promise<boolean> {
    const key = encodeWord(index);
    const slot = decodeWord(this.#slots.get(key) ?? encodeWord(0));
    if (!next) {
      if (slot === 0) {
        return false;
      }
      this.#slots.set(key, encodeWord(0));
      this.#pool.retire(slot);
      return true;
    }
    const bytes = encodeCxBinding(next);
    if (slot !== 0 && Buffer.compare(bytes, this.#rows.get(encodeWord(slot)) ?? new Uint8Array()) === 0) {
      return false;
    }
    const row = await this.#pool.write(bytes);
    this.#slots.set(key, encodeWord(row));
    this.#pool.retire(slot);
    return true;
  }

  /** Forgets a binding; call it when no generation names the index any more. */
  async release(index: number): Promise<void> {
    await this.set(index, undefined);
    this.#indices.delete(nameOf(this.identity(index)));
    this.#annotated.delete(index);
    this.#keys.set(encodeWord(index), new Uint8Array(this.#keys.valueSize));
    this.#numbers.free(index);
  }
}

/** A number that is this binding's alone. */
function nameOf({ router, bid }: BindingIdentity): number {
  return router * 2 ** 16 + bid;
}

function isAnnotated({ careOf, flags }: Pick<CxBindingKey, 'careOf' | 'flags'>): boolean {
  return careOf !== '::' || flags !== CxBindingKeyFlag.USED;
}

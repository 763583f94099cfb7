/**
 * A configuration in pieces, which cross from one thread to another one at a time. A piece is a list of texts, numbers
 * and so on that holds no object, so that little time goes by until it is there; what it says is made of it step by
 * step. An entry that is no number stands for itself; a number says what follows:
 */
import { Address, Prefix } from '../net/index.js';

enum Says {
  /** The number itself. */
  NUMBER,
  /** How many items, then these. */
  LIST,
  /** Which keys, then a value for each. */
  OBJECT,
  /** How many keys, these, then a value for each; objects that follow have such keys by their place in this order. */
  OBJECT_WITH_KEYS,
  /** Four words. */
  ADDRESS,
  /** One word. */
  IPV4_ADDRESS,
  /** A length, then an address as above. */
  PREFIX,
  /** The object or list that follows comes once more: those have numbers in this order. */
  SHARED,
  /** Such a number. */
  AGAIN,
}

type Entry = string | number | boolean | null | undefined;

/** Some of what a value is made of; only in the order in which they were made do pieces have a meaning. */
export type Piece = readonly Entry[];

/** Entries of one piece, about 50 policies: it takes some milliseconds at most to make objects of them. */
const ENTRIES = 1500;

/**
 * A value of plain objects, lists, addresses, prefixes and what is no object, in pieces.
 * @throws TypeError when there is something else in it
 */
export function toPieces(value: unknown): Piece[] {
  const pieces: Entry[][] = [];
  let piece: Entry[] = [];
  const shared = sharedIn(value);
  const numbers = new Map<object, number>();
  const keysKnown = new Map<string, number>();

  const write = (each: unknown): void => {
    // Between two values, so that what belongs to one head stays together.
    if (piece.length >= ENTRIES) {
      pieces.push(piece);
      piece = [];
    }
    if (typeof each === 'number') piece.push(Says.NUMBER, each);
    else if (isEntry(each)) piece.push(each);
    else if (each instanceof Address) writeAddress(each);
    else if (each instanceof Prefix) {
      piece.push(Says.PREFIX, each.length);
      writeAddress(each.address);
    } else writeObject(each as object);
  };

  const writeAddress = (address: Address): void => {
    if (address.family === 4) piece.push(Says.IPV4_ADDRESS, address.word(0));
    else piece.push(Says.ADDRESS, address.word(0), address.word(1), address.word(2), address.word(3));
  };

  const writeObject = (object: object): void => {
    const number = numbers.get(object);
    if (number !== undefined) {
      piece.push(Says.AGAIN, number);
      return;
    }
    if (shared.has(object)) {
      numbers.set(object, numbers.size);
      piece.push(Says.SHARED);
    }
    if (Array.isArray(object)) {
      piece.push(Says.LIST, object.length);
      for (const item of object) write(item);
      return;
    }
    const keys = Object.keys(object);
    const name = keys.join('\0');
    const known = keysKnown.get(name);
    if (known === undefined) {
      keysKnown.set(name, keysKnown.size);
      piece.push(Says.OBJECT_WITH_KEYS, keys.length, ...keys);
    } else piece.push(Says.OBJECT, known);
    for (const key of keys) write((object as Record<string, unknown>)[key]);
  };

  write(value);
  pieces.push(piece);
  return pieces;
}

function isEntry(value: unknown): value is Entry {
  return value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** Objects and lists that come more than once: a set of many addresses may be in many policies. */
function sharedIn(value: unknown): ReadonlySet<object> {
  const seen = new Set<object>();
  const shared = new Set<object>();
  const look = (each: unknown): void => {
    if (typeof each === 'number' || isEntry(each) || each instanceof Address || each instanceof Prefix)
      return;
    if (!isPlain(each)) throw new TypeError(`${String(each)} does not cross from thread to thread`);
    if (seen.has(each)) shared.add(each);
    else {
      seen.add(each);
      for (const inner of Object.values(each)) look(inner);
    }
  };
  look(value);
  return shared;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** A list or an object that is not complete yet. */
interface Open {
  readonly target: unknown[] | Record<string, unknown>;
  /** Those of an object; undefined: it is a list. */
  readonly keys: readonly string[] | undefined;
  readonly count: number;
  done: number;
  /** Its number among those that come again; -1: none. */
  readonly shared: number;
}

/** Makes the value of its pieces again, read-only all the way down as {@link freeze} makes it. */
export class FromPieces {
  readonly #open: Open[] = [];
  readonly #keys: (readonly string[])[] = [];
  readonly #shared: unknown[] = [];
  #isShared = false;
  #value: unknown;
  #isComplete = false;

  /** Whether nothing more is to come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What all pieces together say. @throws Error when some have not come */
  get value(): unknown {
    if (!this.#isComplete) throw new Error('Not all pieces are there');
    return this.#value;
  }

  /** Takes the next piece. */
  add(piece: Piece): void {
    let at = 0;
    const number = (): number => piece[at++] as number;
    const address = (says: Says): Address =>
      says === Says.ADDRESS
        ? Address.fromWords(number(), number(), number(), number())
        : Address.fromWord(number());
    while (at < piece.length) {
      const entry = piece[at++];
      if (typeof entry !== 'number') {
        this.#put(entry);
        continue;
      }
      switch (entry as Says) {
        case Says.NUMBER:
          this.#put(number());
          break;
        case Says.LIST:
          this.#begin([], undefined, number());
          break;
        case Says.OBJECT_WITH_KEYS: {
          const count = number();
          const keys = piece.slice(at, at + count) as string[];
          at += count;
          this.#keys.push(keys);
          this.#begin({}, keys, count);
          break;
        }
        case Says.OBJECT: {
          const keys = this.#keys[number()] as readonly string[];
          this.#begin({}, keys, keys.length);
          break;
        }
        case Says.ADDRESS:
        case Says.IPV4_ADDRESS:
          this.#put(address(entry));
          break;
        case Says.PREFIX: {
          const length = number();
          this.#put(Prefix.of(address(number()), length));
          break;
        }
        case Says.SHARED:
          this.#isShared = true;
          break;
        case Says.AGAIN:
          this.#put(this.#shared[number()]);
          break;
      }
    }
  }

  #begin(target: Open['target'], keys: readonly string[] | undefined, count: number): void {
    // In the order of their beginnings, so that the place is taken now.
    const shared = this.#isShared ? this.#shared.push(undefined) - 1 : -1;
    this.#isShared = false;
    if (count > 0) this.#open.push({ target, keys, count, done: 0, shared });
    else this.#finish(target, shared);
  }

  #finish(target: Open['target'], shared: number): void {
    Object.freeze(target);
    if (shared >= 0) this.#shared[shared] = target;
    this.#put(target);
  }

  /** A complete value, to where it belongs. */
  #put(value: unknown): void {
    const open = this.#open.at(-1);
    if (open === undefined) {
      this.#value = value;
      this.#isComplete = true;
      return;
    }
    const { target, keys } = open;
    if (keys === undefined) (target as unknown[]).push(value);
    else (target as Record<string, unknown>)[keys[open.done] as string] = value;
    if (++open.done < open.count) return;
    this.#open.pop();
    this.#finish(target, open.shared);
  }
}

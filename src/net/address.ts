import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { AddressError } from './address-error.js';

/**
 * An immutable IPv6 or IPv4 address. It is four numbers, not a buffer: a configuration has many thousands, and each
 * buffer would be three objects more to make, to move and to look through for the garbage collector.
 */
export class Address {
  static readonly UNSPECIFIED = Address.fromWords(0, 0, 0, 0);
  static readonly LOOPBACK = Address.fromWords(0, 0, 0, 1);

  readonly family: 4 | 6;
  /** Network order, signed, so that V8 has no object for any of them; IPv4 has the first only. */
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;
  readonly #fourth: number;
  #text: string | undefined;

  private constructor(family: 4 | 6, first: number, second: number, third: number, fourth: number) {
    this.family = family;
    this.#first = first | 0;
    this.#second = second | 0;
    this.#third = third | 0;
    this.#fourth = fourth | 0;
  }

  get bits(): 32 | 128 {
    return this.family === 4 ? 32 : 128;
  }

  /**
   * Reads the usual text form: no zone, no prefix length, no hexadecimal IPv4.
   * @throws AddressError ADDRESS_INVALID
   */
  static parse(text: string): Address {
    // ipaddr.js alone takes forms such as 0x7f.1 that no network tool means.
    if (typeof text !== 'string' || isIP(text) === 0 || text.includes('%')) {
      throw new AddressError('ADDRESS_INVALID', String(text), `Not an IP address: '${text}'${hintFor(text)}`);
    }
    return ofBytes(ipaddr.parse(text).toByteArray());
  }

  /** Takes an address as it is and parses a string. */
  static from(value: Address | string): Address {
    return value instanceof Address ? value : Address.parse(value);
  }

  /**
   * Copies 16 (IPv6) or 4 (IPv4) bytes in network order.
   * @throws AddressError ADDRESS_INVALID on any other length
   */
  static fromBytes(bytes: Uint8Array): Address {
    if (bytes.length !== 16 && bytes.length !== 4) {
      const hex = Buffer.from(bytes).toString('hex');
      throw new AddressError('ADDRESS_INVALID', hex, `An address has 4 or 16 bytes, not ${bytes.length}`);
    }
    return ofBytes(bytes);
  }

  /** An IPv6 address of four words in network order, from the first to the last; see {@link word}. */
  static fromWords(first: number, second: number, third: number, fourth: number): Address {
    return new Address(6, first, second, third, fourth);
  }

  /** An IPv4 address of one word in network order. */
  static fromWord(word: number): Address {
    return new Address(4, word, 0, 0, 0);
  }

  /** A fresh copy: 16 bytes for IPv6, 4 for IPv4, network order. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.bits / 8);
    this.copyTo(bytes);
    return bytes;
  }

  copyTo(target: Uint8Array, offset = 0): void {
    if (offset + this.bits / 8 > target.length) throw new RangeError('offset is out of bounds');
    for (let at = 0; at < this.bits / 32; at++) {
      const word = this.word(at);
      target[offset + 4 * at] = word >>> 24;
      target[offset + 4 * at + 1] = word >>> 16;
      target[offset + 4 * at + 2] = word >>> 8;
      target[offset + 4 * at + 3] = word;
    }
  }

  /** Four bytes in network order as a number, from the first (0) to the last (3 for IPv6). */
  word(position: number): number {
    switch (position) {
      case 0:
        return this.#first >>> 0;
      case 1:
        return this.#second >>> 0;
      case 2:
        return this.#third >>> 0;
      default:
        return this.#fourth >>> 0;
    }
  }

  toBigInt(): bigint {
    let all = 0n;
    for (let at = 0; at < this.bits / 32; at++) all = (all << 32n) | BigInt(this.word(at));
    return all;
  }

  /** Canonical text (RFC 5952); computed once. */
  toString(): string {
    this.#text ??= this.family === 4 ? this.toBytes().join('.') : ipv6Text(this.toBytes());
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  equals(other: Address): boolean {
    return this === other || (this.family === other.family && this.compare(other) === 0);
  }

  /** Orders by family, then numerically. */
  compare(other: Address): number {
    return (
      this.family - other.family ||
      order(this.#first, other.#first) ||
      order(this.#second, other.#second) ||
      order(this.#third, other.#third) ||
      order(this.#fourth, other.#fourth)
    );
  }

  /** Whether the first bits are those of another address of the same family. */
  startsLike(other: Address, bits: number): boolean {
    return (
      this.family === other.family &&
      ((this.#first ^ other.#first) & maskOf(bits)) === 0 &&
      ((this.#second ^ other.#second) & maskOf(bits - 32)) === 0 &&
      ((this.#third ^ other.#third) & maskOf(bits - 64)) === 0 &&
      ((this.#fourth ^ other.#fourth) & maskOf(bits - 96)) === 0
    );
  }

  /** The address with all bits behind the first ones clear. */
  masked(bits: number): Address {
    return new Address(
      this.family,
      this.#first & maskOf(bits),
      this.#second & maskOf(bits - 32),
      this.#third & maskOf(bits - 64),
      this.#fourth & maskOf(bits - 96),
    );
  }

  /** A short string that is the address, for maps; made much faster than its text. */
  get key(): string {
    return String.fromCharCode(
      this.family,
      this.#first >>> 16,
      this.#first & 0xffff,
      this.#second >>> 16,
      this.#second & 0xffff,
      this.#third >>> 16,
      this.#third & 0xffff,
      this.#fourth >>> 16,
      this.#fourth & 0xffff,
    );
  }

  get isUnspecified(): boolean {
    return (this.#first | this.#second | this.#third | this.#fourth) === 0;
  }

  get isLoopback(): boolean {
    if (this.family === 4) return this.#first >>> 24 === 127;
    return (this.#first | this.#second | this.#third) === 0 && this.#fourth === 1;
  }

  get isLinkLocal(): boolean {
    return this.family === 4 ? this.#first >>> 16 === 0xa9fe : this.#first >>> 22 === 0xfe80 >>> 6;
  }

  get isMulticast(): boolean {
    return this.family === 4 ? this.#first >>> 28 === 0xe : this.#first >>> 24 === 0xff;
  }

  /** A unicast address that is meaningful beyond one link; unique local addresses are. */
  get isGlobal(): boolean {
    return !this.isUnspecified && !this.isLoopback && !this.isLinkLocal && !this.isMulticast;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Address(${this.toString()})`;
  }
}

/** Of 4 or 16 bytes. */
function ofBytes(bytes: ArrayLike<number>): Address {
  const word = (at: number): number =>
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number);
  return bytes.length === 4
    ? Address.fromWord(word(0))
    : Address.fromWords(word(0), word(4), word(8), word(12));
}

/** A word whose first bits are set; of fewer than one none are, of more than 32 all. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

/** Of two words as unsigned numbers. */
function order(a: number, b: number): number {
  return a === b ? 0 : a >>> 0 < b >>> 0 ? -1 : 1;
}

function hintFor(text: unknown): string {
  if (typeof text !== 'string') return '';
  if (text.includes('%')) return ' (name the interface separately, not as a zone)';
  if (text.includes('/')) return ' (a prefix length does not belong here)';
  return '';
}

function ipv6Text(bytes: Uint8Array): string {
  // RFC 5952 section 5: IPv4-mapped addresses keep their dotted tail.
  if (bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    if (end > i) i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

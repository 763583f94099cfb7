import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { AddressError } from './address-error.js';

/** An immutable IPv6 or IPv4 address. */
export class Address {
  static readonly UNSPECIFIED = new Address(new Uint8Array(16));
  static readonly LOOPBACK = Address.parse('::1');

  readonly family: 4 | 6;
  readonly bits: 32 | 128;
  readonly #bytes: Uint8Array;
  #text: string | undefined;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.family = bytes.length === 4 ? 4 : 6;
    this.bits = bytes.length === 4 ? 32 : 128;
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
    return new Address(Uint8Array.from(ipaddr.parse(text).toByteArray()));
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
    return new Address(Uint8Array.from(bytes));
  }

  /** A fresh copy: 16 bytes for IPv6, 4 for IPv4, network order. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  copyTo(target: Uint8Array, offset = 0): void {
    target.set(this.#bytes, offset);
  }

  /** Four bytes in network order as a number, from the first (0) to the last (3 for IPv6). */
  word(position: number): number {
    const bytes = this.#bytes;
    const at = 4 * position;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  toBigInt(): bigint {
    return BigInt(`0x${Buffer.from(this.#bytes).toString('hex')}`);
  }

  /** Canonical text (RFC 5952); computed once. */
  toString(): string {
    this.#text ??= this.family === 4 ? this.#bytes.join('.') : ipv6Text(this.#bytes);
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
    return this.family - other.family || Buffer.compare(this.#bytes, other.#bytes);
  }

  get isUnspecified(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  get isLoopback(): boolean {
    if (this.family === 4) return this.#bytes[0] === 127;
    return this.#bytes[15] === 1 && this.#bytes.subarray(0, 15).every((byte) => byte === 0);
  }

  get isLinkLocal(): boolean {
    const [first = 0, second = 0] = this.#bytes;
    return this.family === 4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
  }

  get isMulticast(): boolean {
    const [first = 0] = this.#bytes;
    return this.family === 4 ? (first & 0xf0) === 0xe0 : first === 0xff;
  }

  /** A unicast address that is meaningful beyond one link; unique local addresses are. */
  get isGlobal(): boolean {
    return !this.isUnspecified && !this.isLoopback && !this.isLinkLocal && !this.isMulticast;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Address(${this.toString()})`;
  }
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

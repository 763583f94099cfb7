import { randomFillSync } from 'node:crypto';
import { AddressError } from './address-error.js';

/** An immutable 48-bit link-layer address. */
export class MacAddress {
  static readonly ZERO = new MacAddress(new Uint8Array(6));

  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Reads six two-digit hexadecimal bytes separated by `:` or `-`.
   * @throws AddressError MAC_INVALID
   */
  static parse(text: string): MacAddress {
    if (typeof text !== 'string' || !/^[\da-f]{2}([:-])[\da-f]{2}(\1[\da-f]{2}){4}$/i.test(text)) {
      throw new AddressError(
        'MAC_INVALID',
        String(text),
        `Not a MAC address: '${text}', write aa:bb:cc:dd:ee:ff`,
      );
    }
    return new MacAddress(Uint8Array.from(text.split(/[:-]/), (byte) => Number.parseInt(byte, 16)));
  }

  /** Takes a MAC address as it is and parses a string. */
  static from(value: MacAddress | string): MacAddress {
    return value instanceof MacAddress ? value : MacAddress.parse(value);
  }

  /**
   * Copies six bytes.
   * @throws AddressError MAC_INVALID on any other length
   */
  static fromBytes(bytes: Uint8Array): MacAddress {
    if (bytes.length !== 6) {
      const hex = Buffer.from(bytes).toString('hex');
      throw new AddressError('MAC_INVALID', hex, `A MAC address has 6 bytes, not ${bytes.length}`);
    }
    return new MacAddress(Uint8Array.from(bytes));
  }

  /** A random unicast address from the locally administered range. */
  static random(): MacAddress {
    const bytes = randomFillSync(new Uint8Array(6));
    bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
    return new MacAddress(bytes);
  }

  /** A fresh copy of the six bytes. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  copyTo(target: Uint8Array, offset = 0): void {
    target.set(this.#bytes, offset);
  }

  equals(other: MacAddress): boolean {
    return this === other || Buffer.compare(this.#bytes, other.#bytes) === 0;
  }

  get isZero(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  /** Group bit: multicast or broadcast. */
  get isMulticast(): boolean {
    return ((this.#bytes[0] ?? 0) & 0x01) !== 0;
  }

  /** Locally administered. */
  get isLocal(): boolean {
    return ((this.#bytes[0] ?? 0) & 0x02) !== 0;
  }

  toString(): string {
    return Array.from(this.#bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `MacAddress(${this.toString()})`;
  }
}

import { Address } from './address.js';
import { AddressError } from './address-error.js';

/** An immutable network prefix; its host bits are always zero. */
export class Prefix {
  static readonly DEFAULT = new Prefix(Address.UNSPECIFIED, 0);

  readonly address: Address;
  readonly length: number;

  private constructor(address: Address, length: number) {
    this.address = address;
    this.length = length;
  }

  /**
   * Reads `address/length`.
   * @throws AddressError PREFIX_INVALID; PREFIX_HOST_BITS when bits behind the length are set; ADDRESS_INVALID
   */
  static parse(text: string): Prefix {
    const match = typeof text === 'string' ? /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) : null;
    if (match === null) {
      throw new AddressError('PREFIX_INVALID', String(text), `Not a prefix: '${text}', write ADDRESS/LENGTH`);
    }
    return Prefix.of(Address.parse(match[1] ?? ''), Number(match[2]));
  }

  /** Takes a prefix as it is and parses a string. */
  static from(value: Prefix | string): Prefix {
    return value instanceof Prefix ? value : Prefix.parse(value);
  }

  /**
   * @throws AddressError PREFIX_INVALID when the length is out of range, PREFIX_HOST_BITS when host bits are set
   */
  static of(address: Address, length: number): Prefix {
    const prefix = Prefix.covering(address, length);
    if (!prefix.address.equals(address)) {
      const given = `${address}/${length}`;
      throw new AddressError(
        'PREFIX_HOST_BITS',
        given,
        `'${given}' has host bits set, did you mean ${prefix}?`,
      );
    }
    return prefix;
  }

  /**
   * The prefix of that length which contains the address.
   * @throws AddressError PREFIX_INVALID when the length is out of range
   */
  static covering(address: Address, length: number): Prefix {
    if (!Number.isInteger(length) || length < 0 || length > address.bits) {
      throw new AddressError(
        'PREFIX_INVALID',
        `${address}/${length}`,
        `Prefix length ${length} of ${address} is not in 0..${address.bits}`,
      );
    }
    return new Prefix(length === address.bits ? address : address.masked(length), length);
  }

  /** The prefix that contains this address only. */
  static host(address: Address): Prefix {
    return new Prefix(address, address.bits);
  }

  get family(): 4 | 6 {
    return this.address.family;
  }

  get isDefault(): boolean {
    return this.length === 0;
  }

  get isHost(): boolean {
    return this.length === this.address.bits;
  }

  contains(other: Address | Prefix): boolean {
    const address = other instanceof Prefix ? other.address : other;
    const length = other instanceof Prefix ? other.length : other.bits;
    return length >= this.length && address.startsLike(this.address, this.length);
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other) || other.contains(this);
  }

  equals(other: Prefix): boolean {
    return this === other || (this.length === other.length && this.address.equals(other.address));
  }

  /** Orders by family, then numerically, then shorter first. */
  compare(other: Prefix): number {
    return this.address.compare(other.address) || this.length - other.length;
  }

  toString(): string {
    return `${this.address}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Prefix(${this.toString()})`;
  }
}

/** Reads numbers and addresses in network order, never beyond the end of what it was given. */
import { Address } from '../net/index.js';
import { MobilityError, type MobilityErrorCode } from './mobility-error.js';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #rule: string;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /**
   * @param rule the section that says what should be there
   * @param end where reading ends, at most the length of the bytes
   */
  constructor(bytes: Uint8Array, rule: string, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#rule = rule;
    this.#start = at;
    this.#at = at;
    this.#end = end;
  }

  /** Of the next byte. */
  get offset(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return ((high << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
  }

  u64(): bigint {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getBigUint64(0);
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  ipv4(): Address {
    return Address.fromWord(this.u32());
  }

  ipv6(): Address {
    return Address.fromWords(this.u32(), this.u32(), this.u32(), this.u32());
  }

  /** All that it was made for, read or not. */
  whole(): Uint8Array {
    return this.#bytes.slice(this.#start, this.#end);
  }

  /** What is left, without reading it. */
  copy(): Uint8Array {
    return this.#bytes.slice(this.#at, this.#end);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** A reader of the next bytes, which this one skips. */
  part(length: number, rule: string): ByteReader {
    const at = this.#take(length);
    return new ByteReader(this.#bytes, rule, at, at + length);
  }

  /** An error about what is read here. @param offset default: the next byte */
  error(code: MobilityErrorCode, what: string, offset = this.#at): MobilityError {
    return new MobilityError(code, offset, this.#rule, what);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) {
      throw this.error('MOBILITY_TRUNCATED', `${length} bytes should follow, there are ${this.#end - at}`);
    }
    this.#at = at + length;
    return at;
  }
}

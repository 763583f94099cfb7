/** Reads numbers and addresses in network order, never beyond the end of what it was given. */
import { Address } from '../net/index.js';
import { MobilityError, type MobilityErrorCode } from './mobility-error.js';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rule: string;
  readonly #end: number;
  #at: number;

  /**
   * @param rule the section that says what should be there
   * @param end where reading ends, at most the length of the bytes
   */
  constructor(bytes: Uint8Array, rule: string, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rule = rule;
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
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
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

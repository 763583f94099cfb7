/** Writes numbers and addresses in network order; what does not fit its field is refused. */
import type { Address } from '../net/index.js';
import { type Alignment, padding, paddingBefore } from './alignment.js';
import { MobilityError } from './mobility-error.js';

/** The name of a field, for messages, and which numbers it takes. */
export interface Field {
  readonly name: string;
  /** Default: 0. */
  readonly low?: number;
  /** Default: what the width takes. */
  readonly high?: number;
}

/** More than any header takes: a length field of 8 bits that counts 8 bytes. */
const ROOM = 4096;

export class ByteWriter {
  readonly #bytes = new Uint8Array(ROOM);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** The section that says what is written now; messages name it. */
  rule: string;

  constructor(rule: string) {
    this.rule = rule;
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number, field: Field): this {
    this.#check(value, field, 0xff);
    this.#view.setUint8(this.#take(1), value);
    return this;
  }

  u16(value: number, field: Field): this {
    this.#check(value, field, 0xffff);
    this.#view.setUint16(this.#take(2), value);
    return this;
  }

  u32(value: number, field: Field): this {
    this.#check(value, field, 0xffff_ffff);
    this.#view.setUint32(this.#take(4), value);
    return this;
  }

  u64(value: bigint, field: Field): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
      throw this.error(`${field.name} ${String(value)} is not a bigint of 64 bits`);
    }
    this.#view.setBigUint64(this.#take(8), value);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#take(value.length));
    return this;
  }

  zeros(length: number): this {
    this.#take(length);
    return this;
  }

  address(value: Address, family: 4 | 6, field: Field): this {
    if (value.family !== family) throw this.error(`${field.name} ${value} is not an IPv${family} address`);
    value.copyTo(this.#bytes, this.#take(value.bits / 8));
    return this;
  }

  /** Padding options up to an offset that is aligned. */
  align(alignment: Alignment): this {
    return this.bytes(padding(paddingBefore(this.#length, alignment)));
  }

  /** Keeps a byte for a length that is known later; call the answer when it is. */
  length8(name: string): () => void {
    const at = this.#take(1);
    return () => {
      const length = this.#length - at - 1;
      if (length > 0xff) {
        const what = `${name} would have ${length} bytes, 255 is the most`;
        throw new MobilityError('MOBILITY_TOO_LONG', at, this.rule, what);
      }
      this.#view.setUint8(at, length);
    };
  }

  /** Overwrites 8 or 16 bits. */
  set8(offset: number, value: number): void {
    this.#view.setUint8(offset, value);
  }

  error(what: string): MobilityError {
    return new MobilityError('MOBILITY_VALUE_INVALID', this.#length, this.rule, what);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #check(value: number, { name, low = 0, high }: Field, most: number): void {
    if (!Number.isInteger(value) || value < low || value > (high ?? most)) {
      throw this.error(`${name} ${value} is not in ${low}..${high ?? most}`);
    }
  }

  #take(length: number): number {
    const at = this.#length;
    if (at + length > ROOM) {
      const what = `the message would have more than ${ROOM} bytes`;
      throw new MobilityError('MOBILITY_TOO_LONG', at, this.rule, what);
    }
    this.#length = at + length;
    return at;
  }
}

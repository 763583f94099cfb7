/** Writes numbers and addresses in network order; what does not fit its field is refused. */
import type { Address } from '../net/index.js';
import { type Alignment, PADN, paddingBefore } from './alignment.js';
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

/** Where a writer writes until it is finished; what it holds is what the last one has left. */
interface Scratch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Those of writers that are finished: a message needs one or two for a microsecond, and making one costs more. */
const spare: Scratch[] = [];
const MOST_SPARE = 4;

function newScratch(): Scratch {
  const bytes = new Uint8Array(ROOM);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** One message; nothing can be written after `finish`. */
export class ByteWriter {
  readonly #scratch = spare.pop() ?? newScratch();
  readonly #bytes = this.#scratch.bytes;
  readonly #view = this.#scratch.view;
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
    const at = this.#take(length);
    this.#bytes.fill(0, at, at + length);
    return this;
  }

  address(value: Address, family: 4 | 6, field: Field): this {
    if (value.family !== family) throw this.error(`${field.name} ${value} is not an IPv${family} address`);
    value.copyTo(this.#bytes, this.#take(value.bits / 8));
    return this;
  }

  /** Padding options up to an offset that is aligned. */
  align(alignment: Alignment): this {
    const length = paddingBefore(this.#length, alignment);
    // Pad1 is a zero, more is one PadN (RFC 6275 sections 6.2.2 and 6.2.3).
    const at = this.#length;
    this.zeros(length);
    if (length >= 2) {
      this.#bytes[at] = PADN;
      this.#bytes[at + 1] = length - 2;
    }
    return this;
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

  /** A copy of what was written; the writer is done with. */
  finish(): Uint8Array {
    const written = this.#bytes.slice(0, this.#length);
    // Whoever writes on all the same gets an error, and not another's bytes.
    this.#length = ROOM;
    if (spare.length < MOST_SPARE) spare.push(this.#scratch);
    return written;
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

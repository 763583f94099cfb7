import { endianness } from 'node:os';
import { Address, MacAddress } from '../net/index.js';
import { NLA_F_NESTED, NLA_TYPE_MASK } from './constants.js';
import { NetlinkDecodeError } from './errors.js';

const LITTLE_ENDIAN = endianness() === 'LE';
const HEADER_LENGTH = 16;
const ATTRIBUTE_HEADER_LENGTH = 4;

/** One netlink message: the fields of struct nlmsghdr and what follows it. */
export interface Message {
  type: number;
  flags: number;
  sequence: number;
  portId: number;
  body: Uint8Array;
}

const align = (length: number): number => (length + 3) & ~3;

/**
 * Splits a datagram into its messages.
 * @throws NetlinkDecodeError when a length does not fit
 */
export function decodeMessages(datagram: Uint8Array): Message[] {
  const messages: Message[] = [];
  const reader = new Reader(datagram);
  for (let offset = 0; offset < datagram.length; ) {
    const length = reader.u32(offset);
    if (length < HEADER_LENGTH || offset + length > datagram.length) {
      throw new NetlinkDecodeError(`Message of ${length} bytes at ${offset} in ${datagram.length} bytes`);
    }
    messages.push({
      type: reader.u16(offset + 4),
      flags: reader.u16(offset + 6),
      sequence: reader.u32(offset + 8),
      portId: reader.u32(offset + 12),
      body: datagram.subarray(offset + HEADER_LENGTH, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

export function encodeMessage(message: Message): Uint8Array {
  return new Writer()
    .u32(HEADER_LENGTH + message.body.length)
    .u16(message.type)
    .u16(message.flags)
    .u32(message.sequence)
    .u32(message.portId)
    .bytes(message.body)
    .finish();
}

/** Bounds-checked numbers in the machine's byte order, which netlink uses, or (`be`) in network order. */
export class Reader {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #check(offset: number, length: number): void {
    if (offset + length > this.#view.byteLength) {
      throw new NetlinkDecodeError(`${length} bytes at ${offset} are not in ${this.#view.byteLength} bytes`);
    }
  }

  u8(offset: number): number {
    this.#check(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.#check(offset, 2);
    return this.#view.getUint16(offset, LITTLE_ENDIAN);
  }

  be16(offset: number): number {
    this.#check(offset, 2);
    return this.#view.getUint16(offset);
  }

  u32(offset: number): number {
    this.#check(offset, 4);
    return this.#view.getUint32(offset, LITTLE_ENDIAN);
  }

  be32(offset: number): number {
    this.#check(offset, 4);
    return this.#view.getUint32(offset);
  }

  /** Exact up to 2^53. */
  u64(offset: number): number {
    this.#check(offset, 8);
    return Number(this.#view.getBigUint64(offset, LITTLE_ENDIAN));
  }

  i32(offset: number): number {
    this.#check(offset, 4);
    return this.#view.getInt32(offset, LITTLE_ENDIAN);
  }
}

/** The attributes of a message or of a nesting attribute; of several with one type the last counts. */
export class Attributes {
  readonly #list: { type: number; value: Uint8Array }[] = [];
  readonly #last = new Map<number, Uint8Array>();

  /** @throws NetlinkDecodeError when a length does not fit */
  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes);
    // Less than a header at the end is padding.
    for (let offset = 0; offset + ATTRIBUTE_HEADER_LENGTH <= bytes.length; ) {
      const length = reader.u16(offset);
      if (length < ATTRIBUTE_HEADER_LENGTH || offset + length > bytes.length) {
        throw new NetlinkDecodeError(`Attribute of ${length} bytes at ${offset} in ${bytes.length} bytes`);
      }
      const type = reader.u16(offset + 2) & NLA_TYPE_MASK;
      const value = bytes.subarray(offset + ATTRIBUTE_HEADER_LENGTH, offset + length);
      this.#list.push({ type, value });
      this.#last.set(type, value);
      offset += align(length);
    }
  }

  has(type: number): boolean {
    return this.#last.has(type);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#last.get(type);
  }

  /** All of them, in order. */
  entries(): readonly { type: number; value: Uint8Array }[] {
    return this.#list;
  }

  /** Every value of one type, in order. */
  all(type: number): Uint8Array[] {
    return this.#list.filter((attribute) => attribute.type === type).map((attribute) => attribute.value);
  }

  u8(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).u8(0);
  }

  u16(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).u16(0);
  }

  /** A 16-bit number in network order. */
  be16(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).be16(0);
  }

  u32(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).u32(0);
  }

  /** A 32-bit number in network order. */
  be32(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).be32(0);
  }

  /** Exact up to 2^53. */
  u64(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).u64(0);
  }

  i32(type: number): number | undefined {
    const value = this.#last.get(type);
    return value && new Reader(value).i32(0);
  }

  string(type: number): string | undefined {
    const value = this.#last.get(type);
    return value && decodeString(value);
  }

  nested(type: number): Attributes | undefined {
    const value = this.#last.get(type);
    return value && new Attributes(value);
  }

  address(type: number): Address | undefined {
    const value = this.#last.get(type);
    return value && decodeAddress(value);
  }

  /** A link-layer address, if it is one of six bytes. */
  mac(type: number): MacAddress | undefined {
    const value = this.#last.get(type);
    return value?.length === 6 ? MacAddress.fromBytes(value) : undefined;
  }
}

/** Text up to the first NUL. */
export function decodeString(value: Uint8Array): string {
  const end = value.indexOf(0);
  return Buffer.from(end < 0 ? value : value.subarray(0, end)).toString();
}

/** @throws NetlinkDecodeError when the length is of no address family */
export function decodeAddress(value: Uint8Array): Address {
  if (value.length !== 4 && value.length !== 16) {
    throw new NetlinkDecodeError(`Address of ${value.length} bytes`);
  }
  return Address.fromBytes(value);
}

/** Builds message bodies; every call appends, attributes are padded to four bytes. */
export class Writer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  #reserve(length: number): number {
    const offset = this.#length;
    const needed = offset + length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return offset;
  }

  u8(value: number): this {
    // Reserving may put another view in place of this one.
    const offset = this.#reserve(1);
    this.#view.setUint8(offset, value);
    return this;
  }

  u16(value: number): this {
    const offset = this.#reserve(2);
    this.#view.setUint16(offset, value, LITTLE_ENDIAN);
    return this;
  }

  /** In network order. */
  be16(value: number): this {
    const offset = this.#reserve(2);
    this.#view.setUint16(offset, value);
    return this;
  }

  u32(value: number): this {
    const offset = this.#reserve(4);
    this.#view.setUint32(offset, value, LITTLE_ENDIAN);
    return this;
  }

  /** In network order. */
  be32(value: number): this {
    const offset = this.#reserve(4);
    this.#view.setUint32(offset, value);
    return this;
  }

  /** That many zeros. */
  zeros(length: number): this {
    this.#reserve(length);
    return this;
  }

  bytes(value: Uint8Array): this {
    const offset = this.#reserve(value.length);
    this.#buffer.set(value, offset);
    return this;
  }

  /** An attribute; nothing when the value is undefined. */
  attribute(type: number, value: Uint8Array | undefined): this {
    if (value === undefined) return this;
    this.u16(ATTRIBUTE_HEADER_LENGTH + value.length)
      .u16(type)
      .bytes(value);
    this.#reserve(align(value.length) - value.length);
    return this;
  }

  attributeU8(type: number, value: number | undefined): this {
    return this.attribute(type, value === undefined ? undefined : Uint8Array.of(value));
  }

  attributeU16(type: number, value: number | undefined): this {
    return value === undefined ? this : this.attribute(type, new Writer().u16(value).finish());
  }

  attributeU32(type: number, value: number | undefined): this {
    return value === undefined ? this : this.attribute(type, new Writer().u32(value).finish());
  }

  /** A 16-bit number in network order, as ports are. */
  attributeBe16(type: number, value: number | undefined): this {
    return this.attribute(type, value === undefined ? undefined : Uint8Array.of(value >> 8, value & 0xff));
  }

  /** A 32-bit number in network order. */
  attributeBe32(type: number, value: number | undefined): this {
    if (value === undefined) return this;
    return this.attribute(type, Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));
  }

  /** An attribute that says yes by being there. */
  attributeFlag(type: number, value: boolean | undefined): this {
    return this.attribute(type, value ? new Uint8Array() : undefined);
  }

  attributeString(type: number, value: string | undefined): this {
    return this.attribute(type, value === undefined ? undefined : Buffer.from(`${value}\0`));
  }

  attributeAddress(type: number, value: Address | undefined): this {
    return this.attribute(type, value?.toBytes());
  }

  /** A nesting attribute whose content the callback writes. */
  nested(type: number, write: (content: Writer) => void): this {
    const content = new Writer();
    write(content);
    return this.attribute(type | NLA_F_NESTED, content.finish());
  }

  /** A copy of what was written so far. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

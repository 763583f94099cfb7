/** Mobility headers to messages and back (RFC 6275 section 6.1). */
import { HEADER_UNIT } from './alignment.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { type ChecksumAddresses, setChecksum } from './checksum.js';
import {
  ACKNOWLEDGEMENT_FLAGS,
  type BindingAcknowledgement,
  type BindingUpdate,
  MessageType,
  type MobilityMessage,
  type OtherMessage,
  UPDATE_FLAGS,
} from './message.js';
import { MobilityError } from './mobility-error.js';
import type { MobilityOption } from './option.js';
import { decodeOption, encodeOption, nextOption, type RawOption } from './option-codec.js';

export interface DecodeSettings {
  /**
   * An option of a known type that is malformed becomes one of type `other` with a `problem`, so that the rest can
   * be answered or shown; default: it is an error.
   */
  readonly tolerant?: boolean;
}

type KnownMessage = Exclude<MobilityMessage, OtherMessage>;

/** Fields in front of the options: their section, and how many bytes of the header they end at. */
interface Layout {
  readonly number: number;
  readonly rule: string;
  /** Offset of the first option. */
  readonly options: number;
}

const HEADER_RULE = 'RFC 6275 section 6.1.1';
const NO_NEXT_HEADER = 59;
const WHOLE_UNITS = { multiple: HEADER_UNIT, plus: 0 };
/** Up to the checksum, included. */
const FIXED_HEADER = 6;
/** What 8 bits can say in units of 8 bytes. */
const LONGEST_HEADER = 256 * HEADER_UNIT;
const LIFETIME_UNIT = 4;
const LONGEST_LIFETIME = 0xffff * LIFETIME_UNIT;

const LAYOUTS: Readonly<Record<KnownMessage['type'], Layout>> = {
  'binding-refresh-request': {
    number: MessageType.BINDING_REFRESH_REQUEST,
    rule: 'RFC 6275 section 6.1.2',
    options: 8,
  },
  'binding-update': { number: MessageType.BINDING_UPDATE, rule: 'RFC 6275 section 6.1.7', options: 12 },
  'binding-acknowledgement': {
    number: MessageType.BINDING_ACKNOWLEDGEMENT,
    rule: 'RFC 6275 section 6.1.8',
    options: 12,
  },
  'binding-error': { number: MessageType.BINDING_ERROR, rule: 'RFC 6275 section 6.1.9', options: 24 },
};
const KNOWN_NUMBERS = new Map(
  (Object.entries(LAYOUTS) as [KnownMessage['type'], Layout][]).map((entry) => [entry[1].number, entry]),
);

/** Bytes of the mobility header that starts here, as its length field says. @throws MobilityError */
export function mobilityHeaderLength(bytes: Uint8Array): number {
  const length = bytes[1];
  if (length !== undefined) return (length + 1) * HEADER_UNIT;
  const reader = new ByteReader(bytes, HEADER_RULE);
  reader.skip(1);
  return (reader.u8() + 1) * HEADER_UNIT;
}

/**
 * Decodes one mobility header; what follows it is ignored, and so is its checksum (`hasRightChecksum`).
 * @throws MobilityError, and nothing else; offsets count from the first byte
 */
export function decodeMobilityHeader(bytes: Uint8Array, settings: DecodeSettings = {}): MobilityMessage {
  const { reader, number, known } = openHeader(bytes);
  if (known === undefined) return { type: 'other', number, data: reader.bytes(reader.left) };
  const [type, { rule, options: first }] = known;
  const fields = reader.part(first - FIXED_HEADER, rule);
  const options: MobilityOption[] = [];
  for (let raw = nextOption(reader); raw !== undefined; raw = nextOption(reader)) {
    options.push(decodeOption(raw, settings.tolerant === true));
  }
  return decodeFields(type, fields, options);
}

/** Where the options of a mobility header lie; a message of another type has none. @throws MobilityError */
export function optionsOf(bytes: Uint8Array): RawOption[] {
  const { reader, known } = openHeader(bytes);
  const options: RawOption[] = [];
  if (known === undefined) return options;
  reader.skip(known[1].options - FIXED_HEADER);
  for (let raw = nextOption(reader); raw !== undefined; raw = nextOption(reader)) options.push(raw);
  return options;
}

/**
 * Encodes a message; options are padded to their alignment and the header to a multiple of 8 bytes.
 * @param addresses for the checksum; without them it is 0. A raw socket of Linux (protocol 135) fills it in, but with the
 * source of the IPv6 header even where IPV6_DSTOPTS adds a home address option: such a packet needs `encodeMobilityPacket`
 * @throws MobilityError MOBILITY_VALUE_INVALID, MOBILITY_TOO_LONG
 */
export function encodeMobilityHeader(message: MobilityMessage, addresses?: ChecksumAddresses): Uint8Array {
  const { bytes } = encodeWithPlace(message);
  if (addresses !== undefined) setChecksum(bytes, addresses);
  return bytes;
}

/** As `encodeMobilityHeader`, without checksum; also where the last option is, 0 where there is none. */
export function encodeWithPlace(message: MobilityMessage): { bytes: Uint8Array; lastOption: number } {
  const writer = new ByteWriter(HEADER_RULE);
  const number = message.type === 'other' ? message.number : LAYOUTS[message.type].number;
  writer.u8(NO_NEXT_HEADER, { name: 'payload protocol' }).zeros(1);
  writer.u8(number, { name: 'message type' }).zeros(FIXED_HEADER - 3);
  let lastOption = 0;
  if (message.type === 'other') encodeOther(writer, message);
  else lastOption = encodeKnown(writer, message);
  if (writer.length > LONGEST_HEADER) {
    const what = `the message would have ${writer.length} bytes, ${LONGEST_HEADER} is the most`;
    throw new MobilityError('MOBILITY_TOO_LONG', 1, HEADER_RULE, what);
  }
  writer.set8(1, writer.length / HEADER_UNIT - 1);
  return { bytes: writer.finish(), lastOption };
}

/** Checks the fields that all messages have; the reader is behind the checksum and ends with the header. */
function openHeader(bytes: Uint8Array): {
  reader: ByteReader;
  number: number;
  known: [KnownMessage['type'], Layout] | undefined;
} {
  const length = mobilityHeaderLength(bytes);
  if (length > bytes.length) {
    const what = `the header says ${length} bytes, there are ${bytes.length}`;
    throw new MobilityError('MOBILITY_TRUNCATED', 1, HEADER_RULE, what);
  }
  const reader = new ByteReader(bytes, HEADER_RULE, 0, length);
  const payload = reader.u8();
  if (payload !== NO_NEXT_HEADER) {
    throw reader.error('MOBILITY_HEADER_INVALID', `the payload protocol is ${payload}, it must be 59`, 0);
  }
  reader.skip(1);
  const number = reader.u8();
  reader.skip(FIXED_HEADER - reader.offset);
  const known = KNOWN_NUMBERS.get(number);
  if (known !== undefined && length < known[1].options) {
    const what = `the header says ${length} bytes, a message of type ${number} has at least ${known[1].options}`;
    throw new MobilityError('MOBILITY_HEADER_INVALID', 1, known[1].rule, what);
  }
  return { reader, number, known };
}

function decodeFields(
  type: KnownMessage['type'],
  reader: ByteReader,
  options: readonly MobilityOption[],
): KnownMessage {
  switch (type) {
    case 'binding-refresh-request':
      return { type, options };
    case 'binding-update': {
      const sequence = reader.u16();
      const bits = reader.u16();
      const flags = flagsOf(
        UPDATE_FLAGS,
        canOverwrite(bits, options) ? bits : bits & ~UPDATE_FLAGS.overwrite,
      );
      return { type, sequence, flags, lifetime: reader.u16() * LIFETIME_UNIT, options };
    }
    case 'binding-acknowledgement': {
      const status = reader.u8();
      const flags = flagsOf(ACKNOWLEDGEMENT_FLAGS, reader.u8());
      const sequence = reader.u16();
      return { type, status, flags, sequence, lifetime: reader.u16() * LIFETIME_UNIT, options };
    }
    case 'binding-error': {
      const status = reader.u8();
      reader.skip(1);
      return { type, status, homeAddress: reader.ipv6(), options };
    }
  }
}

/** Answers where the last option is. */
function encodeKnown(writer: ByteWriter, message: KnownMessage): number {
  writer.rule = LAYOUTS[message.type].rule;
  switch (message.type) {
    case 'binding-refresh-request':
      writer.zeros(2);
      break;
    case 'binding-update':
      encodeUpdate(writer, message);
      break;
    case 'binding-acknowledgement':
      encodeAcknowledgement(writer, message);
      break;
    case 'binding-error':
      writer.u8(message.status, { name: 'status' }).zeros(1);
      writer.address(message.homeAddress, 6, { name: 'home address' });
      break;
  }
  let lastOption = 0;
  let before: MobilityOption | undefined;
  for (const option of message.options) {
    checkPlace(writer, message, option, before);
    lastOption = encodeOption(writer, option);
    before = option;
  }
  writer.align(WHOLE_UNITS);
  return lastOption;
}

function encodeUpdate(writer: ByteWriter, message: BindingUpdate): void {
  const bits = bitsOf(UPDATE_FLAGS, message.flags);
  if ((bits & UPDATE_FLAGS.overwrite) !== 0 && !canOverwrite(bits, message.options)) {
    writer.rule = 'RFC 5648 section 4.2';
    throw writer.error('the flag overwrite needs a Binding Identifier option, and no flag proxy');
  }
  writer.u16(message.sequence, { name: 'sequence number' }).u16(bits, { name: 'flags' });
  writeLifetime(writer, message.lifetime);
}

function encodeAcknowledgement(writer: ByteWriter, message: BindingAcknowledgement): void {
  writer.u8(message.status, { name: 'status' });
  writer.u8(bitsOf(ACKNOWLEDGEMENT_FLAGS, message.flags), { name: 'flags' });
  writer.u16(message.sequence, { name: 'sequence number' });
  writeLifetime(writer, message.lifetime);
}

function encodeOther(writer: ByteWriter, { number, data }: OtherMessage): void {
  if (KNOWN_NUMBERS.has(number)) {
    throw writer.error(`message type ${number} is known, give its fields`);
  }
  writer.bytes(data);
  if (writer.length % HEADER_UNIT !== 0) {
    throw writer.error(`${data.length} bytes behind the checksum do not end at a multiple of 8`);
  }
}

/** What a message must not have, or not there. */
function checkPlace(
  writer: ByteWriter,
  message: KnownMessage,
  option: MobilityOption,
  before: MobilityOption | undefined,
): void {
  if (before?.type === 'authentication' && option.type !== 'authentication') {
    writer.rule = 'RFC 4285 section 5';
    throw writer.error(`the option ${option.type} follows the authentication, which must be last`);
  }
  if (option.type === 'binding-identifier' && option.careOf && message.type !== 'binding-update') {
    writer.rule = 'RFC 5648 section 4.3';
    throw writer.error('a Binding Identifier has a care-of address in a Binding Update only');
  }
}

function writeLifetime(writer: ByteWriter, lifetime: number): void {
  if (!Number.isInteger(lifetime / LIFETIME_UNIT) || lifetime < 0 || lifetime > LONGEST_LIFETIME) {
    throw writer.error(`lifetime ${lifetime} is not a multiple of 4 seconds in 0..${LONGEST_LIFETIME}`);
  }
  writer.u16(lifetime / LIFETIME_UNIT, { name: 'lifetime' });
}

/** Bit 0x0040 is another flag in proxy registrations (RFC 6602), and only beside a BID it is O (RFC 5648 section 4.2). */
function canOverwrite(bits: number, options: readonly MobilityOption[]): boolean {
  return (bits & UPDATE_FLAGS.proxy) === 0 && options.some(({ type }) => type === 'binding-identifier');
}

function flagsOf<F extends string>(all: Readonly<Record<F, number>>, bits: number): F[] {
  const flags: F[] = [];
  for (const flag in all) if ((bits & all[flag]) !== 0) flags.push(flag);
  return flags;
}

function bitsOf<F extends string>(all: Readonly<Record<F, number>>, flags: readonly F[]): number {
  return flags.reduce((bits, flag) => bits | all[flag], 0);
}

/**
 * Binary traffic selectors (RFC 6088). They are written as the home agent sees packets towards the mobile node:
 * `destination` is the home address or in the mobile network.
 */
import type { Address } from '../net/index.js';
import { type Alignment, ANYWHERE } from './alignment.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** Numbers from `low` to `high`, both included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Addresses from `low` to `high`, both included. */
export interface AddressRange {
  readonly low: Address;
  readonly high: Address;
}

/** All present fields must match, `undefined` is a wildcard; one range for each field, there is no "or". */
interface CommonFields {
  readonly source: AddressRange | undefined;
  readonly destination: AddressRange | undefined;
  /** 0..0xffffffff */
  readonly spi: Range | undefined;
  readonly sourcePort: Range | undefined;
  readonly destinationPort: Range | undefined;
  /** 0..63, the upper six bits of the DS field or traffic class; ECN does not matter. */
  readonly dscp: Range | undefined;
  /** Protocol of an IPv4 packet, next header of an IPv6 packet. */
  readonly protocol: Range | undefined;
}

export interface Ipv4Selector extends CommonFields {
  readonly type: 'ipv4';
}

export interface Ipv6Selector extends CommonFields {
  readonly type: 'ipv6';
  /** 0..0xfffff */
  readonly flowLabel: Range | undefined;
}

/** A selector of a format that RFC 6088 does not have. */
export interface OtherSelector {
  readonly type: 'other';
  /** TS Format. */
  readonly format: number;
  readonly data: Uint8Array;
}

export type TrafficSelector = Ipv4Selector | Ipv6Selector | OtherSelector;

const IPV4_FORMAT = 1;
const IPV6_FORMAT = 2;
const FIRST_FLAG = 0x8000_0000;

type NumberKey = 'spi' | 'flowLabel' | 'sourcePort' | 'destinationPort' | 'dscp' | 'protocol';

/** A field that may be there, in the order of the flag bits: two bits for each, start and end. */
type FieldLayout =
  | { readonly key: 'source' | 'destination'; readonly bytes: 4 | 16 }
  | { readonly key: NumberKey; readonly bytes: 1 | 2 | 4 };

const NUMBERS = {
  spi: { key: 'spi', bytes: 4 },
  flowLabel: { key: 'flowLabel', bytes: 4 },
  sourcePort: { key: 'sourcePort', bytes: 2 },
  destinationPort: { key: 'destinationPort', bytes: 2 },
  dscp: { key: 'dscp', bytes: 1 },
  protocol: { key: 'protocol', bytes: 1 },
} as const satisfies Record<NumberKey, FieldLayout>;

interface Format {
  readonly number: number;
  readonly rule: string;
  readonly fields: readonly FieldLayout[];
}

const IPV4: Format = {
  number: IPV4_FORMAT,
  rule: 'RFC 6088 section 3.1',
  fields: [
    { key: 'source', bytes: 4 },
    { key: 'destination', bytes: 4 },
    NUMBERS.spi,
    NUMBERS.sourcePort,
    NUMBERS.destinationPort,
    NUMBERS.dscp,
    NUMBERS.protocol,
  ],
};

const IPV6: Format = {
  number: IPV6_FORMAT,
  rule: 'RFC 6088 section 3.2',
  fields: [
    { key: 'source', bytes: 16 },
    { key: 'destination', bytes: 16 },
    NUMBERS.spi,
    NUMBERS.flowLabel,
    NUMBERS.sourcePort,
    NUMBERS.destinationPort,
    NUMBERS.dscp,
    NUMBERS.protocol,
  ],
};

/** Numbers that a field may have beside what its width allows. */
const HIGHEST: Readonly<Partial<Record<NumberKey, number>>> = { dscp: 63, flowLabel: 0xf_ffff };

/** The sub-option's bytes behind its type and length (RFC 6089 section 4.2.1.4). */
export function decodeTrafficSelector(reader: ByteReader): TrafficSelector {
  const number = reader.u8();
  reader.skip(1);
  const none = { spi: undefined, sourcePort: undefined, destinationPort: undefined, dscp: undefined };
  const all = { source: undefined, destination: undefined, ...none, protocol: undefined };
  switch (number) {
    case IPV4_FORMAT:
      return { type: 'ipv4', ...all, ...decodeFields(reader.part(reader.left, IPV4.rule), IPV4) };
    case IPV6_FORMAT: {
      const fields = decodeFields(reader.part(reader.left, IPV6.rule), IPV6);
      return { type: 'ipv6', ...all, flowLabel: undefined, ...fields };
    }
    default:
      return { type: 'other', format: number, data: reader.bytes(reader.left) };
  }
}

export function encodeTrafficSelector(writer: ByteWriter, selector: TrafficSelector): void {
  if (selector.type === 'other') {
    const { format, data } = selector;
    if (format === IPV4_FORMAT || format === IPV6_FORMAT) {
      throw writer.error(`traffic selector format ${format} is one of RFC 6088, give its fields`);
    }
    writer.u8(format, { name: 'traffic selector format' }).zeros(1).bytes(data);
    return;
  }
  const format = selector.type === 'ipv4' ? IPV4 : IPV6;
  writer.rule = format.rule;
  writer.u8(format.number, { name: 'traffic selector format' }).zeros(1);
  let flags = 0;
  for (const [at, { key }] of format.fields.entries()) {
    const range = fieldOf(selector, key);
    if (range === undefined) continue;
    flags |= startFlag(at) | (isSingle(range) ? 0 : endFlag(at));
  }
  writer.u32(flags >>> 0, { name: 'flags' });
  for (const layout of format.fields) writeField(writer, selector, layout);
}

/** Where the sub-option may start: so that its widest field is aligned (RFC 6088 sections 3.1 and 3.2). */
export function selectorAlignment(selector: TrafficSelector): Alignment {
  if (selector.type === 'other') return ANYWHERE;
  const { fields } = selector.type === 'ipv4' ? IPV4 : IPV6;
  const widths = fields.flatMap(({ key, bytes }) => (fieldOf(selector, key) ? [bytes] : []));
  return { multiple: Math.min(8, Math.max(1, ...widths)), plus: 0 };
}

type AnyRange = Range | AddressRange;
type Fields = Partial<Record<NumberKey, Range> & Record<'source' | 'destination', AddressRange>>;

function decodeFields(reader: ByteReader, { fields }: Format): Fields {
  const flagsAt = reader.offset;
  const flags = reader.u32();
  const found: Fields = {};
  for (const [index, layout] of fields.entries()) {
    const hasEnd = (flags & endFlag(index)) !== 0;
    if ((flags & startFlag(index)) === 0) {
      if (!hasEnd) continue;
      const what = `the selector has the end of ${layout.key} but no start`;
      throw reader.error('MOBILITY_OPTION_INVALID', what, flagsAt);
    }
    const at = reader.offset;
    if (layout.key === 'source' || layout.key === 'destination') {
      const read = (): Address => (layout.bytes === 4 ? reader.ipv4() : reader.ipv6());
      const low = read();
      const high = hasEnd ? read() : low;
      found[layout.key] = { low, high };
    } else {
      const { key, bytes } = layout as { key: NumberKey; bytes: 1 | 2 | 4 };
      const low = readNumber(reader, key, bytes);
      found[key] = { low, high: hasEnd ? readNumber(reader, key, bytes) : low };
    }
    const range = found[layout.key];
    if (range !== undefined && isBackwards(range)) {
      const what = `${layout.key} ${range.low}-${range.high} ends before it starts`;
      throw reader.error('MOBILITY_OPTION_INVALID', what, at);
    }
  }
  if (reader.left > 0) {
    throw reader.error('MOBILITY_OPTION_INVALID', `${reader.left} bytes follow the fields of the selector`);
  }
  return found;
}

function readNumber(reader: ByteReader, key: NumberKey, bytes: 1 | 2 | 4): number {
  const at = reader.offset;
  const wire = bytes === 1 ? reader.u8() : bytes === 2 ? reader.u16() : reader.u32();
  if (key === 'dscp') return wire >> 2;
  if (key !== 'flowLabel') return wire;
  // The RFC has a label of 24 bits; IPv6 has 20 of them.
  const label = wire & 0xff_ffff;
  if (label > 0xf_ffff) {
    throw reader.error(
      'MOBILITY_OPTION_INVALID',
      `flow label 0x${label.toString(16)} is wider than 20 bits`,
      at,
    );
  }
  return label;
}

function writeField(
  writer: ByteWriter,
  selector: Ipv4Selector | Ipv6Selector,
  { key, bytes }: FieldLayout,
): void {
  const range = fieldOf(selector, key);
  if (range === undefined) return;
  const ends = isSingle(range) ? [range.low] : [range.low, range.high];
  for (const end of ends) {
    if (typeof end !== 'number') {
      writer.address(end, bytes === 4 ? 4 : 6, { name: key });
      continue;
    }
    const most = HIGHEST[key as NumberKey];
    if (most !== undefined && !(Number.isInteger(end) && end >= 0 && end <= most)) {
      throw writer.error(`${key} ${end} is not in 0..${most}`);
    }
    if (bytes === 1) writer.u8(key === 'dscp' ? end << 2 : end, { name: key });
    else if (bytes === 2) writer.u16(end, { name: key });
    else writer.u32(end, { name: key });
  }
  if (isBackwards(range)) throw writer.error(`${key} ${range.low}-${range.high} ends before it starts`);
}

function fieldOf(selector: Ipv4Selector | Ipv6Selector, key: FieldLayout['key']): AnyRange | undefined {
  if (key !== 'flowLabel') return selector[key];
  return selector.type === 'ipv6' ? selector.flowLabel : undefined;
}

function isSingle(range: AnyRange): boolean {
  return typeof range.low === 'number'
    ? range.low === range.high
    : range.low.equals((range as AddressRange).high);
}

function isBackwards(range: AnyRange): boolean {
  return typeof range.low === 'number'
    ? range.low > (range as Range).high
    : range.low.compare((range as AddressRange).high) > 0;
}

function startFlag(field: number): number {
  return FIRST_FLAG >>> (2 * field);
}

function endFlag(field: number): number {
  return FIRST_FLAG >>> (2 * field + 1);
}

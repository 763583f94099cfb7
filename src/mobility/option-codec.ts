/** Options to bytes and back: one row for each type. */
import { MacAddress, Prefix } from '../net/index.js';
import { type Alignment, ANYWHERE, PAD1, PADN } from './alignment.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import {
  decodeFlowIdentification,
  encodeFlowIdentification,
  identifier,
  identifiers,
  writeIdentifiers,
} from './flow-identification.js';
import { MobilityError } from './mobility-error.js';
import { type BindingIdentifierOption, type MobilityOption, OptionType, type OtherOption } from './option.js';

type KnownType = Exclude<MobilityOption['type'], 'other'>;
type OptionOf<T extends KnownType> = Extract<MobilityOption, { type: T }>;

interface OptionCodec<T extends KnownType> {
  readonly number: number;
  readonly rule: string;
  /** Where the option's first byte may be. */
  readonly alignment: (option: OptionOf<T>) => Alignment;
  /** Reads what follows type and length, up to the end. */
  readonly decode: (reader: ByteReader) => OptionOf<T>;
  readonly encode: (writer: ByteWriter, option: OptionOf<T>) => void;
}

const EVEN: Alignment = { multiple: 2, plus: 0 };
const TYPE_FIELD = { name: 'option type' };
const BID = { name: 'BID', low: 1 };
const FID = { name: 'FID', low: 1 };
const HOME_BIT = 0x80;
/** RFC 4285 section 5: of an authentication option between mobile node and home agent. */
const MN_HA = 1;
const FIRST_SPI = 256;
const MAC_BYTES = 6;

const CODECS: { readonly [T in KnownType]: OptionCodec<T> } = {
  'alternate-care-of': {
    number: OptionType.ALTERNATE_CARE_OF,
    rule: 'RFC 6275 section 6.2.5',
    alignment: () => ({ multiple: 8, plus: 6 }),
    decode: (reader) => {
      ofLength(reader, 16);
      return { type: 'alternate-care-of', address: reader.ipv6() };
    },
    encode: (writer, { address }) => writer.address(address, 6, { name: 'care-of address' }),
  },
  'nonce-indices': {
    number: OptionType.NONCE_INDICES,
    rule: 'RFC 6275 section 6.2.6',
    alignment: () => EVEN,
    decode: (reader) => {
      ofLength(reader, 4);
      return { type: 'nonce-indices', home: reader.u16(), careOf: reader.u16() };
    },
    encode: (writer, { home, careOf }) =>
      writer.u16(home, { name: 'home nonce index' }).u16(careOf, { name: 'care-of nonce index' }),
  },
  'mobile-network-prefix': {
    number: OptionType.MOBILE_NETWORK_PREFIX,
    rule: 'RFC 3963 section 4.3',
    alignment: () => ({ multiple: 8, plus: 4 }),
    decode: (reader) => {
      ofLength(reader, 18);
      reader.skip(1);
      const at = reader.offset;
      const length = reader.u8();
      if (length > 128) {
        throw reader.error('MOBILITY_OPTION_INVALID', `the prefix length is ${length}, 128 is the most`, at);
      }
      return { type: 'mobile-network-prefix', prefix: Prefix.covering(reader.ipv6(), length) };
    },
    encode: (writer, { prefix }) =>
      writer
        .zeros(1)
        .u8(prefix.length, { name: 'prefix length' })
        .address(prefix.address, 6, { name: 'mobile network prefix' }),
  },
  'link-layer-address': {
    number: OptionType.LINK_LAYER_ADDRESS,
    rule: 'RFC 5568 section 6.4.4',
    alignment: () => ANYWHERE,
    decode: (reader) => {
      const code = reader.u8();
      // RFC 4068 section 6.4.4 had a byte of padding in front of six.
      if (reader.left === MAC_BYTES + 1) reader.skip(1);
      ofLength(reader, MAC_BYTES);
      return { type: 'link-layer-address', code, mac: MacAddress.fromBytes(reader.bytes(MAC_BYTES)) };
    },
    encode: (writer, { code, mac }) => writer.u8(code, { name: 'option code' }).bytes(mac.toBytes()),
  },
  authentication: {
    number: OptionType.AUTHENTICATION,
    rule: 'RFC 4285 section 5',
    alignment: () => ({ multiple: 4, plus: 1 }),
    decode: (reader) => ({
      type: 'authentication',
      subtype: reader.u8(),
      spi: reader.u32(),
      data: reader.bytes(reader.left),
    }),
    encode: (writer, { subtype, spi, data }) =>
      writer
        .u8(subtype, { name: 'subtype' })
        .u32(spi, { name: 'mobility SPI', low: subtype === MN_HA ? FIRST_SPI : 0 })
        .bytes(data),
  },
  'replay-protection': {
    number: OptionType.REPLAY_PROTECTION,
    rule: 'RFC 4285 section 6',
    alignment: () => ({ multiple: 8, plus: 2 }),
    decode: (reader) => {
      ofLength(reader, 8);
      return { type: 'replay-protection', timestamp: reader.u64() };
    },
    encode: (writer, { timestamp }) => writer.u64(timestamp, { name: 'timestamp' }),
  },
  'binding-identifier': {
    number: OptionType.BINDING_IDENTIFIER,
    rule: 'RFC 5648 section 4.3',
    alignment: ({ careOf }) => (careOf === undefined ? EVEN : { multiple: 8, plus: 2 }),
    decode: decodeBindingIdentifier,
    encode: encodeBindingIdentifier,
  },
  'flow-summary': {
    number: OptionType.FLOW_SUMMARY,
    rule: 'RFC 6089 section 4.3',
    alignment: () => EVEN,
    decode: (reader) => ({ type: 'flow-summary', fids: identifiers(reader, 'FID') }),
    encode: (writer, { fids }) => writeIdentifiers(writer, fids, FID),
  },
  'flow-identification': {
    number: OptionType.FLOW_IDENTIFICATION,
    rule: 'RFC 6089 section 4.2',
    alignment: () => EVEN,
    decode: decodeFlowIdentification,
    encode: encodeFlowIdentification,
  },
};

const BY_NUMBER = new Map<number, OptionCodec<KnownType>>(
  Object.values(CODECS).map((codec) => [codec.number, codec as OptionCodec<KnownType>]),
);

/** Where an option lies in a message. */
export interface RawOption {
  readonly number: number;
  /** Of its type byte. */
  readonly offset: number;
  readonly value: ByteReader;
}

/** The next option, behind padding; undefined at the reader's end. @throws MobilityError MOBILITY_TRUNCATED */
export function nextOption(reader: ByteReader): RawOption | undefined {
  while (reader.left > 0) {
    const { offset } = reader;
    const number = reader.u8();
    if (number === PAD1) continue;
    const value = reader.part(reader.u8(), BY_NUMBER.get(number)?.rule ?? 'RFC 6275 section 6.2.1');
    if (number !== PADN) return { number, offset, value };
  }
  return undefined;
}

/**
 * @param tolerant an option of a known type that is malformed becomes one of type `other` with a problem
 * @throws MobilityError MOBILITY_OPTION_INVALID, MOBILITY_TRUNCATED
 */
export function decodeOption({ number, value }: RawOption, tolerant: boolean): MobilityOption {
  const codec = BY_NUMBER.get(number);
  if (codec === undefined) return { type: 'other', number, data: value.bytes(value.left) };
  try {
    return codec.decode(value);
  } catch (error) {
    if (!tolerant || !(error instanceof MobilityError)) throw error;
    return { type: 'other', number, data: value.whole(), problem: error };
  }
}

/**
 * Padding, type, length and value.
 * @returns where its type is
 * @throws MobilityError MOBILITY_VALUE_INVALID, MOBILITY_TOO_LONG
 */
export function encodeOption(writer: ByteWriter, option: MobilityOption): number {
  if (option.type === 'other') return encodeOther(writer, option);
  const codec = CODECS[option.type] as OptionCodec<KnownType>;
  writer.rule = codec.rule;
  const offset = writer.align(codec.alignment(option)).length;
  writer.u8(codec.number, TYPE_FIELD);
  const done = writer.length8(option.type);
  codec.encode(writer, option);
  writer.rule = codec.rule;
  done();
  return offset;
}

function encodeOther(writer: ByteWriter, { number, data }: OtherOption): number {
  writer.rule = 'RFC 6275 section 6.2.1';
  if (number === PAD1 || number === PADN || BY_NUMBER.has(number)) {
    throw writer.error(
      `option ${number} is ${number <= PADN ? 'padding, which is made' : 'known, give its fields'}`,
    );
  }
  const offset = writer.align(ANYWHERE).length;
  writer.u8(number, TYPE_FIELD);
  const done = writer.length8(`option ${number}`);
  writer.bytes(data);
  done();
  return offset;
}

function decodeBindingIdentifier(reader: ByteReader): BindingIdentifierOption {
  const length = reader.left;
  if (length !== 4 && length !== 8 && length !== 20) {
    throw reader.error('MOBILITY_OPTION_INVALID', `the length is ${length}, it must be 4, 8 or 20`);
  }
  const bid = identifier(reader, 'BID');
  const status = reader.u8();
  const last = reader.u8();
  const careOf = length === 4 ? undefined : length === 8 ? reader.ipv4() : reader.ipv6();
  const home = (last & HOME_BIT) !== 0;
  return { type: 'binding-identifier', bid, status, home, priority: last & ~HOME_BIT, careOf };
}

function encodeBindingIdentifier(writer: ByteWriter, option: BindingIdentifierOption): void {
  const { bid, status, home, priority, careOf } = option;
  if (!Number.isInteger(priority) || priority < 0 || priority >= HOME_BIT) {
    throw writer.error(`BID-PRI ${priority} is not in 0..127`);
  }
  writer.u16(bid, BID).u8(status, { name: 'status' });
  writer.u8(priority | (home ? HOME_BIT : 0), { name: 'BID-PRI' });
  if (careOf !== undefined) writer.address(careOf, careOf.family, { name: 'care-of address' });
}

function ofLength(reader: ByteReader, wanted: number): void {
  if (reader.left !== wanted) {
    throw reader.error('MOBILITY_OPTION_INVALID', `the length is ${reader.left}, it must be ${wanted}`);
  }
}

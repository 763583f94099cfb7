/** What must not be decoded or encoded, and how the error names it. */
import test from 'ava';
import {
  Address,
  type BindingUpdate,
  decodeMobilityHeader,
  encodeMobilityHeader,
  MobilityError,
  type MobilityErrorCode,
  type MobilityMessage,
  type MobilityOption,
  Prefix,
} from '../../../src/mobility/index.js';
import { comparable, hexBytes } from '../../support/mobility-messages.js';

interface Malformed {
  readonly what: string;
  readonly bytes: string;
  readonly code: MobilityErrorCode;
  readonly offset: number;
  readonly rule: string;
  readonly says: RegExp;
}

const HEADER: readonly Malformed[] = [
  {
    what: 'nothing',
    bytes: '',
    code: 'MOBILITY_TRUNCATED',
    offset: 0,
    rule: 'RFC 6275 section 6.1.1',
    says: /1 bytes should follow, there are 0/,
  },
  {
    what: 'a header that is cut',
    bytes: '3b 02 05 00 00 00 00 01 c0 00 00 01',
    code: 'MOBILITY_TRUNCATED',
    offset: 1,
    rule: 'RFC 6275 section 6.1.1',
    says: /says 24 bytes, there are 12/,
  },
  {
    what: 'a payload behind it',
    bytes: '11 01 05 00 00 00 00 01 c0 00 00 01 01 02 00 00',
    code: 'MOBILITY_HEADER_INVALID',
    offset: 0,
    rule: 'RFC 6275 section 6.1.1',
    says: /payload protocol is 17, it must be 59/,
  },
  {
    what: 'a Binding Update without its fields',
    bytes: '3b 00 05 00 00 00 00 01',
    code: 'MOBILITY_HEADER_INVALID',
    offset: 1,
    rule: 'RFC 6275 section 6.1.7',
    says: /has at least 12/,
  },
  {
    what: 'a Binding Error without its address',
    bytes: '3b 01 07 00 00 00 01 00 00 00 00 00 00 00 00 00',
    code: 'MOBILITY_HEADER_INVALID',
    offset: 1,
    rule: 'RFC 6275 section 6.1.9',
    says: /has at least 24/,
  },
];

/** Options of a Binding Update, from byte 12 on. */
const OPTIONS: readonly (Malformed & { readonly answerable: boolean })[] = [
  {
    what: 'a type without a length',
    bytes: '00 00 00 23',
    code: 'MOBILITY_TRUNCATED',
    offset: 16,
    rule: 'RFC 6275 section 6.1.1',
    says: /1 bytes should follow/,
    answerable: false,
  },
  {
    what: 'an option that ends behind the header',
    bytes: '23 04 00 01',
    code: 'MOBILITY_TRUNCATED',
    offset: 14,
    rule: 'RFC 6275 section 6.1.1',
    says: /4 bytes should follow, there are 2/,
    answerable: false,
  },
  {
    what: 'padding that ends behind the header',
    bytes: '01 03 00 00',
    code: 'MOBILITY_TRUNCATED',
    offset: 14,
    rule: 'RFC 6275 section 6.1.1',
    says: /3 bytes should follow, there are 2/,
    answerable: false,
  },
  {
    what: 'a Binding Identifier of length 6',
    bytes: '23 06 00 01 00 00 00 00 01 02 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 5648 section 4.3',
    says: /the length is 6, it must be 4, 8 or 20/,
    answerable: true,
  },
  {
    what: 'BID 0',
    bytes: '23 04 00 00 00 00 01 04 00 00 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 5648 section 4.3',
    says: /the BID is 0, which is reserved/,
    answerable: true,
  },
  {
    what: 'a prefix of 129 bits',
    bytes: '06 12 00 81 20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 15,
    rule: 'RFC 3963 section 4.3',
    says: /the prefix length is 129/,
    answerable: true,
  },
  {
    what: 'an Alternate Care-of Address of IPv4',
    bytes: '03 04 c0 00 02 01 01 04 00 00 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 6275 section 6.2.5',
    says: /the length is 4, it must be 16/,
    answerable: true,
  },
  {
    what: 'an authentication without an SPI',
    bytes: '09 02 01 00',
    code: 'MOBILITY_TRUNCATED',
    offset: 15,
    rule: 'RFC 4285 section 5',
    says: /4 bytes should follow, there are 1/,
    answerable: true,
  },
  {
    what: 'a Flow Summary with half a FID',
    bytes: '2c 03 00 01 00 01 05 00 00 00 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 6089 section 4.3',
    says: /3 bytes are no list of FIDs/,
    answerable: true,
  },
  {
    what: 'an empty Flow Summary',
    bytes: '2c 00 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 6089 section 4.3',
    says: /0 bytes are no list of FIDs/,
    answerable: true,
  },
  {
    what: 'FID 0',
    bytes: '2d 06 00 00 00 01 00 00 01 02 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 14,
    rule: 'RFC 6089 section 4.2',
    says: /the FID is 0, which is reserved/,
    answerable: true,
  },
  {
    what: 'BID 0 in a Binding Reference',
    bytes: '2d 0a 00 01 00 01 00 00 02 02 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 22,
    rule: 'RFC 6089 section 4.2.1.3',
    says: /the BID is 0/,
    answerable: true,
  },
  {
    what: 'two Binding References',
    bytes: '2d 0e 00 01 00 01 00 00 02 02 00 01 02 02 00 02 01 02 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 24,
    rule: 'RFC 6089 section 4.2',
    says: /there is a second Binding Reference/,
    answerable: true,
  },
  {
    what: 'a sub-option that ends behind its option',
    bytes: '2d 0a 00 01 00 01 00 00 02 04 00 01',
    code: 'MOBILITY_TRUNCATED',
    offset: 22,
    rule: 'RFC 6089 section 4.2',
    says: /4 bytes should follow, there are 2/,
    answerable: true,
  },
  {
    what: 'a selector with the end of a range only',
    bytes: '2d 10 00 01 00 01 00 00 03 08 01 00 00 40 00 00 00 50',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 24,
    rule: 'RFC 6088 section 3.1',
    says: /has the end of destinationPort but no start/,
    answerable: true,
  },
  {
    what: 'a selector that ends before it starts',
    bytes: '2d 12 00 01 00 01 00 00 03 0a 01 00 03 00 00 00 00 50 00 4f',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 28,
    rule: 'RFC 6088 section 3.1',
    says: /sourcePort 80-79 ends before it starts/,
    answerable: true,
  },
  {
    what: 'a selector that ends within a field',
    bytes: '2d 0e 00 01 00 01 00 00 03 06 02 00 08 00 00 00',
    code: 'MOBILITY_TRUNCATED',
    offset: 28,
    rule: 'RFC 6088 section 3.2',
    says: /4 bytes should follow, there are 0/,
    answerable: true,
  },
  {
    what: 'a selector with more than its fields',
    bytes: '2d 12 00 01 00 01 00 00 03 0a 02 00 00 00 00 00 11 22 33 44',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 28,
    rule: 'RFC 6088 section 3.2',
    says: /4 bytes follow the fields/,
    answerable: true,
  },
  {
    what: 'a flow label of 24 bits',
    bytes: '2d 12 00 01 00 01 00 00 03 0a 02 00 02 00 00 00 00 10 00 00',
    code: 'MOBILITY_OPTION_INVALID',
    offset: 28,
    rule: 'RFC 6088 section 3.2',
    says: /flow label 0x100000 is wider than 20 bits/,
    answerable: true,
  },
];

for (const { what, bytes, code, offset, rule, says } of HEADER) {
  test(`refused: ${what}`, (t) => {
    const error = t.throws(() => decodeMobilityHeader(hexBytes(bytes)), { instanceOf: MobilityError });
    t.like(error, { code, offset, rule });
    t.regex(error?.message ?? '', says);
  });
}

/** A Binding Update with options, padded with Pad1. */
function update(options: string): Uint8Array {
  const rest = hexBytes(options);
  const length = Math.ceil((12 + rest.length) / 8) * 8;
  const bytes = Buffer.alloc(length);
  bytes.set(hexBytes('3b 00 05 00 00 00 00 01 c0 00 00 01'));
  bytes.writeUInt8(length / 8 - 1, 1);
  bytes.set(rest, 12);
  return bytes;
}

for (const { what, bytes, code, offset, rule, says, answerable } of OPTIONS) {
  test(`refused: ${what}`, (t) => {
    const header = update(bytes);
    const error = t.throws(() => decodeMobilityHeader(header), { instanceOf: MobilityError });
    t.like(error, { code, offset, rule });
    t.regex(error?.message ?? '', says);
    if (!answerable) {
      t.throws(() => decodeMobilityHeader(header, { tolerant: true }), { instanceOf: MobilityError });
      return;
    }
    const message = decodeMobilityHeader(header, { tolerant: true });
    if (message.type !== 'binding-update') throw new Error(message.type);
    t.is(message.sequence, 1);
    t.like(comparable(message.options[0]), {
      type: 'other',
      number: hexBytes(bytes)[0],
      problem: { code, offset, rule },
    });
  });
}

const UPDATE: BindingUpdate = {
  type: 'binding-update',
  sequence: 1,
  flags: ['acknowledge'],
  lifetime: 60,
  options: [],
};
const BID = {
  type: 'binding-identifier',
  bid: 1,
  status: 0,
  home: false,
  priority: 1,
  careOf: undefined,
} as const;
const FLOW = {
  type: 'flow-identification',
  fid: 1,
  priority: 1,
  status: 0,
  bids: undefined,
  selector: undefined,
  others: [],
} as const;
const NO_FIELDS = {
  source: undefined,
  destination: undefined,
  spi: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  protocol: undefined,
} as const;
const AUTHENTICATION = { type: 'authentication', subtype: 1, spi: 256, data: new Uint8Array(12) } as const;

const withOptions = (...options: MobilityOption[]): MobilityMessage => ({ ...UPDATE, options });

const UNWRITABLE: readonly { message: MobilityMessage; says: RegExp; code?: MobilityErrorCode }[] = [
  { message: { ...UPDATE, sequence: 65_536 }, says: /sequence number 65536 is not in 0..65535/ },
  { message: { ...UPDATE, sequence: -1 }, says: /sequence number -1/ },
  { message: { ...UPDATE, sequence: 1.5 }, says: /sequence number 1.5/ },
  { message: { ...UPDATE, sequence: Number.NaN }, says: /sequence number NaN/ },
  { message: { ...UPDATE, lifetime: 61 }, says: /lifetime 61 is not a multiple of 4 seconds/ },
  { message: { ...UPDATE, lifetime: 262_144 }, says: /lifetime 262144/ },
  { message: { ...UPDATE, flags: ['overwrite'] }, says: /overwrite needs a Binding Identifier/ },
  { message: { ...UPDATE, flags: ['overwrite', 'proxy'], options: [BID] }, says: /no flag proxy/ },
  { message: withOptions({ ...BID, bid: 0 }), says: /at byte 14: BID 0 is not in 1..65535/ },
  { message: withOptions({ ...BID, bid: 65_536 }), says: /BID 65536/ },
  { message: withOptions({ ...BID, priority: 128 }), says: /BID-PRI 128 is not in 0..127/ },
  { message: withOptions({ ...BID, status: 256 }), says: /status 256/ },
  {
    message: { type: 'binding-refresh-request', options: [{ ...BID, careOf: Address.parse('2001:db8::1') }] },
    says: /care-of address in a Binding Update only \(RFC 5648 section 4.3\)/,
  },
  {
    message: withOptions({ type: 'alternate-care-of', address: Address.parse('192.0.2.1') }),
    says: /192.0.2.1 is not an IPv6 address/,
  },
  {
    message: withOptions({ type: 'mobile-network-prefix', prefix: Prefix.parse('192.0.2.0/24') }),
    says: /is not an IPv6 address/,
  },
  { message: withOptions({ type: 'flow-summary', fids: [] }), says: /list of FIDs is empty/ },
  { message: withOptions({ type: 'flow-summary', fids: [1, 0] }), says: /FID 0 is not in 1..65535/ },
  {
    message: withOptions({ type: 'flow-summary', fids: Array.from({ length: 128 }, (_, at) => at + 1) }),
    says: /would have 256 bytes, 255 is the most/,
    code: 'MOBILITY_TOO_LONG',
  },
  { message: withOptions({ ...FLOW, bids: [] }), says: /list of BIDs is empty/ },
  {
    message: withOptions({ ...FLOW, others: [{ number: 3, data: new Uint8Array() }] }),
    says: /sub-option 3/,
  },
  {
    message: withOptions({ ...FLOW, selector: { type: 'other', format: 2, data: new Uint8Array() } }),
    says: /format 2 is one of RFC 6088/,
  },
  {
    message: withOptions({ ...FLOW, selector: { type: 'ipv4', ...NO_FIELDS, dscp: { low: 0, high: 64 } } }),
    says: /dscp 64 is not in 0..63/,
  },
  {
    message: withOptions({ ...FLOW, selector: { type: 'ipv4', ...NO_FIELDS, dscp: { low: 1.5, high: 2 } } }),
    says: /dscp 1.5/,
  },
  {
    message: withOptions({
      ...FLOW,
      selector: { type: 'ipv4', ...NO_FIELDS, protocol: { low: 9, high: 8 } },
    }),
    says: /protocol 9-8 ends before it starts/,
  },
  {
    message: withOptions({
      ...FLOW,
      selector: { type: 'ipv6', ...NO_FIELDS, flowLabel: { low: 0, high: 0x10_0000 } },
    }),
    says: /flowLabel 1048576 is not in 0..1048575/,
  },
  {
    message: withOptions({
      ...FLOW,
      selector: {
        type: 'ipv4',
        ...NO_FIELDS,
        source: { low: Address.parse('2001:db8::1'), high: Address.parse('2001:db8::1') },
      },
    }),
    says: /2001:db8::1 is not an IPv4 address/,
  },
  { message: withOptions({ ...AUTHENTICATION, spi: 255 }), says: /mobility SPI 255 is not in 256/ },
  { message: withOptions(AUTHENTICATION, BID), says: /follows the authentication/ },
  { message: withOptions({ type: 'replay-protection', timestamp: 1n << 64n }), says: /64 bits/ },
  { message: withOptions({ type: 'replay-protection', timestamp: -1n }), says: /64 bits/ },
  { message: withOptions({ type: 'other', number: 1, data: new Uint8Array(2) }), says: /is padding/ },
  { message: withOptions({ type: 'other', number: 35, data: new Uint8Array(4) }), says: /35 is known/ },
  { message: withOptions({ type: 'other', number: 256, data: new Uint8Array(4) }), says: /option type 256/ },
  {
    message: withOptions({ type: 'other', number: 200, data: new Uint8Array(256) }),
    says: /would have 256 bytes/,
    code: 'MOBILITY_TOO_LONG',
  },
  {
    message: withOptions(
      ...Array.from(
        { length: 9 },
        () => ({ type: 'other', number: 200, data: new Uint8Array(255) }) as const,
      ),
    ),
    says: /2048 is the most/,
    code: 'MOBILITY_TOO_LONG',
  },
  {
    message: withOptions(
      ...Array.from(
        { length: 500 },
        () => ({ type: 'other', number: 200, data: new Uint8Array(255) }) as const,
      ),
    ),
    says: /more than 4096 bytes/,
    code: 'MOBILITY_TOO_LONG',
  },
  { message: { type: 'other', number: 5, data: new Uint8Array(2) }, says: /message type 5 is known/ },
  { message: { type: 'other', number: 1, data: new Uint8Array(3) }, says: /multiple of 8/ },
];

for (const [at, { message, says, code = 'MOBILITY_VALUE_INVALID' }] of UNWRITABLE.entries()) {
  test(`not encoded (${at}): ${says.source}`, (t) => {
    const error = t.throws(() => encodeMobilityHeader(message), { instanceOf: MobilityError });
    t.is(error?.code, code);
    t.regex(error?.message ?? '', says);
    t.regex(error?.rule ?? '', /^RFC \d+ section /);
  });
}

test('the longest message there is has 2048 bytes', (t) => {
  const most = Array.from({ length: 8 }, (_, at) => {
    // 8 options of 254 and 12 bytes of fields, 4 of them lost.
    return { type: 'other', number: 200, data: new Uint8Array(at === 7 ? 251 : 252) } as const;
  });
  const bytes = encodeMobilityHeader(withOptions(...most));
  t.is(bytes.length, 2048);
  t.is(bytes[1], 255);
  t.deepEqual(comparable(decodeMobilityHeader(bytes)), comparable(withOptions(...most)));
});

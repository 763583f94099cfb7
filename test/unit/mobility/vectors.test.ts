/** Messages written byte by byte from the layouts of the RFCs, not by our encoder. */
import test from 'ava';
import {
  Address,
  decodeMobilityHeader,
  encodeMobilityHeader,
  MacAddress,
  type MobilityMessage,
  type MobilityOption,
  Prefix,
} from '../../../src/mobility/index.js';
import { comparable, hexBytes, hexText } from '../../support/mobility-messages.js';

const address = Address.parse;

interface Vector {
  readonly what: string;
  readonly bytes: string;
  readonly message: MobilityMessage;
}

const BINDING = {
  type: 'binding-identifier',
  status: 0,
  home: false,
  priority: 0,
  careOf: undefined,
} as const;

const VECTORS: readonly Vector[] = [
  {
    what: 'a plain Binding Update (RFC 6275 section 6.1.7): four bytes of padding, for it must be a multiple of 8',
    // payload protocol 59, length 1, type 5, reserved; checksum; sequence; A H L K; lifetime 3 x 4 s; PadN
    bytes: '3b 01 05 00  00 00  12 34  f0 00  00 03  01 02 00 00',
    message: {
      type: 'binding-update',
      sequence: 0x1234,
      flags: ['acknowledge', 'home', 'link-local', 'key-management'],
      lifetime: 12,
      options: [],
    },
  },
  {
    what: 'Binding Identifiers of all three lengths with O (RFC 5648 section 4.3); BID-PRI and H share a byte',
    bytes: [
      '3b 07 05 00  00 00  ff ff  c4 40  00 69',
      '01 04 00 00 00 00', // 8n+2 from 12: 18
      '23 14  00 01  00  0a  20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 02',
      '01 00', // from 40: 42
      '23 08  00 02  00  7f  c0 00 02 01',
      '23 04  ff ff  00  81', // 2n without an address
      '01 04 00 00 00 00', // from 58: a multiple of 8
    ].join(' '),
    message: {
      type: 'binding-update',
      sequence: 0xffff,
      flags: ['acknowledge', 'home', 'mobile-router', 'overwrite'],
      lifetime: 420,
      options: [
        { ...BINDING, bid: 1, priority: 10, careOf: address('2001:db8:a::2') },
        { ...BINDING, bid: 2, priority: 127, careOf: address('192.0.2.1') },
        { ...BINDING, bid: 0xffff, home: true, priority: 1 },
      ],
    },
  },
  {
    what: 'a Binding Acknowledgement with a status of its own for one BID (RFC 6275 section 6.1.8)',
    bytes: '3b 02 06 00  00 00  04 c0  00 07  00 0a  23 04 00 01 00 00  23 04 00 02 a7 00',
    message: {
      type: 'binding-acknowledgement',
      status: 4,
      flags: ['key-management', 'mobile-router'],
      sequence: 7,
      lifetime: 40,
      options: [
        { ...BINDING, bid: 1 },
        { ...BINDING, bid: 2, status: 167 },
      ],
    },
  },
  {
    what: 'a Binding Refresh Request without options is 8 bytes (RFC 6275 section 6.1.2)',
    bytes: '3b 00 00 00  00 00  00 00',
    message: { type: 'binding-refresh-request', options: [] },
  },
  {
    what: 'a Binding Refresh Request for one BID',
    bytes: '3b 01 00 00  00 00  00 00  23 04 00 03 00 00  01 00',
    message: { type: 'binding-refresh-request', options: [{ ...BINDING, bid: 3 }] },
  },
  {
    what: 'a Binding Error (RFC 6275 section 6.1.9)',
    bytes: '3b 02 07 00  00 00  01 00  20 01 0d b8 00 77 00 00 00 00 00 00 00 00 00 01',
    message: { type: 'binding-error', status: 1, homeAddress: address('2001:db8:77::1'), options: [] },
  },
  {
    what: 'a Mobile Network Prefix at 8n+4 needs no padding (RFC 3963 section 4.3)',
    bytes:
      '3b 03 05 00  00 00  00 01  c4 00  00 01  06 12 00 38 20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 00',
    message: {
      type: 'binding-update',
      sequence: 1,
      flags: ['acknowledge', 'home', 'mobile-router'],
      lifetime: 4,
      options: [{ type: 'mobile-network-prefix', prefix: Prefix.parse('2001:db8:1::/56') }],
    },
  },
  {
    what: 'an Alternate Care-of Address at 8n+6 and Nonce Indices at 2n (RFC 6275 sections 6.2.5 and 6.2.6)',
    bytes: [
      '3b 04 05 00  00 00  00 01  80 00  00 01',
      '01 00', // 8n+6 from 12: 14
      '03 10 20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 02',
      '04 04 00 11 00 22', // 32
      '01 00',
    ].join(' '),
    message: {
      type: 'binding-update',
      sequence: 1,
      flags: ['acknowledge'],
      lifetime: 4,
      options: [
        { type: 'alternate-care-of', address: address('2001:db8:a::2') },
        { type: 'nonce-indices', home: 0x11, careOf: 0x22 },
      ],
    },
  },
  {
    what: 'a link-layer address behind its code (RFC 5568 section 6.4.4)',
    bytes: '3b 02 05 00  00 00  00 01  c0 00  00 01  07 07 02 02 00 00 00 00 07  01 01 00',
    message: {
      type: 'binding-update',
      sequence: 1,
      flags: ['acknowledge', 'home'],
      lifetime: 4,
      options: [{ type: 'link-layer-address', code: 2, mac: MacAddress.parse('02:00:00:00:00:07') }],
    },
  },
  {
    what: 'replay protection at 8n+2 and authentication at 4n+1 (RFC 4285 sections 5 and 6)',
    bytes: [
      '3b 05 05 00  00 00  00 02  c0 00  00 01',
      '01 04 00 00 00 00',
      '0a 08  e3 4f 12 80 80 00 00 00',
      '00', // from 28: 29
      '09 11 01 00 00 01 00 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab',
    ].join(' '),
    message: {
      type: 'binding-update',
      sequence: 2,
      flags: ['acknowledge', 'home'],
      lifetime: 4,
      options: [
        { type: 'replay-protection', timestamp: 0xe34f_1280_8000_0000n },
        { type: 'authentication', subtype: 1, spi: 256, data: hexBytes('a0a1a2a3a4a5a6a7a8a9aaab') },
      ],
    },
  },
  {
    what: 'options that nobody here knows keep their bytes',
    bytes: '3b 02 05 00  00 00  00 01  00 00  00 01  08 05 01 61 40 62 63  c8 00  01 01 00',
    message: {
      type: 'binding-update',
      sequence: 1,
      flags: [],
      lifetime: 4,
      options: [
        { type: 'other', number: 8, data: hexBytes('01 61 40 62 63') },
        { type: 'other', number: 200, data: new Uint8Array() },
      ],
    },
  },
  {
    what: 'a message of another type keeps its bytes: Home Test Init',
    bytes: '3b 01 01 00  00 00  00 00  01 02 03 04 05 06 07 08',
    message: { type: 'other', number: 1, data: hexBytes('00 00 01 02 03 04 05 06 07 08') },
  },
];

const NO_FIELDS = {
  source: undefined,
  destination: undefined,
  spi: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  protocol: undefined,
} as const;

/** What follows the fixed fields of a Binding Update; they end at 12. */
const FLOWS: readonly { what: string; bytes: string; options: MobilityOption[] }[] = [
  {
    what: 'a Flow Summary (RFC 6089 section 4.3)',
    bytes: '2c 06 00 01 00 02 ff ff  01 02 00 00',
    options: [{ type: 'flow-summary', fids: [1, 2, 0xffff] }],
  },
  {
    what: 'every field of an IPv6 selector as a range (RFC 6088 section 3.2); it starts at 8n',
    bytes: [
      '2d 76 00 05 00 09 00 00', // 12
      '02 04 00 01 00 02', // 20: Binding Reference
      '01 04 00 00 00 00', // 26
      '03 62 02 00  ff ff 00 00', // 32: A to P
      '20 01 0d b8 00 99 00 00 00 00 00 00 00 00 00 00', // A
      '20 01 0d b8 00 99 00 00 00 00 00 00 00 00 ff ff', // B
      '20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 00', // C
      '20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 ff', // D
      '00 00 01 00  00 00 01 ff', // E F: SPI
      '00 01 23 45  00 0f ff ff', // G H: flow label
      '03 e8 07 d0  13 c4 13 d8', // I J, K L: ports
      'a0 b8', // M N: traffic class, DSCP 40 and 46
      '06 11', // O P: next header
      '01 02 00 00', // from 132
    ].join(' '),
    options: [
      {
        type: 'flow-identification',
        fid: 5,
        priority: 9,
        status: 0,
        bids: [1, 2],
        selector: {
          type: 'ipv6',
          source: { low: address('2001:db8:99::'), high: address('2001:db8:99::ffff') },
          destination: { low: address('2001:db8:1::'), high: address('2001:db8:1::ff') },
          spi: { low: 0x100, high: 0x1ff },
          flowLabel: { low: 0x1_2345, high: 0xf_ffff },
          sourcePort: { low: 1000, high: 2000 },
          destinationPort: { low: 5060, high: 5080 },
          dscp: { low: 40, high: 46 },
          protocol: { low: 6, high: 17 },
        },
        others: [],
      },
    ],
  },
  {
    what: 'every field of an IPv4 selector as a start only (RFC 6088 section 3.1); it starts at 4n',
    bytes: [
      '2d 20 00 06 00 01 00 00', // 12
      '03 18 01 00  aa a8 00 00', // 20: A C E G I K M
      'c0 00 02 01', // A
      'c6 33 64 01', // C
      '00 00 10 00', // E
      '04 d2', // G
      '00 50', // I
      'b8', // K: DS field, DSCP 46
      '11', // M
      '01 00', // from 46
    ].join(' '),
    options: [
      {
        type: 'flow-identification',
        fid: 6,
        priority: 1,
        status: 0,
        bids: undefined,
        selector: {
          type: 'ipv4',
          source: { low: address('192.0.2.1'), high: address('192.0.2.1') },
          destination: { low: address('198.51.100.1'), high: address('198.51.100.1') },
          spi: { low: 0x1000, high: 0x1000 },
          sourcePort: { low: 1234, high: 1234 },
          destinationPort: { low: 80, high: 80 },
          dscp: { low: 46, high: 46 },
          protocol: { low: 17, high: 17 },
        },
        others: [],
      },
    ],
  },
  {
    what: 'a flow of every IPv6 packet, a selector of an unknown format, an unknown sub-option',
    bytes: [
      '2d 12 00 07 00 02 00 00  02 02 00 03  03 06 02 00 00 00 00 00', // 12
      '2d 11 00 08 00 03 00 85  03 04 09 00 be ef  0b 03 01 02 03', // 32
      '01 03 00 00 00', // from 51
    ].join(' '),
    options: [
      {
        type: 'flow-identification',
        fid: 7,
        priority: 2,
        status: 0,
        bids: [3],
        selector: { type: 'ipv6', ...NO_FIELDS, flowLabel: undefined },
        others: [],
      },
      {
        type: 'flow-identification',
        fid: 8,
        priority: 3,
        status: 133,
        bids: undefined,
        selector: { type: 'other', format: 9, data: hexBytes('be ef') },
        others: [{ number: 11, data: hexBytes('01 02 03') }],
      },
    ],
  },
];

for (const { what, bytes, message } of VECTORS) {
  test(what, (t) => {
    t.deepEqual(comparable(decodeMobilityHeader(hexBytes(bytes))), comparable(message));
    t.is(hexText(encodeMobilityHeader(message)), hexText(hexBytes(bytes)));
  });
}

for (const { what, bytes, options } of FLOWS) {
  test(what, (t) => {
    const rest = hexBytes(bytes);
    const header = Buffer.concat([hexBytes('3b 00 05 00 00 00 00 01 c0 00 00 01'), rest]);
    header.writeUInt8(header.length / 8 - 1, 1);
    const message = {
      type: 'binding-update',
      sequence: 1,
      flags: ['acknowledge', 'home'],
      lifetime: 4,
      options,
    };
    t.deepEqual(comparable(decodeMobilityHeader(header)), comparable(message));
    t.is(hexText(encodeMobilityHeader(message as MobilityMessage)), hexText(header));
  });
}

test('bit 0x0040 is O only beside a Binding Identifier and without P (RFC 5648 section 4.2, RFC 6602)', (t) => {
  const flags = (text: string): unknown => {
    const message = decodeMobilityHeader(hexBytes(text));
    return message.type === 'binding-update' ? message.flags : undefined;
  };
  t.deepEqual(flags('3b 01 05 00 00 00 00 01 c0 40 00 01 01 02 00 00'), ['acknowledge', 'home']);
  const bid = '23 04 00 01 00 00 01 04 00 00 00 00';
  t.deepEqual(flags(`3b 02 05 00 00 00 00 01 c0 40 00 01 ${bid}`), ['acknowledge', 'home', 'overwrite']);
  t.deepEqual(flags(`3b 02 05 00 00 00 00 01 c2 40 00 01 ${bid}`), ['acknowledge', 'home', 'proxy']);
});

test('a receiver takes what a sender should not have sent, where the RFCs say so', (t) => {
  // A care-of address in an acknowledgement (RFC 5648 section 6.2), bits behind a prefix, ECN bits of a selector.
  const acknowledgement = decodeMobilityHeader(
    hexBytes('3b 02 06 00 00 00 00 00 00 07 00 0a 00 00 23 08 00 02 00 00 c0 00 02 01'),
  );
  t.like(comparable(acknowledgement), { options: [{ bid: 2, careOf: '192.0.2.1' }] });
  const prefix = decodeMobilityHeader(
    hexBytes(
      '3b 03 05 00 00 00 00 01 c4 00 00 01 06 12 ff 38 20 01 0d b8 00 01 00 ff ff 00 00 00 00 00 00 00',
    ),
  );
  t.like(comparable(prefix), { options: [{ prefix: '2001:db8:1::/56' }] });
  const selector = decodeMobilityHeader(
    hexBytes(
      '3b 03 05 00 00 00 00 01 c0 00 00 01 2d 11 00 07 00 02 00 00 03 09 01 00 00 38 00 00 03 07 11 00',
    ),
  );
  t.like(comparable(selector), {
    options: [{ selector: { dscp: { low: 0, high: 1 }, protocol: { low: 17, high: 17 } } }],
  });
});

test('what follows the header is ignored, and a view into a larger buffer is read where it is', (t) => {
  const around = hexBytes('ff ff ff 3b 00 00 00 00 00 00 00 ff ff');
  t.deepEqual(comparable(decodeMobilityHeader(around.subarray(3))), {
    type: 'binding-refresh-request',
    options: [],
  });
});

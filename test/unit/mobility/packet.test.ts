import test from 'ava';
import {
  Address,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeHomeAddressOption,
  encodeHomeRouting,
  encodeMobilityHeader,
  encodeMobilityPacket,
  MobilityError,
  type MobilityMessage,
} from '../../../src/mobility/index.js';
import { comparable, hexBytes, hexText } from '../../support/mobility-messages.js';
import { ipv6, Next, type Packet } from '../../support/packet.js';

const CARE_OF = Address.parse('2001:db8:a::2');
const HOME = Address.parse('2001:db8:77::1');
const AGENT = Address.parse('2001:db8:ffff::1');
const MOBILITY = 135;
const MESSAGE: MobilityMessage = {
  type: 'binding-update',
  sequence: 7,
  flags: ['acknowledge', 'home'],
  lifetime: 60,
  options: [],
};

test('a home address option is at 8n+6 of its header (RFC 6275 section 6.3)', (t) => {
  const bytes = encodeHomeAddressOption(HOME, MOBILITY);
  t.is(hexText(bytes), hexText(hexBytes('87 02 01 02 00 00 c9 10 20010db8007700000000000000000001')));
});

test('a type 2 routing header (RFC 6275 section 6.4)', (t) => {
  const bytes = encodeHomeRouting(HOME, MOBILITY);
  t.is(hexText(bytes), hexText(hexBytes('87 02 02 01 00 00 00 00 20010db8007700000000000000000001')));
});

test('a Binding Update as a mobile node sends it, byte by byte', (t) => {
  const bytes = encodeMobilityPacket({ source: CARE_OF, destination: AGENT, homeAddress: HOME }, MESSAGE);
  const wanted = [
    '60000000 0028 3c 40',
    '20010db8000a00000000000000000002 20010db8ffff00000000000000000001',
    '87 02 01 02 00 00 c9 10 20010db8007700000000000000000001',
    // Sum: the home address 2eb0... as source, the agent, 16, 135 and the header.
    '3b 01 05 00',
  ].join('');
  t.is(hexText(bytes.subarray(0, 68)), hexText(hexBytes(wanted)));
  const header = encodeMobilityHeader(MESSAGE, { source: HOME, destination: AGENT });
  t.is(hexText(bytes.subarray(64)), hexText(header));
});

test('a Binding Acknowledgement goes to the care-of address and counts for the home address', (t) => {
  const bytes = encodeMobilityPacket({ source: AGENT, destination: CARE_OF, routedTo: HOME }, MESSAGE);
  const found = decodeMobilityPacket(bytes);
  t.like(comparable(found), {
    source: '2001:db8:ffff::1',
    destination: '2001:db8:a::2',
    homeAddress: null,
    routing: { address: '2001:db8:77::1', segmentsLeft: 1 },
    offset: 64,
    checksum: 'right',
  });
  // As the mobile node has it when the routing header has been processed.
  const arrived = Buffer.from(bytes);
  arrived.set(HOME.toBytes(), 24);
  arrived.set(CARE_OF.toBytes(), 48);
  arrived.writeUInt8(0, 43);
  t.like(decodeMobilityPacket(arrived), { checksum: 'right' });
  t.like(comparable(decodeMobilityPacket(arrived)), { destination: '2001:db8:77::1' });
});

const WAYS: readonly { what: string; homeAddress?: Address; routedTo?: Address }[] = [
  { what: 'bare' },
  { what: 'with a home address', homeAddress: HOME },
  { what: 'with a routing header', routedTo: HOME },
  { what: 'with both', homeAddress: HOME, routedTo: Address.parse('2001:db8:77::2') },
];

for (const { what, ...ends } of WAYS) {
  test(`a packet ${what} is found again, and a wrong checksum is told`, (t) => {
    const bytes = encodeMobilityPacket(
      { source: CARE_OF, destination: AGENT, ...ends, hopLimit: 3 },
      MESSAGE,
    );
    t.is(bytes[7], 3);
    const found = decodeMobilityPacket(bytes);
    if (found === undefined) throw new Error('nothing found');
    t.is(found.source.toString(), CARE_OF.toString());
    t.is(found.destination.toString(), AGENT.toString());
    t.is(found.homeAddress?.toString(), ends.homeAddress?.toString());
    t.is(found.routing?.address.toString(), ends.routedTo?.toString());
    t.is(found.checksum, 'right');
    t.deepEqual(comparable(decodeMobilityHeader(found.header)), comparable(MESSAGE));
    const wrong = Buffer.from(bytes);
    wrong.writeUInt8(wrong.readUInt8(found.offset + 7) ^ 1, found.offset + 7);
    t.is(decodeMobilityPacket(wrong)?.checksum, 'wrong');
  });
}

const HEADER = encodeMobilityHeader(MESSAGE, { source: CARE_OF, destination: AGENT });
const ENDS = { source: CARE_OF.toString(), destination: AGENT.toString() };
const message = (packet: Packet): Uint8Array => packet.raw(HEADER, MOBILITY).bytes();

const THROUGH: readonly { what: string; packet: Uint8Array; offset: number }[] = [
  { what: 'hop-by-hop options', packet: message(ipv6(ENDS).hopByHop({ size: 16 })), offset: 56 },
  { what: 'another destination option', packet: message(ipv6(ENDS).encapsulationLimit()), offset: 48 },
  { what: 'a routing header of another type', packet: message(ipv6(ENDS).routing({ size: 24 })), offset: 64 },
  { what: 'an authentication header', packet: message(ipv6(ENDS).authentication()), offset: 64 },
  { what: 'a fragment header of a whole packet', packet: message(ipv6(ENDS).fragment()), offset: 48 },
  {
    what: 'a tunnel',
    packet: message(ipv6({ source: '2001:db8:b::1', destination: '2001:db8:c::1' }).carrying(ipv6(ENDS))),
    offset: 80,
  },
];

for (const { what, packet, offset } of THROUGH) {
  test(`the mobility header is found behind ${what}`, (t) => {
    t.like(comparable(decodeMobilityPacket(packet)), { ...ENDS, offset, checksum: 'right' });
  });
}

const WITHOUT: readonly { what: string; packet: Uint8Array }[] = [
  { what: 'UDP', packet: ipv6(ENDS).udp().payload(8).bytes() },
  { what: 'ESP', packet: ipv6(ENDS).esp().payload(64).bytes() },
  { what: 'a later fragment', packet: message(ipv6(ENDS).fragment({ offset: 8 })) },
  { what: 'TCP that was cut', packet: ipv6(ENDS).tcp().payload(800).truncate(70).bytes() },
];

for (const { what, packet } of WITHOUT) {
  test(`${what} has no mobility header`, (t) => {
    t.is(decodeMobilityPacket(packet), undefined);
  });
}

const REFUSED: readonly { what: string; packet: Uint8Array; offset: number; says: RegExp }[] = [
  {
    what: 'a short packet',
    packet: new Uint8Array(39),
    offset: 0,
    says: /39 bytes are shorter than an IPv6/,
  },
  { what: 'IPv4', packet: message(ipv6({ ...ENDS, version: 4 })), offset: 0, says: /IP version 4/ },
  {
    what: 'a first fragment',
    packet: message(ipv6(ENDS).fragment({ more: true })),
    offset: 40,
    says: /first fragment of a mobility message/,
  },
  {
    what: 'options that end behind the packet',
    packet: message(ipv6(ENDS).destinationOptions({ lengthField: 9 })),
    offset: 42,
    says: /78 bytes should follow/,
  },
  {
    what: 'a home address of 4 bytes',
    packet: ipv6(ENDS).raw(hexBytes('3b 00 c9 04 c0 00 02 01'), Next.DESTINATION_OPTIONS).bytes(),
    offset: 44,
    says: /length is 4, it must be 16/,
  },
  {
    what: 'two segments left',
    packet: ipv6(ENDS)
      .raw(hexBytes(`3b 02 02 02 00000000 ${'00'.repeat(16)}`), Next.ROUTING)
      .bytes(),
    offset: 43,
    says: /2 segments are left/,
  },
  {
    what: 'a type 2 routing header with two addresses',
    packet: ipv6(ENDS)
      .raw(hexBytes(`3b 04 02 01 00000000 ${'00'.repeat(32)}`), Next.ROUTING)
      .bytes(),
    offset: 41,
    says: /has 24 bytes, this one 40/,
  },
  {
    what: 'headers without end',
    packet: message(Array.from({ length: 20 }).reduce<Packet>((all) => all.hopByHop(), ipv6(ENDS))),
    offset: 160,
    says: /more than 16 headers/,
  },
];

for (const { what, packet, offset, says } of REFUSED) {
  test(`a packet with ${what} is refused`, (t) => {
    const error = t.throws(() => decodeMobilityPacket(packet), { instanceOf: MobilityError });
    t.is(error?.offset, offset);
    t.regex(error?.message ?? '', says);
  });
}

/** Out of a tunnel into the mobile network. */
import { ethernet, type Ipv6Fields, ipv6, Next, type Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
import {
  BID,
  CARE_OF,
  CORRESPONDENT,
  down,
  HOME_ADDRESS,
  HOME_AGENT,
  HOME_MAC,
  LAN_HOST,
  LAN_MAC,
  LAN_UNKNOWN,
  mobileWorld,
  OTHER_HOST,
  outerDown,
  STRANGER,
} from './worlds.js';

const usual = mobileWorld();
const noHome = mobileWorld({ homeIfindex: 0 });
const lanMtu = 1500;

const udp = (fields: Partial<Ipv6Fields> = {}): Packet => down(fields).udp().payload(32);
const outer = (fields: Partial<Ipv6Fields> = {}): Packet => outerDown('A', { flowLabel: 5, ...fields });
const toLan = { source: LAN_MAC.own, destination: LAN_MAC.host };
const toHome = { source: HOME_MAC, destination: HOME_MAC };

function row(
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  return {
    description,
    program: 'coax_uplink',
    world: usual,
    hook: 'UPLINK',
    reason,
    packet: packet.onEthernet(),
    ...more,
  };
}

const delivered = (
  description: string,
  front: Packet,
  inner: (fields: Partial<Ipv6Fields>) => Packet,
  more: Partial<PacketRow> = {},
): PacketRow =>
  row(description, 'DECAPSULATED', front.carrying(inner({})), {
    expected: inner({ hopLimit: 63 }).onEthernet(toLan),
    ...more,
  });

const toStack = (description: string, inner: Packet, more: Partial<PacketRow> = {}): PacketRow =>
  row(description, 'TO_STACK_DECAPSULATED', outer().carrying(inner), {
    expected: inner.onEthernet(toHome),
    ...more,
  });

const rows: PacketRow[] = [
  delivered('to a known neighbour', outer(), udp),
  delivered('to a known neighbour by the other binding', outerDown('B', { flowLabel: 1 }), udp),
  delivered('outer hop limit 0 does not matter any more', outer({ hopLimit: 0 }), udp),
  delivered('hop limit 2', outer(), (fields) => udp({ ...fields, hopLimit: fields.hopLimit ? 1 : 2 })),
  delivered('from the home agent itself', outer(), (fields) => udp({ ...fields, source: HOME_AGENT })),
  delivered('a fragment', outer(), (fields) =>
    down(fields).fragment({ offset: 9, nextHeader: Next.UDP }).payload(64),
  ),
  delivered('a chain longer than we follow', outer(), (fields) =>
    Array.from({ length: 12 })
      .reduce<Packet>((chain) => chain.destinationOptions(), down(fields))
      .udp(),
  ),
  delivered('exactly the MTU of the link', outer(), (fields) =>
    down(fields)
      .udp()
      .payload(lanMtu - 48),
  ),
  toStack(
    'one byte more than the MTU of the link',
    down()
      .udp()
      .payload(lanMtu - 47),
  ),
  toStack('to the home address', udp({ destination: HOME_ADDRESS })),
  toStack('to a neighbour that is not known', udp({ destination: LAN_UNKNOWN })),
  toStack('hop limit 1: the stack answers', udp({ hopLimit: 1 })),
  toStack('hop limit 0', udp({ hopLimit: 0 })),
  row('no home interface', 'DROP_BROKEN_STATE', outer().carrying(udp({ destination: HOME_ADDRESS })), {
    world: noHome,
  }),
  row('the kernel refuses to remove', 'DROP_DECAP_FAILED', outer().carrying(down().tcp().payload(3000)), {
    // A test run gives segments without their kind, which the kernel cannot change.
    context: { gsoSize: 1000, gsoSegs: 3 },
    counted: 3,
  }),
];

const encapsulationLimit = (front: Packet): Packet => front.encapsulationLimit();
const behind: PacketRow[] = [
  delivered('an encapsulation limit option, as ip6tnl sends it', encapsulationLimit(outer()), udp),
  delivered('hop-by-hop', outer().hopByHop(), udp),
  delivered('routing without segments left', outer().routing(), udp),
  delivered('an atomic fragment is a whole packet (RFC 6946)', outer().fragment(), udp),
  delivered(
    'eight headers',
    Array.from({ length: 8 }).reduce<Packet>((chain) => chain.destinationOptions(), outer()),
    udp,
  ),
  row(
    'routing with segments left: not at its end yet',
    'NOT_OURS',
    outer().routing({ segmentsLeft: 1 }).carrying(udp()),
  ),
  row('a first fragment', 'NOT_OURS', outer().fragment({ more: true }).carrying(udp())),
  row('a later fragment', 'NOT_OURS', outer().fragment({ offset: 20, nextHeader: Next.IPV6 }).payload(80)),
  row('authentication, which the stack must verify', 'NOT_OURS', outer().authentication().carrying(udp())),
  row(
    'nine headers',
    'NOT_OURS',
    Array.from({ length: 9 })
      .reduce<Packet>((chain) => chain.destinationOptions(), outer())
      .carrying(udp()),
  ),
  row(
    'a header that ends behind the packet',
    'NOT_OURS',
    outer().destinationOptions({ lengthField: 99 }).carrying(udp()),
  ),
  row(
    'an encapsulation limit option from a stranger',
    'DROP_OUTER_SOURCE',
    encapsulationLimit(outer({ source: STRANGER })).carrying(udp()),
  ),
];

const OWN_SPI = 0x1234_5678;
const espWorld = mobileWorld({ spis: [{ local: CARE_OF.A, spi: OWN_SPI }] });

const filtered: PacketRow[] = [
  row('unknown outer source', 'DROP_OUTER_SOURCE', outer({ source: STRANGER }).carrying(udp())),
  row('unspecified outer source', 'DROP_OUTER_SOURCE', outer({ source: '::' }).carrying(udp())),
  row('a care-of address as outer source', 'DROP_OUTER_SOURCE', outer({ source: CARE_OF.B }).carrying(udp())),
  row('outer destination is not ours', 'NOT_OURS', outer({ destination: STRANGER }).carrying(udp())),
  row(
    'inner destination outside our prefixes',
    'DROP_DESTINATION',
    outer().carrying(udp({ destination: OTHER_HOST })),
  ),
  row(
    'inner destination is a care-of address',
    'DROP_DESTINATION',
    outer().carrying(udp({ destination: CARE_OF.A })),
  ),
  ...['fe80::1', 'ff02::1', 'ff0e::1', '::', '::1'].flatMap((address) => [
    row(`inner destination ${address}`, 'DROP_LINK_SCOPE', outer().carrying(udp({ destination: address }))),
    row(`inner source ${address}`, 'DROP_LINK_SCOPE', outer().carrying(udp({ source: address }))),
  ]),
  row('ESP of a tunnel of ours', 'NOT_OURS', outer().esp({ spi: OWN_SPI }), { world: espWorld }),
  row(
    'ESP of a tunnel of ours, from somebody else',
    'DROP_OUTER_SOURCE',
    outer({ source: STRANGER }).esp({ spi: OWN_SPI }),
    {
      world: espWorld,
    },
  ),
  row("somebody's own ESP", 'NOT_OURS', outer({ source: STRANGER }).esp({ spi: OWN_SPI + 1 }), {
    world: espWorld,
  }),
  row(
    'ESP of a tunnel of ours behind options, from somebody else',
    'DROP_OUTER_SOURCE',
    outer({ source: STRANGER }).destinationOptions().esp({ spi: OWN_SPI }),
    {
      world: espWorld,
    },
  ),
  row('garbage inside', 'DROP_NOT_IPV6', outer({ nextHeader: Next.IPV6 }).raw(new Uint8Array(60).fill(0xa5))),
  row(
    'IPv4 behind the number of IPv6',
    'DROP_NOT_IPV6',
    outer({ nextHeader: Next.IPV6 }).raw(new Uint8Array(60).fill(0x45)),
  ),
  row(
    'IPv4 by its own number',
    'NOT_OURS',
    outer({ nextHeader: Next.IPV4 }).raw(new Uint8Array(60).fill(0x45)),
  ),
  row('nothing inside', 'DROP_TRUNCATED', outer({ nextHeader: Next.IPV6 })),
  row(
    'inner header cut',
    'DROP_TRUNCATED',
    outer({ nextHeader: Next.IPV6 }).raw(udp().bytes().subarray(0, 39)),
  ),
  row(
    'inner packet longer than the outer one',
    'DROP_TRUNCATED',
    outer().carrying(udp({ payloadLength: 41 })),
  ),
  row(
    'inner packet ends in Ethernet padding',
    'DROP_TRUNCATED',
    outer()
      .carrying(udp({ payloadLength: 41 }))
      .pad(64),
  ),
  row(
    'inner packet longer than the frame',
    'DROP_TRUNCATED',
    outer({ payloadLength: 80 }).carrying(udp({ payloadLength: 4000 })),
  ),
  row(
    'inner packet shorter than the outer one',
    'DECAPSULATED',
    outer().carrying(down({ payloadLength: 8 }).udp().payload(20)),
    {
      expected: down({ payloadLength: 8, hopLimit: 63 }).udp().payload(20).onEthernet(toLan),
    },
  ),
  row('outer packet longer than the frame', 'NOT_OURS', outer({ payloadLength: 4000 }).carrying(udp())),
  row('outer version 4', 'NOT_OURS', outer({ version: 4 }).carrying(udp())),
  row(
    'ordinary traffic of the care-of address',
    'NOT_OURS',
    ipv6({ source: HOME_AGENT, destination: CARE_OF.A }).udp().payload(8),
  ),
  row('a frame for another host', 'OTHER_HOST', udp(), {
    packet: outer().carrying(udp()).onEthernet({ destination: '02:00:00:00:77:77' }),
  }),
  row('IPv4', 'NOT_IPV6', udp(), { packet: ethernet({ type: 0x800 }).raw(new Uint8Array(40)) }),
];

/** RFC 6040 section 4.2, figure 4: [inner][outer] -> inner afterwards. */
const NOT_ECT = 0;
const [ECT1, ECT0, CE] = [1, 2, 3];
const names = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE'];
const after: Readonly<Record<number, Readonly<Record<number, number | undefined>>>> = {
  [NOT_ECT]: { [NOT_ECT]: NOT_ECT, [ECT0]: NOT_ECT, [ECT1]: NOT_ECT, [CE]: undefined },
  [ECT0]: { [NOT_ECT]: ECT0, [ECT0]: ECT0, [ECT1]: ECT1, [CE]: CE },
  [ECT1]: { [NOT_ECT]: ECT1, [ECT0]: ECT1, [ECT1]: ECT1, [CE]: CE },
  [CE]: { [NOT_ECT]: CE, [ECT0]: CE, [ECT1]: CE, [CE]: CE },
};
const DSCP = 0x15 << 2;
const LABEL = 0xabcde;

const ecn: PacketRow[] = [NOT_ECT, ECT1, ECT0, CE].flatMap((inner) =>
  [NOT_ECT, ECT1, ECT0, CE].flatMap((over) => {
    const result = after[inner]?.[over];
    const build = (change: Partial<Ipv6Fields>): Packet =>
      udp({ trafficClass: DSCP | inner, flowLabel: LABEL, ...change });
    const packet = (change: Partial<Ipv6Fields>): Packet =>
      outer({ trafficClass: 0xfc | over }).carrying(build(change));
    const title = `${names[inner]} inside, ${names[over]} outside`;
    if (result === undefined) {
      return [row(title, 'DROP_ECN', packet({}))];
    }
    const change = { trafficClass: DSCP | result };
    return [
      row(`${title}, to a neighbour`, 'DECAPSULATED', packet({}), {
        expected: build({ ...change, hopLimit: 63 }).onEthernet(toLan),
      }),
      row(`${title}, to the stack`, 'TO_STACK_DECAPSULATED', packet({ destination: HOME_ADDRESS }), {
        expected: build({ ...change, destination: HOME_ADDRESS }).onEthernet(toHome),
      }),
    ];
  }),
);

/** A test run's packets come by the loopback device. */
const owned = mobileWorld({ devices: [{ ifindex: 1, router: 1, bid: BID.B }] });
const strange = mobileWorld({ devices: [{ ifindex: 2, router: 1, bid: BID.B }] });
const fromDevice = (change: Partial<Ipv6Fields> = {}): Packet =>
  ipv6({ source: CORRESPONDENT, destination: LAN_HOST, ...change }).udp();

function ownDevice(
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  const program = 'coax_device';
  return { description, program, world: owned, hook: 'TUNNEL', reason, packet: packet.onEthernet(), ...more };
}

const device: PacketRow[] = [
  ownDevice("a binding's own device, to a neighbour", 'DECAPSULATED', fromDevice(), {
    expected: fromDevice({ hopLimit: 63 }).onEthernet(toLan),
  }),
  ownDevice(
    "a binding's own device, to the stack",
    'TO_STACK_DECAPSULATED',
    fromDevice({ destination: HOME_ADDRESS }),
    { expected: fromDevice({ destination: HOME_ADDRESS }).onEthernet(toHome) },
  ),
  ownDevice(
    "a binding's own device, not for us",
    'DROP_DESTINATION',
    fromDevice({ destination: '2001:db8:300::1' }),
  ),
  ownDevice('a device that is no binding of ours', 'DROP_OUTER_SOURCE', fromDevice(), { world: strange }),
  ownDevice("IPv4 out of a binding's own device", 'NOT_IPV6', fromDevice(), {
    packet: ethernet({ type: 0x800 }).raw(new Uint8Array(40)),
  }),
  {
    description: 'a packet without a tunnel key',
    program: 'coax_tunnel',
    world: usual,
    hook: 'TUNNEL',
    reason: 'DROP_TUNNEL_KEY',
    packet: ipv6({ source: CORRESPONDENT, destination: LAN_HOST }).udp().onEthernet(),
  },
  {
    description: 'IPv4 out of the tunnel device',
    program: 'coax_tunnel',
    world: usual,
    hook: 'TUNNEL',
    reason: 'DROP_NOT_IPV6',
    packet: ethernet({ type: 0x800 }).raw(new Uint8Array(40)),
  },
];

export const uplinkTables: PacketTable[] = [
  { title: 'uplink', role: 'MOBILE_ROUTER', rows },
  { title: 'uplink, behind outer extension headers', role: 'MOBILE_ROUTER', rows: behind },
  { title: 'uplink, filter', role: 'MOBILE_ROUTER', rows: filtered },
  { title: 'uplink, congestion', role: 'MOBILE_ROUTER', rows: ecn },
  { title: 'tunnel device', role: 'MOBILE_ROUTER', rows: device },
];

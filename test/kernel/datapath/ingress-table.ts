/** From the mobile network into a tunnel. */
import { CxBindingFlag, CxTunnelKind } from '../../../src/datapath/index.js';
import { ethernet, type Ipv6Fields, Next, Packet } from '../../support/packet.js';
import { alone, type PacketRow, type PacketTable, UNKNOWN_PACKET } from './packet-row.js';
import {
  BID,
  CARE_OF,
  HOME_AGENT,
  HOME_MAC,
  LAN_MAC,
  LAN_UNKNOWN,
  MTU,
  mobileRow,
  mobileWorld,
  outerUp,
  policies,
  TUNNEL_SOURCE_MAC,
  tooBig,
  type Uplink,
  up,
  uplinkMacs,
} from './worlds.js';

const usual = mobileWorld();
const externalOnly = mobileWorld({ rows: { A: null, B: null } });
const unresolved = mobileWorld({ rows: { A: mobileRow('A', { flags: 0 }) } });
const withoutLink = mobileWorld({ rows: { A: mobileRow('A', { flags: CxBindingFlag.NO_LINK_HEADER }) } });
const nothingUsable = mobileWorld({ rows: { A: null, B: null, C: null } });
const unequal = mobileWorld({ rows: { A: mobileRow('A', { mtu: 1500 }), B: mobileRow('B', { mtu: 1280 }) } });
const noRow = mobileWorld({
  routes: [{ prefix: '::/0', router: 99 }],
  prefixes: [{ prefix: '::/0', router: 99 }],
});

type Build = (fields: Partial<Ipv6Fields>) => Packet;

/** A row whose packet leaves by an uplink, its hop limit one lower. */
function carried(
  description: string,
  uplink: Uplink,
  build: Build,
  { class: trafficClass = 0, hop = 64, ...more }: Partial<PacketRow> & { class?: number; hop?: number } = {},
): PacketRow {
  return {
    description,
    program: 'coax_ingress',
    world: usual,
    hook: 'INGRESS',
    reason: 'ENCAPSULATED',
    packet: build({ trafficClass, hopLimit: hop }).onEthernet(),
    expected: outerUp(uplink, { trafficClass })
      .carrying(build({ trafficClass, hopLimit: hop - 1 }))
      .onEthernet(uplinkMacs(uplink)),
    ...more,
  };
}

/** A row whose packet does not leave. */
function kept(
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  return { description, program: 'coax_ingress', world: usual, hook: 'INGRESS', reason, packet, ...more };
}

const udp: Build = (fields) => up(fields).udp().payload(32);

const routed: PacketRow[] = [
  carried('UDP by the default binding', 'A', udp),
  carried('TCP', 'A', (fields) => up(fields).tcp().payload(100)),
  carried('TCP with options', 'A', (fields) => up(fields).tcp({ options: 12 }).payload(100)),
  carried('ICMPv6 echo', 'A', (fields) => up(fields).icmpv6().payload(8)),
  carried('ESP', 'A', (fields) => up(fields).esp().payload(64)),
  carried('SCTP', 'A', (fields) => up(fields).ports(Next.SCTP).payload(16)),
  carried('no next header, nothing behind', 'A', (fields) => up(fields)),
  carried('a tunnel of its own inside', 'A', (fields) =>
    up(fields).ipv6({ source: '2001:db8:e::1', destination: '2001:db8:e::2' }).udp(),
  ),
  carried('GRE, unknown protocol', 'A', (fields) => up(fields).raw(new Uint8Array(20), Next.GRE)),
  carried('a mobility header of a visiting node is ordinary traffic', 'A', (fields) =>
    up(fields).raw(new Uint8Array(16), 135),
  ),
  carried('to the home agent itself', 'A', (fields) => up({ ...fields, destination: HOME_AGENT }).udp()),
  {
    ...carried('Ethernet padding stays behind the packet', 'A', udp),
    packet: udp({}).pad(6).onEthernet(),
    expected: outerUp('A', { payloadLength: 80 })
      .carrying(udp({ hopLimit: 63 }).pad(6))
      .onEthernet(uplinkMacs('A')),
  },
  kept('the own mobile network prefix', 'NOT_FOR_HOME', up({ destination: LAN_UNKNOWN }).udp().onEthernet()),
  kept('a static prefix', 'NOT_FOR_HOME', up({ destination: '2001:db8:300::1' }).udp().onEthernet()),
  kept('link-local destination', 'LINK_SCOPE', up({ destination: 'fe80::1' }).udp().onEthernet()),
  kept('end of link-local', 'LINK_SCOPE', up({ destination: 'febf:ffff::1' }).udp().onEthernet()),
  kept('multicast destination', 'LINK_SCOPE', up({ destination: 'ff0e::1' }).udp().onEthernet()),
  kept('unspecified destination', 'LINK_SCOPE', up({ destination: '::' }).udp().onEthernet()),
  kept('loopback destination', 'LINK_SCOPE', up({ destination: '::1' }).udp().onEthernet()),
  kept(
    'link-local source: the stack answers "beyond scope"',
    'LINK_SCOPE',
    up({ source: 'fe80::10' }).udp().onEthernet(),
  ),
  kept('multicast source', 'LINK_SCOPE', up({ source: 'ff02::1' }).udp().onEthernet()),
  kept('unspecified source', 'LINK_SCOPE', up({ source: '::' }).udp().onEthernet()),
  kept('loopback source', 'LINK_SCOPE', up({ source: '::1' }).udp().onEthernet()),
  kept('foreign source', 'DROP_SOURCE', up({ source: '2001:db8:666::1' }).udp().onEthernet()),
  kept('a care-of address as source', 'DROP_SOURCE', up({ source: CARE_OF.A }).udp().onEthernet()),
  kept('already encapsulated', 'DROP_SOURCE', outerUp('A', { flowLabel: 1 }).carrying(udp({})).onEthernet()),
  kept('IPv4', 'NOT_IPV6', ethernet({ type: 0x800 }).raw(new Uint8Array(40))),
  kept('ARP', 'NOT_IPV6', ethernet({ type: 0x806 }).raw(new Uint8Array(28))),
  kept(
    'a VLAN tag',
    'NOT_IPV6',
    ethernet({ type: 0x8100 })
      .raw(Uint8Array.of(0, 7, 0x86, 0xdd))
      .carrying(udp({})),
  ),
  kept(
    'a frame for another host, seen in promiscuous mode',
    'OTHER_HOST',
    udp({}).onEthernet({ destination: '02:00:00:00:77:77' }),
  ),
  kept('a broadcast frame', 'OTHER_HOST', udp({}).onEthernet({ destination: 'ff:ff:ff:ff:ff:ff' })),
  kept('version 4 under an IPv6 EtherType', 'DROP_NOT_IPV6', udp({ version: 4 }).onEthernet()),
  kept('no router of that number', 'DROP_BROKEN_STATE', udp({}).onEthernet(), { world: noRow }),
  kept('no usable binding', 'NO_BINDING', udp({}).onEthernet(), { world: nothingUsable }),
];

const hopLimits: PacketRow[] = [
  kept('hop limit 0', 'HOP_LIMIT', udp({ hopLimit: 0 }).onEthernet()),
  kept('hop limit 1', 'HOP_LIMIT', udp({ hopLimit: 1 }).onEthernet()),
  carried('hop limit 2', 'A', udp, { hop: 2 }),
  carried('hop limit 255', 'A', udp, { hop: 255 }),
];

const classes: PacketRow[] = [0, 1, 2, 3, 0x2e << 2, (0x2e << 2) | 3, 0xff].map((trafficClass) =>
  carried(`traffic class 0x${trafficClass.toString(16)} is copied, ECN with it`, 'A', udp, {
    class: trafficClass,
  }),
);

/** A row whose sender is told that its packet is too big. */
function answered(
  description: string,
  packet: Packet,
  { world = usual, ...more }: { world?: PacketRow['world'] } & Parameters<typeof tooBig>[1] = {},
): PacketRow {
  return {
    ...kept(`too big: ${description}`, 'PACKET_TOO_BIG', packet.onEthernet(), { world }),
    expected: tooBig(packet, more).onEthernet({ source: LAN_MAC.own, destination: LAN_MAC.host }),
  };
}

const sized =
  (size: number): Build =>
  (fields) =>
    up(fields)
      .udp()
      .payload(size - 48);
const tcpSize = 40 + 20;

const sizes: PacketRow[] = [
  carried('exactly the MTU', 'A', sized(MTU)),
  answered('one byte more', sized(MTU + 1)({})),
  answered('far more than the MTU', sized(3000)({})),
  answered('of another binding than the smallest', sized(1501)({}), { world: unequal, mtu: 1500 }),
  answered('behind extension headers', up().hopByHop().destinationOptions().udp().payload(MTU)),
  answered('a first fragment', up().fragment({ more: true }).udp().payload(MTU)),
  answered('a later fragment', up().fragment({ offset: 9, nextHeader: Next.ICMPV6 }).payload(MTU)),
  answered('an echo request', up().icmpv6().payload(MTU)),
  {
    ...answered('the bytes behind the packet are not quoted', sized(MTU + 1)({})),
    packet: sized(MTU + 1)({})
      .pad(9)
      .onEthernet(),
  },
  {
    ...answered('to a host nobody has resolved', sized(MTU + 1)({ source: LAN_UNKNOWN }), {
      to: LAN_UNKNOWN,
    }),
    expected: tooBig(sized(MTU + 1)({ source: LAN_UNKNOWN }), { to: LAN_UNKNOWN }).onEthernet({
      source: HOME_MAC,
      destination: HOME_MAC,
    }),
  },
  kept('an error is not answered', 'DROP_TOO_BIG', up().icmpv6({ type: 1 }).payload(MTU).onEthernet()),
  kept('a redirect is not answered', 'DROP_TOO_BIG', up().icmpv6({ type: 137 }).payload(MTU).onEthernet()),
  {
    ...kept('segments of exactly the MTU', 'TO_TUNNEL_DEVICE', up().tcp().payload(3000).onEthernet()),
    world: externalOnly,
    context: { gsoSize: MTU - tcpSize, gsoSegs: 3 },
    counted: 3,
    expected: up({ hopLimit: 63 })
      .tcp()
      .payload(3000)
      .onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  },
  {
    ...answered('segments of one byte more', up().tcp().payload(3000), { segment: MTU + 1 }),
    world: externalOnly,
    context: { gsoSize: MTU - tcpSize + 1, gsoSegs: 3 },
    counted: 3,
  },
  {
    ...answered('TCP options count in a segment', up().tcp({ options: 12 }).payload(3000), {
      segment: MTU + 1,
    }),
    world: externalOnly,
    context: { gsoSize: MTU - tcpSize - 11, gsoSegs: 3 },
    counted: 3,
  },
  {
    ...answered('extension headers count in a segment', up().destinationOptions().tcp().payload(3000), {
      segment: MTU + 1,
    }),
    world: externalOnly,
    context: { gsoSize: MTU - tcpSize - 7, gsoSegs: 3 },
    counted: 3,
  },
  {
    ...kept('UDP segments of exactly the MTU', 'TO_TUNNEL_DEVICE', up().udp().payload(3000).onEthernet()),
    world: externalOnly,
    context: { gsoSize: MTU - 48, gsoSegs: 3 },
    counted: 3,
    expected: up({ hopLimit: 63 })
      .udp()
      .payload(3000)
      .onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  },
  {
    ...answered('UDP segments of one byte more', up().udp().payload(3000), { segment: MTU + 1 }),
    world: externalOnly,
    context: { gsoSize: MTU - 47, gsoSegs: 3 },
    counted: 3,
  },
  // A test run gives segments without their kind, and of such the kernel cannot make room in front.
  {
    ...kept(
      'the kernel refuses room: the stack segments',
      'TO_BE_SEGMENTED',
      up().tcp().payload(3000).onEthernet(),
    ),
    context: { gsoSize: 1000, gsoSegs: 3 },
    counted: 3,
  },
];

const ways: PacketRow[] = [
  {
    ...carried('next hop unresolved: the kernel finds it', 'A', udp),
    world: unresolved,
    reason: 'NEXT_HOP_UNRESOLVED',
  },
  {
    ...carried('an uplink without a link header', 'A', udp),
    world: withoutLink,
    // The kernel strips the old link header on transmission: only the packet behind it is asked.
    expected: outerUp('A')
      .carrying(udp({ hopLimit: 63 }))
      .onEthernet(),
  },
  {
    ...kept('an external tunnel device', 'TO_TUNNEL_DEVICE', udp({}).onEthernet()),
    world: externalOnly,
    expected: udp({ hopLimit: 63 }).onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  },
];

const ownDevice = { kind: CxTunnelKind.DEVICE, ifindex: 9 } as const;
ways.push(
  {
    ...kept("a binding's own tunnel device", 'TO_TUNNEL_DEVICE', udp({}).onEthernet()),
    world: mobileWorld({ rows: { A: mobileRow('A', { ...ownDevice, flags: 0 }) } }),
    expected: udp({ hopLimit: 63 }).onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  },
  {
    ...kept('the same without a link header', 'TO_TUNNEL_DEVICE', udp({}).onEthernet()),
    world: mobileWorld({
      rows: { A: mobileRow('A', { ...ownDevice, flags: CxBindingFlag.NO_LINK_HEADER }) },
    }),
    // The kernel takes the old link header off.
    expected: udp({ hopLimit: 63 }).onEthernet(),
  },
);

const externalFirst = mobileWorld({ policies: policies({ use: [BID.C] }) });
ways.push({
  ...kept('a policy that names the external binding', 'TO_TUNNEL_DEVICE', udp({}).onEthernet()),
  world: externalFirst,
  policy: [1, 1],
  expected: udp({ hopLimit: 63 }).onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
});

const options: [string, (packet: Packet) => Packet][] = [
  ['hop-by-hop', (packet) => packet.hopByHop()],
  ['a long hop-by-hop', (packet) => packet.hopByHop({ size: 264 })],
  ['the longest destination options', (packet) => packet.destinationOptions({ size: 1024 })],
  ['routing', (packet) => packet.routing()],
  ['routing with segments left', (packet) => packet.routing({ segmentsLeft: 1 })],
  ['destination options', (packet) => packet.destinationOptions()],
  ['an atomic fragment', (packet) => packet.fragment()],
  ['a first fragment', (packet) => packet.fragment({ more: true })],
  ['authentication', (packet) => packet.authentication()],
  [
    'all in the order of RFC 8200',
    (packet) =>
      packet
        .hopByHop()
        .destinationOptions()
        .routing()
        .fragment({ more: true })
        .authentication()
        .destinationOptions(),
  ],
  [
    'all in another order',
    (packet) => packet.authentication().destinationOptions().fragment({ more: true }).routing().hopByHop(),
  ],
  ['eight headers', (packet) => many(packet, 8)],
];

function many(packet: Packet, count: number): Packet {
  return Array.from({ length: count }).reduce<Packet>((chain) => chain.destinationOptions(), packet);
}

const onlyPort = mobileWorld({
  policies: policies({
    match: { protocol: Next.UDP, destinationPort: { low: 2000, high: 2000 } },
    use: [BID.B],
  }),
});

const chains: PacketRow[] = [
  ...options.map(
    ([name, add]): PacketRow =>
      carried(`ports behind ${name}`, 'B', (fields) => add(up(fields)).udp().payload(16), {
        world: onlyPort,
        policy: [1, 1],
      }),
  ),
  ...[1, 2, 0x1fff].map(
    (offset): PacketRow =>
      alone(
        carried(
          `a later fragment at ${offset} has no ports, whatever stands there`,
          'A',
          (fields) =>
            up(fields)
              .fragment({ offset, id: UNKNOWN_PACKET, nextHeader: Next.UDP })
              .raw(new Packet().udp().payload(16).bytes()),
          { world: onlyPort },
        ),
      ),
  ),
  kept('nine headers', 'DROP_HEADER_CHAIN', many(up(), 9).udp().onEthernet()),
  kept('twenty headers', 'DROP_HEADER_CHAIN', many(up(), 20).udp().onEthernet()),
  kept(
    'a header that ends behind the packet',
    'DROP_TRUNCATED',
    up().hopByHop({ lengthField: 40 }).udp().onEthernet(),
  ),
  kept(
    'authentication that ends behind the packet',
    'DROP_TRUNCATED',
    up().authentication({ lengthField: 255 }).udp().onEthernet(),
  ),
  kept(
    'a header that ends in Ethernet padding',
    'DROP_TRUNCATED',
    up().hopByHop({ lengthField: 2 }).payload(8).pad(64).onEthernet(),
  ),
  kept(
    'ports in Ethernet padding',
    'DROP_TRUNCATED',
    up({ nextHeader: Next.UDP, payloadLength: 0 }).pad(64).onEthernet(),
  ),
  kept(
    'a first fragment without its ports',
    'DROP_TRUNCATED',
    up().fragment({ more: true, nextHeader: Next.TCP }).onEthernet(),
  ),
  kept(
    'a fragment header cut short',
    'DROP_TRUNCATED',
    up({ nextHeader: Next.FRAGMENT }).payload(7).onEthernet(),
  ),
  kept(
    'a payload length of a jumbogram',
    'DROP_TRUNCATED',
    up({ payloadLength: 0 }).hopByHop().udp().onEthernet(),
  ),
  kept('one byte less than promised', 'DROP_TRUNCATED', up({ payloadLength: 9 }).udp().onEthernet()),
  carried('AH then ESP', 'A', (fields) => up(fields).authentication().esp().payload(24)),
];

export const ingressTables: PacketTable[] = [
  { title: 'ingress', role: 'MOBILE_ROUTER', rows: routed },
  { title: 'ingress, hop limit', role: 'MOBILE_ROUTER', rows: hopLimits },
  { title: 'ingress, traffic class', role: 'MOBILE_ROUTER', rows: classes },
  { title: 'ingress, size', role: 'MOBILE_ROUTER', rows: sizes },
  { title: 'ingress, way out', role: 'MOBILE_ROUTER', rows: ways },
  { title: 'ingress, extension headers', role: 'MOBILE_ROUTER', rows: chains },
];

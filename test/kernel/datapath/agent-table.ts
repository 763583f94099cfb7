/** The home agent: into a tunnel, out of one, and from one into another. */
import { type Ipv6Fields, Next, type Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
import {
  agentRow,
  agentWorld,
  BID,
  CARE_OF,
  CORRESPONDENT,
  down,
  HOME_ADDRESS,
  HOME_AGENT,
  HOME_MAC,
  LAN_HOST,
  LAN_MAC,
  MTU,
  OTHER_HOST,
  outerDown,
  outerUp,
  policies,
  STRANGER,
  TUNNEL_SOURCE_MAC,
  tooBig,
  up,
  uplinkMacs,
} from './worlds.js';

/** Next header of a mobility header. */
const MOBILITY = 135;
const usual = agentWorld();
const toPorts = (packet: Packet): Packet => packet.udp().payload(32);
const toNeighbour = { source: LAN_MAC.own, destination: LAN_MAC.host };
const toHome = { source: HOME_MAC, destination: HOME_MAC };

function row(
  description: string,
  verdict: `${'INGRESS' | 'UPLINK'} ${PacketRow['reason']}`,
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  const [hook, reason] = verdict.split(' ') as [PacketRow['hook'], PacketRow['reason']];
  return {
    description,
    program: 'coax_transit',
    world: usual,
    hook,
    reason,
    packet: packet.onEthernet(),
    ...more,
  };
}

const marked = agentWorld({ policies: policies({ match: { mark: { value: 1, mask: 1 } }, use: [BID.B] }) });
const byPort = agentWorld({
  policies: policies({ match: { destinationPort: { low: 2000, high: 2000 } }, use: [BID.B] }),
});

const large = (packet: Packet): Packet => packet.udp().payload(MTU - 47);

const intoTunnel: PacketRow[] = [
  row('to a mobile network', 'INGRESS ENCAPSULATED', toPorts(down()), {
    expected: outerDown('A')
      .carrying(toPorts(down({ hopLimit: 63 })))
      .onEthernet(uplinkMacs('A')),
  }),
  row('to the other mobile network', 'INGRESS ENCAPSULATED', toPorts(down({ destination: OTHER_HOST })), {
    expected: outerDown('D')
      .carrying(toPorts(down({ destination: OTHER_HOST, hopLimit: 63 })))
      .onEthernet(uplinkMacs('D')),
  }),
  row('a policy of the router', 'INGRESS ENCAPSULATED', toPorts(down()), {
    world: byPort,
    policy: [1, 1],
    expected: outerDown('B')
      .carrying(toPorts(down({ hopLimit: 63 })))
      .onEthernet(uplinkMacs('B')),
  }),
  row(
    'policies of a router are not those of another',
    'INGRESS ENCAPSULATED',
    toPorts(down({ destination: OTHER_HOST })),
    {
      world: byPort,
      expected: outerDown('D')
        .carrying(toPorts(down({ destination: OTHER_HOST, hopLimit: 63 })))
        .onEthernet(uplinkMacs('D')),
    },
  ),
  row(
    'behind extension headers that are no tunnel',
    'INGRESS ENCAPSULATED',
    toPorts(down().destinationOptions()),
    {
      expected: outerDown('A')
        .carrying(toPorts(down({ hopLimit: 63 }).destinationOptions()))
        .onEthernet(uplinkMacs('A')),
    },
  ),
  row('from the home agent itself', 'INGRESS ENCAPSULATED', toPorts(down({ source: HOME_AGENT })), {
    expected: outerDown('A')
      .carrying(toPorts(down({ source: HOME_AGENT, hopLimit: 63 })))
      .onEthernet(uplinkMacs('A')),
  }),
  row('elsewhere', 'INGRESS NOT_FOR_HOME', toPorts(down({ destination: STRANGER }))),
  row('hop limit 1', 'INGRESS HOP_LIMIT', toPorts(down({ hopLimit: 1 }))),
  row('a mark decides', 'INGRESS MARK_DECIDES', toPorts(down()), { world: marked }),
  row('no usable binding', 'INGRESS NO_BINDING', toPorts(down()), {
    world: agentWorld({ rows: { A: null, B: null, C: null } }),
  }),
  row('too big', 'INGRESS PACKET_TOO_BIG', large(down()), {
    expected: tooBig(large(down()), { from: HOME_AGENT, to: CORRESPONDENT }).onEthernet(toNeighbour),
  }),
  row('too big, from behind another router', 'INGRESS PACKET_TOO_BIG', large(down({ source: STRANGER })), {
    expected: tooBig(large(down({ source: STRANGER })), { from: HOME_AGENT, to: STRANGER }).onEthernet(
      toHome,
    ),
  }),
  row(
    'a tunnel of ours comes back',
    'INGRESS DROP_LOOP',
    down({ source: HOME_AGENT }).carrying(toPorts(down())),
  ),
  row(
    'a tunnel of ours comes back behind an encapsulation limit',
    'INGRESS DROP_LOOP',
    down({ source: HOME_AGENT }).encapsulationLimit().carrying(toPorts(down())),
  ),
  row('a tunnel of others', 'INGRESS ENCAPSULATED', down({ flowLabel: 1 }).carrying(toPorts(up())), {
    expected: outerDown('A')
      .carrying(down({ flowLabel: 1, hopLimit: 63 }))
      .carrying(toPorts(up()))
      .onEthernet(uplinkMacs('A')),
  }),
  row('link-local destination', 'INGRESS LINK_SCOPE', toPorts(down({ destination: 'fe80::1' }))),
  row('link-local source', 'INGRESS LINK_SCOPE', toPorts(down({ source: 'fe80::1' }))),
  row('multicast source', 'INGRESS LINK_SCOPE', toPorts(down({ source: 'ff02::1' }))),
  row('unspecified source', 'INGRESS LINK_SCOPE', toPorts(down({ source: '::' }))),
  row('loopback source', 'INGRESS LINK_SCOPE', toPorts(down({ source: '::1' }))),
  // Nothing but the link header has been looked at: counted where the program starts.
  row('a frame for another host', 'UPLINK OTHER_HOST', toPorts(down()), {
    packet: toPorts(down()).onEthernet({ destination: '02:00:00:00:77:77' }),
  }),
  row('one byte less than promised', 'UPLINK DROP_TRUNCATED', down({ payloadLength: 9 }).udp()),
];

const fromStack = (
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow => ({
  description,
  program: 'coax_home',
  world: usual,
  hook: 'HOME',
  reason,
  packet: packet.onEthernet(),
  ...more,
});

const home: PacketRow[] = [
  fromStack('to a mobile network', 'ENCAPSULATED', toPorts(down()), {
    expected: outerDown('A').carrying(toPorts(down())).onEthernet(uplinkMacs('A')),
  }),
  fromStack('by mark', 'ENCAPSULATED', toPorts(down()), {
    world: marked,
    context: { mark: 3 },
    policy: [1, 1],
    expected: outerDown('B').carrying(toPorts(down())).onEthernet(uplinkMacs('B')),
  }),
  fromStack('elsewhere', 'DROP_NOT_FOR_HOME', toPorts(down({ destination: STRANGER }))),
  fromStack('a tunnel of ours', 'DROP_LOOP', down({ source: HOME_AGENT }).carrying(toPorts(down()))),
  fromStack(
    'a tunnel of ours behind an encapsulation limit',
    'DROP_LOOP',
    down({ source: HOME_AGENT }).encapsulationLimit().carrying(toPorts(down())),
  ),
  fromStack('link-local source', 'DROP_LINK_SCOPE', toPorts(down({ source: 'fe80::1' }))),
];

const fromA = (fields: Partial<Ipv6Fields> = {}): Packet => outerUp('A', { flowLabel: 9, ...fields });
const out: PacketRow[] = [
  row('to a known neighbour', 'UPLINK DECAPSULATED', fromA().carrying(toPorts(up())), {
    expected: toPorts(up({ hopLimit: 63 })).onEthernet(toNeighbour),
  }),
  row(
    'to an unknown neighbour',
    'UPLINK TO_STACK_DECAPSULATED',
    fromA().carrying(toPorts(up({ destination: STRANGER }))),
    {
      expected: toPorts(up({ destination: STRANGER })).onEthernet(toHome),
    },
  ),
  row(
    'to the home agent itself',
    'UPLINK TO_STACK_DECAPSULATED',
    fromA().carrying(toPorts(up({ destination: HOME_AGENT }))),
    {
      expected: toPorts(up({ destination: HOME_AGENT })).onEthernet(toHome),
    },
  ),
  row(
    'behind an encapsulation limit',
    'UPLINK DECAPSULATED',
    fromA().encapsulationLimit().carrying(toPorts(up())),
    {
      expected: toPorts(up({ hopLimit: 63 })).onEthernet(toNeighbour),
    },
  ),
  row(
    'unknown care-of address',
    'UPLINK DROP_OUTER_SOURCE',
    fromA({ source: STRANGER }).carrying(toPorts(up())),
  ),
  row('a source of nobody inside', 'UPLINK DROP_SOURCE', fromA().carrying(toPorts(up({ source: STRANGER })))),
  row(
    "another router's source inside",
    'UPLINK DROP_SOURCE',
    fromA().carrying(toPorts(up({ source: OTHER_HOST }))),
  ),
  row(
    'the care-of address inside',
    'UPLINK DROP_SOURCE',
    fromA().carrying(toPorts(up({ source: CARE_OF.A }))),
  ),
  ...['fe80::1', 'ff02::1', '::', '::1'].flatMap((address) => [
    row(
      `inner source ${address}`,
      'UPLINK DROP_LINK_SCOPE',
      fromA().carrying(toPorts(up({ source: address }))),
    ),
    row(
      `inner destination ${address}`,
      'UPLINK DROP_LINK_SCOPE',
      fromA().carrying(toPorts(up({ destination: address }))),
    ),
  ]),
  row(
    'inner packet longer than the outer one',
    'UPLINK DROP_TRUNCATED',
    fromA().carrying(up({ payloadLength: 50 }).udp()),
  ),
  row(
    'garbage inside',
    'UPLINK DROP_NOT_IPV6',
    fromA({ nextHeader: Next.IPV6 }).raw(new Uint8Array(48).fill(0x99)),
  ),
  row(
    'congestion on a packet that cannot say so',
    'UPLINK DROP_ECN',
    fromA({ trafficClass: 3 }).carrying(toPorts(up())),
  ),
];

/** From router 1 to router 2 through their home agent. */
const between = (fields: Partial<Ipv6Fields> = {}): Packet =>
  toPorts(up({ destination: OTHER_HOST, ...fields }));
const relayed = (fields: Partial<Ipv6Fields> = {}, trafficClass = 0): Packet =>
  outerDown('D', { trafficClass })
    .carrying(between({ hopLimit: 63, trafficClass, ...fields }))
    .onEthernet(uplinkMacs('D'));
const dUnresolved = agentWorld({ rows: { D: agentRow('D', { flags: 0 }) } });
const dGone = agentWorld({ rows: { D: null } });
const dExternal = agentWorld({ rows: { D: agentRow('D', { kind: 3, tunnelId: 7 }) } });

const largeBetween = large(up({ destination: OTHER_HOST }));
/** The stack sends it back into the tunnel. */
const refused = tooBig(largeBetween, { from: HOME_AGENT }).onEthernet(toHome);

const relay: PacketRow[] = [
  row('outer header rewritten in place', 'UPLINK RELAYED', fromA({ hopLimit: 3 }).carrying(between()), {
    expected: relayed(),
  }),
  row('hop limit 2', 'UPLINK RELAYED', fromA().carrying(between({ hopLimit: 2 })), {
    expected: relayed({ hopLimit: 1 }),
  }),
  row(
    'hop limit 1: the stack answers',
    'UPLINK TO_STACK_DECAPSULATED',
    fromA().carrying(between({ hopLimit: 1 })),
    {
      expected: between({ hopLimit: 1 }).onEthernet(toHome),
    },
  ),
  row(
    'outer extension headers are removed',
    'UPLINK ENCAPSULATED',
    fromA().encapsulationLimit().carrying(between()),
    {
      expected: relayed(),
    },
  ),
  row(
    'outer extension headers of more than the header',
    'UPLINK ENCAPSULATED',
    fromA().destinationOptions({ size: 64 }).carrying(between()),
    {
      expected: relayed(),
    },
  ),
  row(
    'congestion of the first tunnel goes into the second',
    'UPLINK RELAYED',
    fromA({ trafficClass: 3 }).carrying(between({ trafficClass: 2 })),
    {
      expected: relayed({}, 3),
    },
  ),
  row('next hop unresolved', 'UPLINK NEXT_HOP_UNRESOLVED', fromA().carrying(between()), {
    world: dUnresolved,
    expected: relayed(),
  }),
  row('no usable binding: the stack answers', 'UPLINK TO_STACK_DECAPSULATED', fromA().carrying(between()), {
    world: dGone,
    expected: between().onEthernet(toHome),
  }),
  row('into an external tunnel', 'UPLINK TO_TUNNEL_DEVICE', fromA().carrying(between()), {
    world: dExternal,
    expected: between({ hopLimit: 63 }).onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  }),
  row('too big', 'UPLINK PACKET_TOO_BIG', fromA().carrying(largeBetween), { expected: refused }),
  row(
    'too big behind outer extension headers',
    'UPLINK PACKET_TOO_BIG',
    fromA().encapsulationLimit().carrying(largeBetween),
    { expected: refused },
  ),
  row(
    'back to the router it came from',
    'UPLINK RELAYED',
    fromA().carrying(toPorts(up({ destination: LAN_HOST }))),
    {
      expected: outerDown('A')
        .carrying(toPorts(up({ destination: LAN_HOST, hopLimit: 63 })))
        .onEthernet(uplinkMacs('A')),
    },
  ),
  row(
    "a source of another router's",
    'UPLINK DROP_SOURCE',
    fromA().carrying(between({ source: CORRESPONDENT })),
  ),
];

/** A Home Test Init as a mobile node sends it by reverse tunnelling (RFC 6275 section 6.1.3). */
const homeTestInit = (fields: Partial<Ipv6Fields> = {}): Packet =>
  up({ source: HOME_ADDRESS, ...fields }).raw(
    Buffer.of(59, 1, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
    MOBILITY,
  );

/** What several care-of addresses ask of the data plane (RFC 5648 sections 3, 6.5 and 9.3.1). */
const severalCareOf: PacketRow[] = [
  // Who sends by a care-of address has to tunnel: no other packet is taken for the router's.
  ...([CARE_OF.A, CARE_OF.B, STRANGER] as const).map((source) =>
    row(
      `a home address option of ${source} without a registration: the stack, which takes none`,
      'INGRESS NOT_FOR_HOME',
      toPorts(fromA({ source }).homeAddress(HOME_ADDRESS)),
    ),
  ),
  ...(['A', 'B'] as const).map((name) =>
    row(
      `a Home Test Init from care-of address ${name}`,
      'UPLINK DECAPSULATED',
      outerUp(name).carrying(homeTestInit()),
      { expected: homeTestInit({ hopLimit: 63 }).onEthernet(toNeighbour) },
    ),
  ),
  row(
    'a Home Test Init from a care-of address that is not registered',
    'UPLINK DROP_OUTER_SOURCE',
    outerUp('A', { source: STRANGER }).carrying(homeTestInit()),
  ),
  row('no flow: the binding of the lowest BID-PRI', 'INGRESS ENCAPSULATED', toPorts(down()), {
    expected: outerDown('A')
      .carrying(toPorts(down({ hopLimit: 63 })))
      .onEthernet(uplinkMacs('A')),
  }),
  row('no flow, and that one is gone: the next', 'INGRESS ENCAPSULATED', toPorts(down()), {
    world: agentWorld({ rows: { A: null } }),
    expected: outerDown('B')
      .carrying(toPorts(down({ hopLimit: 63 })))
      .onEthernet(uplinkMacs('B')),
  }),
];

export const agentTables: PacketTable[] = [
  { title: 'home agent, into a tunnel', role: 'HOME_AGENT', rows: intoTunnel },
  { title: 'home agent, home interface', role: 'HOME_AGENT', rows: home },
  { title: 'home agent, out of a tunnel', role: 'HOME_AGENT', rows: out },
  { title: 'home agent, from tunnel to tunnel', role: 'HOME_AGENT', rows: relay },
  { title: 'home agent, several care-of addresses', role: 'HOME_AGENT', rows: severalCareOf },
];

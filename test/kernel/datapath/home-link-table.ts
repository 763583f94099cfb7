/** By the home link, where router and home agent are neighbours: packets go as they are. */
import { CxBindingFlag, CxTunnelKind } from '../../../src/datapath/index.js';
import type { Ipv6Fields, Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
import {
  agentRow,
  agentWorld,
  BID,
  down,
  HOME_ADDRESS,
  HOME_AGENT,
  LAN_MAC,
  LAN_UNKNOWN,
  MTU,
  mobileRow,
  mobileWorld,
  outerUp,
  policies,
  tooBig,
  up,
  uplinkMacs,
} from './worlds.js';

type Row = ReturnType<typeof mobileRow>;

const KIND = { kind: CxTunnelKind.HOME, mtu: MTU } as const;
/** Of the mobile router: A is the home link. */
const atHome = (change: Partial<Row> = {}): Row =>
  mobileRow('A', { ...KIND, outerSource: HOME_ADDRESS, nextHop: HOME_AGENT, ...change });
/** The same from the home agent. */
const towards = (change: Partial<Row> = {}): Row =>
  agentRow('A', { ...KIND, outerDestination: HOME_ADDRESS, nextHop: HOME_ADDRESS, ...change });

const usual = mobileWorld({ rows: { A: atHome() } });
const byPort = mobileWorld({
  rows: { A: atHome() },
  policies: policies({ match: { destinationPort: { low: 2000, high: 2000 } }, use: [BID.B] }),
});
const signalled = mobileWorld({
  rows: { A: atHome() },
  signals: [{ local: HOME_ADDRESS, remote: HOME_AGENT }],
});
const agent = agentWorld({ rows: { A: towards() } });

const udp = (packet: Packet): Packet => packet.udp().payload(32);
const large = (packet: Packet): Packet => packet.udp().payload(MTU - 47);
const fitting = (packet: Packet): Packet => packet.udp().payload(MTU - 48);

function sent(
  description: string,
  build: (fields: Partial<Ipv6Fields>) => Packet,
  { hop = 64, ...more }: Partial<PacketRow> & { hop?: number } = {},
): PacketRow {
  return {
    description,
    program: 'coax_ingress',
    world: usual,
    hook: 'INGRESS',
    reason: 'TO_HOME_LINK',
    packet: build({ hopLimit: hop }).onEthernet(),
    expected: build({ hopLimit: hop - 1 }).onEthernet(uplinkMacs('A')),
    ...more,
  };
}

const router: PacketRow[] = [
  sent('as it came, its hop limit one lower', (fields) => udp(up(fields))),
  sent('exactly the MTU of the link', (fields) => fitting(up(fields))),
  sent('traffic class, flow label and ECN stay', (fields) =>
    udp(up({ ...fields, trafficClass: 0xbb, flowLabel: 0x12345 })),
  ),
  sent('extension headers', (fields) => udp(up(fields).destinationOptions())),
  sent('a tunnel of the mobile network inside', (fields) =>
    up(fields).ipv6({ source: '2001:db8:e::1', destination: '2001:db8:e::2' }).udp(),
  ),
  {
    ...sent('a policy gives it to the other binding', (fields) => udp(up(fields))),
    world: byPort,
    reason: 'ENCAPSULATED',
    policy: [1, 1],
    expected: outerUp('B')
      .carrying(udp(up({ hopLimit: 63 })))
      .onEthernet(uplinkMacs('B')),
  },
  {
    ...sent('one byte more than the MTU', (fields) => large(up(fields))),
    reason: 'PACKET_TOO_BIG',
    expected: tooBig(large(up())).onEthernet({ source: LAN_MAC.own, destination: LAN_MAC.host }),
  },
  {
    ...sent('segments need no room in front', (fields) => up(fields).tcp().payload(3000)),
    context: { gsoSize: MTU - 60, gsoSegs: 3 },
    counted: 3,
  },
  {
    ...sent('next hop unresolved: the kernel finds it', (fields) => udp(up(fields))),
    world: mobileWorld({ rows: { A: atHome({ flags: 0 }) } }),
    reason: 'NEXT_HOP_UNRESOLVED',
  },
  {
    ...sent('a home link without a link header', (fields) => udp(up(fields))),
    world: mobileWorld({ rows: { A: atHome({ flags: CxBindingFlag.NO_LINK_HEADER }) } }),
    // The kernel takes the old link header off.
    expected: udp(up({ hopLimit: 63 })).onEthernet(),
  },
  {
    ...sent('from the stack, which has lowered the hop limit', (fields) => udp(up(fields))),
    program: 'coax_home',
    hook: 'HOME',
    expected: udp(up()).onEthernet(uplinkMacs('A')),
  },
  {
    ...sent("what comes by the home link is the stack's", () => udp(down())),
    program: 'coax_uplink',
    hook: 'UPLINK',
    reason: 'NOT_OURS',
    expected: udp(down()).onEthernet(),
  },
  {
    ...sent('the home address is no end of a tunnel', () => udp(down())),
    program: 'coax_uplink',
    world: signalled,
    hook: 'UPLINK',
    reason: 'NOT_OURS',
    packet: down({ source: HOME_AGENT, destination: HOME_ADDRESS }).carrying(udp(down())).onEthernet(),
    expected: down({ source: HOME_AGENT, destination: HOME_ADDRESS }).carrying(udp(down())).onEthernet(),
  },
];

const fromD = (inner: Packet): Packet => outerUp('D', { flowLabel: 9 }).carrying(inner);
const OTHER = '2001:db8:101:1::10';

const homeAgent: PacketRow[] = [
  {
    ...sent('to a router at home', (fields) => udp(down(fields))),
    program: 'coax_transit',
    world: agent,
  },
  {
    ...sent('from the home agent itself', (fields) => udp(down({ source: HOME_AGENT, ...fields }))),
    program: 'coax_home',
    world: agent,
    hook: 'HOME',
    expected: udp(down({ source: HOME_AGENT })).onEthernet(uplinkMacs('A')),
  },
  {
    ...sent("from another router's tunnel, without its outer header", () => udp(down())),
    program: 'coax_transit',
    world: agent,
    hook: 'UPLINK',
    packet: fromD(udp(down({ source: OTHER }))).onEthernet(),
    expected: udp(down({ source: OTHER, hopLimit: 63 })).onEthernet(uplinkMacs('A')),
  },
  {
    ...sent('from the home link to the world', () => udp(up())),
    program: 'coax_transit',
    world: agent,
    reason: 'NOT_FOR_HOME',
    expected: udp(up()).onEthernet(),
  },
  {
    ...sent('from the home link to another router', (fields) => udp(up({ destination: OTHER, ...fields }))),
    program: 'coax_transit',
    world: agent,
    reason: 'ENCAPSULATED',
    expected: outerUp('D', { source: HOME_AGENT, destination: '2001:db8:d::1' })
      .carrying(udp(up({ destination: OTHER, hopLimit: 63 })))
      .onEthernet(uplinkMacs('D')),
  },
  {
    ...sent('one byte more than the MTU', (fields) => large(down(fields))),
    program: 'coax_transit',
    world: agent,
    reason: 'PACKET_TOO_BIG',
    expected: tooBig(large(down()), { from: HOME_AGENT, to: '2001:db8:200::1' }).onEthernet({
      source: LAN_MAC.own,
      destination: LAN_MAC.host,
    }),
  },
  {
    ...sent('hop limit 1 is answered by the stack', () =>
      udp(down({ hopLimit: 1, destination: LAN_UNKNOWN })),
    ),
    program: 'coax_transit',
    world: agent,
    reason: 'HOP_LIMIT',
    expected: udp(down({ hopLimit: 1, destination: LAN_UNKNOWN })).onEthernet(),
  },
];

export const homeLinkTables: PacketTable[] = [
  { title: 'home link, mobile router', role: 'MOBILE_ROUTER', rows: router },
  { title: 'home link, home agent', role: 'HOME_AGENT', rows: homeAgent },
];

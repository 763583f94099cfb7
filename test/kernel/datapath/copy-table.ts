/** The packet itself of a `copy` policy, and how many copies were sent beside it; actions.test.ts sees them arrive. */
import { CxTunnelKind } from '../../../src/datapath/index.js';
import { ANY, type Policy } from '../../../src/policy/index.js';
import { type Ipv6Fields, ipv6, type Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
import type { HookName, ProgramName, ReasonName, World } from './test-datapath.js';
import {
  agentRow,
  agentWorld,
  BID,
  CORRESPONDENT,
  down,
  HOME_MAC,
  LAN_HOST,
  mobileRow,
  mobileWorld,
  OTHER_HOST,
  outerDown,
  outerUp,
  TUNNEL_SOURCE_MAC,
  tooBig,
  type Uplink,
  up,
  uplinkMacs,
} from './worlds.js';

/** A device that takes copies: frames to a stranger's MAC end there. */
const LOOPBACK = 1;
const SMALL = 1400;

const copies = (...bindings: number[]): Policy[] => [
  {
    fid: 1,
    name: 'copies',
    priority: 10,
    selector: ANY,
    action: { kind: 'copy', bindings },
    otherwise: 'next',
  },
  { fid: 2, name: 'none', priority: 20, selector: ANY, action: { kind: 'drop' }, otherwise: 'next' },
];

type Rows = NonNullable<Parameters<typeof mobileWorld>[0]>['rows'];

/** A and B carry copies; B, with the smaller MTU, carries the packet itself. */
const world = (rows: Rows = {}): World =>
  mobileWorld({
    policies: copies(BID.A, BID.B),
    rows: { A: mobileRow('A', { ifindex: LOOPBACK }), B: mobileRow('B', { mtu: SMALL }), ...rows },
  });

const external = { kind: CxTunnelKind.EXTERNAL, tunnelId: 7 } as const;
const toTunnel = { source: TUNNEL_SOURCE_MAC, destination: HOME_MAC };

interface Case {
  program?: ProgramName;
  hook?: HookName;
  reason?: ReasonName;
  packet?: Packet;
  expected?: Packet;
  also?: PacketRow['also'];
  /** 0 when another policy decides. */
  fid?: number;
}

const forwarded = (fields: Partial<Ipv6Fields> = {}): Packet => up({ hopLimit: 63, ...fields }).udp();
const by = (uplink: Uplink): Packet => outerUp(uplink).carrying(forwarded()).onEthernet(uplinkMacs(uplink));

function row(description: string, of: World, change: Case = {}): PacketRow {
  const { program = 'coax_ingress', hook = 'INGRESS', reason = 'ENCAPSULATED', fid = 1 } = change;
  return {
    description,
    world: of,
    program,
    hook,
    reason,
    packet: change.packet ?? up().udp().onEthernet(),
    ...(hook === 'INGRESS' && { context: { ifindex: LOOPBACK } }),
    ...(change.expected && { expected: change.expected }),
    ...(change.also && { also: change.also }),
    ...(fid > 0 && { policy: [1, fid] }),
  };
}

const sent = { reason: 'ALSO_COPIED', packets: 1 } as const;
const lost = { reason: 'ALSO_COPY_LOST', packets: 1 } as const;
const large = up()
  .udp()
  .payload(SMALL - 47);

const mobile: PacketRow[] = [
  row('the smallest MTU is the packet itself', world(), { expected: by('B'), also: sent }),
  row(
    'whatever the order',
    world({ A: mobileRow('A', { mtu: SMALL }), B: mobileRow('B', { ifindex: LOOPBACK }) }),
    {
      expected: by('A'),
      also: sent,
    },
  ),
  row('one that is not usable', world({ A: null }), { expected: by('B') }),
  row('none that is usable: the next policy', world({ A: null, B: null }), {
    reason: 'DROP_BY_POLICY',
    fid: 2,
  }),
  row('a device that is not there', world({ A: mobileRow('A', { ifindex: 0x7fffffff }) }), {
    expected: by('B'),
    also: lost,
  }),
  row(
    'a next hop that is not known: the packet itself is sent',
    world({ A: mobileRow('A', { ifindex: LOOPBACK, flags: 0 }) }),
    {
      expected: by('B'),
      also: lost,
    },
  ),
  row('too big for the smallest of them', world(), {
    reason: 'PACKET_TOO_BIG',
    packet: large.onEthernet(),
    expected: tooBig(large, { mtu: SMALL }).onEthernet({
      source: '02:00:00:00:01:01',
      destination: '02:00:00:00:01:10',
    }),
    fid: 0,
  }),
  row('at the home interface', world(), {
    program: 'coax_home',
    hook: 'HOME',
    expected: outerUp('B').carrying(up().udp()).onEthernet(uplinkMacs('B')),
    also: sent,
  }),
  row(
    'by external tunnels',
    world({
      A: mobileRow('A', { ...external, ifindex: LOOPBACK }),
      B: mobileRow('B', { ...external, mtu: SMALL }),
    }),
    { reason: 'TO_TUNNEL_DEVICE', expected: forwarded().onEthernet(toTunnel), also: sent },
  ),
  row(
    'another kind of tunnel than the packet itself',
    world({ A: mobileRow('A', { ...external, ifindex: LOOPBACK }) }),
    {
      expected: by('B'),
      also: lost,
    },
  ),
];

const agent = agentWorld({
  policies: copies(BID.A, BID.B),
  rows: { A: agentRow('A', { ifindex: LOOPBACK }), B: agentRow('B', { mtu: SMALL }) },
});
const across = (hopLimit: number): Packet =>
  ipv6({ source: OTHER_HOST, destination: LAN_HOST, hopLimit }).udp();

const home: PacketRow[] = [
  row('towards a mobile router', agent, {
    program: 'coax_transit',
    packet: down().udp().onEthernet(),
    expected: outerDown('B')
      .carrying(down({ hopLimit: 63 }).udp())
      .onEthernet(uplinkMacs('B')),
    also: sent,
  }),
  row('from tunnel to tunnel', agent, {
    program: 'coax_transit',
    hook: 'UPLINK',
    reason: 'RELAYED',
    packet: outerUp('D').carrying(across(64)).onEthernet(),
    expected: outerDown('B').carrying(across(63)).onEthernet(uplinkMacs('B')),
    also: sent,
  }),
  row('back to where it came from', agent, {
    program: 'coax_transit',
    hook: 'UPLINK',
    reason: 'RELAYED',
    packet: outerUp('A')
      .carrying(up({ destination: LAN_HOST }).udp())
      .onEthernet(),
    expected: outerDown('B')
      .carrying(up({ destination: LAN_HOST, hopLimit: 63 }).udp())
      .onEthernet(uplinkMacs('B')),
    also: sent,
  }),
  row('upstream is not copied', agent, {
    program: 'coax_transit',
    hook: 'UPLINK',
    reason: 'DECAPSULATED',
    packet: outerUp('A')
      .carrying(up({ destination: CORRESPONDENT }).udp())
      .onEthernet(),
    fid: 0,
  }),
];

export const copyTables: readonly PacketTable[] = [
  { title: 'copy', role: 'MOBILE_ROUTER', rows: mobile },
  { title: 'copy at the home agent', role: 'HOME_AGENT', rows: home },
];

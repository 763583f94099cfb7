/** The two machines the packet tables speak of.
 *
 *   LAN host -- mobile router ==(A, B, C)== home agent -- correspondent
 *                      other router ==(D)==/
 */
import { CxBindingFlag, CxTunnelKind } from '../../../src/datapath/index.js';
import type { Prefix } from '../../../src/net/index.js';
import {
  ANY,
  type Mark,
  matchOfPrefix,
  type Policy,
  type Range,
  type Selector,
} from '../../../src/policy/index.js';
import { type Ipv6Fields, ipv6, type Packet } from '../../support/packet.js';
import type { World, WorldBinding } from './test-datapath.js';

export const HOME_AGENT = '2001:db8:ff::1';
export const STRANGER = '2001:db8:bad::1';
export const CORRESPONDENT = '2001:db8:200::1';
export const HOME_ADDRESS = '2001:db8:100::1';
export const LAN_HOST = '2001:db8:100:1::10';
/** In the mobile network prefix, and nobody has it. */
export const LAN_UNKNOWN = '2001:db8:100:1::99';
export const OTHER_HOST = '2001:db8:101:1::10';
export const CARE_OF = {
  A: '2001:db8:a::1',
  B: '2001:db8:b::1',
  C: '2001:db8:c::1',
  D: '2001:db8:d::1',
} as const;
export type Uplink = keyof typeof CARE_OF;

export const BID = { A: 1, B: 2, C: 3, D: 1 } as const;
/** What the home interface is in these worlds; a test run never gets there. */
export const HOME_IFINDEX = 77;
/** MAC of the home interface, see bpf/encap.h. */
export const HOME_MAC = '02:63:6f:61:78:00';
export const TUNNEL_SOURCE_MAC = '02:63:6f:61:78:01';
export const LAN_MAC = { host: '02:00:00:00:01:10', own: '02:00:00:00:01:01' } as const;

export const MTU = 1440;

/** MACs of an uplink: they say in a packet by which link it leaves. */
export function uplinkMacs(uplink: Uplink): { source: string; destination: string } {
  const code = uplink.charCodeAt(0).toString(16);
  return { source: `02:00:00:00:${code}:01`, destination: `02:00:00:00:${code}:fe` };
}

type Row = NonNullable<WorldBinding['row']>;

/** A binding's row as the mobile router has it. */
export function mobileRow(uplink: Uplink, change: Partial<Row> = {}): Row {
  const { source, destination } = uplinkMacs(uplink);
  return {
    outerSource: CARE_OF[uplink],
    outerDestination: HOME_AGENT,
    nextHop: `fe80::${uplink.toLowerCase()}`,
    ifindex: uplink.charCodeAt(0),
    uplinkIfindex: uplink.charCodeAt(0),
    tunnelId: 0,
    mtu: MTU,
    kind: CxTunnelKind.BPF,
    flags: CxBindingFlag.MAC_KNOWN,
    nextHopMac: destination,
    ownMac: source,
    ...change,
  };
}

/** The same tunnel from its other end. */
export function agentRow(uplink: Uplink, change: Partial<Row> = {}): Row {
  return mobileRow(uplink, { outerSource: HOME_AGENT, outerDestination: CARE_OF[uplink], ...change });
}

/** A selector in few words: one prefix, number or range for each field. */
export interface ShortMatch {
  mark?: Mark;
  source?: Prefix;
  destination?: Prefix;
  protocol?: number;
  sourcePort?: Range;
  destinationPort?: Range;
}

export function selectorOf(match: ShortMatch): Selector {
  const { mark, source, destination, protocol, sourcePort, destinationPort } = match;
  return {
    ...ANY,
    mark,
    source: source && matchOfPrefix(source),
    destination: destination && matchOfPrefix(destination),
    protocol: protocol === undefined ? undefined : [{ low: protocol, high: protocol }],
    sourcePort: sourcePort && [sourcePort],
    destinationPort: destinationPort && [destinationPort],
  };
}

/** A policy in few words; FID and FID-PRI count up with the position in `policies`. */
export interface ShortPolicy {
  match?: ShortMatch;
  use: readonly number[];
  priority?: number;
}

export function policies(...list: readonly ShortPolicy[]): Policy[] {
  return list.map(({ match = {}, use, priority }, at) => ({
    fid: at + 1,
    name: `p${at + 1}`,
    priority: priority ?? (at + 1) * 10,
    selector: selectorOf(match),
    action: { kind: 'use', bindings: use },
    otherwise: 'next',
  }));
}

const EXTERNAL = { kind: CxTunnelKind.EXTERNAL, tunnelId: 7 } as const;

/** Bindings A, B and the external C; A is the default. */
export function mobileWorld(
  change: { policies?: Policy[]; rows?: Partial<Record<'A' | 'B' | 'C', Row | null>> } & Partial<World> = {},
): World {
  const { policies: own = [], rows = {}, ...rest } = change;
  const row = (uplink: 'A' | 'B' | 'C', usual: Row): Row | undefined =>
    rows[uplink] === null ? undefined : (rows[uplink] ?? usual);
  return {
    routes: [
      { prefix: '::/0', router: 1 },
      { prefix: '2001:db8:100:1::/64', router: 0 },
      { prefix: `${HOME_ADDRESS}/128`, router: 0 },
      { prefix: '2001:db8:300::/48', router: 0 },
    ],
    prefixes: [
      { prefix: '2001:db8:100:1::/64', router: 1 },
      { prefix: `${HOME_ADDRESS}/128`, router: 1 },
    ],
    bindings: [
      { router: 1, bid: BID.A, row: row('A', mobileRow('A')) },
      { router: 1, bid: BID.B, row: row('B', mobileRow('B')) },
      { router: 1, bid: BID.C, row: row('C', mobileRow('C', EXTERNAL)) },
    ],
    routers: [
      {
        routerId: 1,
        policies: own,
        bindings: [
          { bid: BID.C, priority: 30 },
          { bid: BID.B, priority: 20 },
          { bid: BID.A, priority: 10 },
        ],
      },
    ],
    tunnels: (['A', 'B', 'C'] as const).map((uplink) => ({
      local: CARE_OF[uplink],
      remote: HOME_AGENT,
      router: 1,
      bid: BID[uplink],
    })),
    neighbours: [{ address: LAN_HOST, ifindex: 5, mac: LAN_MAC.host, ownMac: LAN_MAC.own, mtu: 1500 }],
    homeIfindex: HOME_IFINDEX,
    ...rest,
  };
}

/** Router 1 with bindings A, B and the external C; router 2 with D; the correspondent is on-link. */
export function agentWorld(
  change: { policies?: Policy[]; rows?: Partial<Record<Uplink, Row | null>> } & Partial<World> = {},
): World {
  const { policies: own = [], rows = {}, ...rest } = change;
  const row = (uplink: Uplink, usual: Row): Row | undefined =>
    rows[uplink] === null ? undefined : (rows[uplink] ?? usual);
  const networks = [
    { prefix: '2001:db8:100:1::/64', router: 1 },
    { prefix: `${HOME_ADDRESS}/128`, router: 1 },
    { prefix: '2001:db8:101:1::/64', router: 2 },
  ];
  return {
    routes: networks,
    prefixes: networks,
    bindings: [
      { router: 1, bid: BID.A, row: row('A', agentRow('A')) },
      { router: 1, bid: BID.B, row: row('B', agentRow('B')) },
      { router: 1, bid: BID.C, row: row('C', agentRow('C', EXTERNAL)) },
      { router: 2, bid: BID.D, row: row('D', agentRow('D')) },
    ],
    routers: [
      {
        routerId: 1,
        policies: own,
        bindings: [
          { bid: BID.A, priority: 10 },
          { bid: BID.B, priority: 20 },
          { bid: BID.C, priority: 30 },
        ],
      },
      { routerId: 2, policies: [], bindings: [{ bid: BID.D, priority: 10 }] },
    ],
    tunnels: (['A', 'B', 'C', 'D'] as const).map((uplink) => ({
      local: HOME_AGENT,
      remote: CARE_OF[uplink],
      router: uplink === 'D' ? 2 : 1,
      bid: BID[uplink],
    })),
    neighbours: [{ address: CORRESPONDENT, ifindex: 6, mac: LAN_MAC.host, ownMac: LAN_MAC.own, mtu: 1500 }],
    homeIfindex: HOME_IFINDEX,
    ...rest,
  };
}

/** From the LAN host to the correspondent. */
export function up(change: Partial<Ipv6Fields> = {}): Packet {
  return ipv6({ source: LAN_HOST, destination: CORRESPONDENT, ...change });
}

/** From the correspondent to the LAN host. */
export function down(change: Partial<Ipv6Fields> = {}): Packet {
  return ipv6({ source: CORRESPONDENT, destination: LAN_HOST, ...change });
}

/** What a packet that is too big for a binding is answered with. */
export function tooBig(
  packet: Packet,
  { from = HOME_ADDRESS, to = LAN_HOST, mtu = MTU, segment = 0 }: Partial<TooBigFields> = {},
): Packet {
  const quote = Buffer.from(packet.bytes().subarray(0, 1280 - 48));
  if (segment > 0) {
    quote.writeUInt16BE(segment - 40, 4);
  }
  return ipv6({ source: from, destination: to }).icmpv6({ type: 2, detail: mtu }).raw(quote);
}

interface TooBigFields {
  from: string;
  to: string;
  mtu: number;
  /** Size of the first segment, which the quoted header tells. */
  segment: number;
}

/** As a packet leaves a mobile router by an uplink. */
export function outerUp(uplink: Uplink, change: Partial<Ipv6Fields> = {}): Packet {
  return ipv6({ source: CARE_OF[uplink], destination: HOME_AGENT, flowLabel: 'any', ...change });
}

/** As a packet leaves the home agent towards a care-of address. */
export function outerDown(uplink: Uplink, change: Partial<Ipv6Fields> = {}): Packet {
  return ipv6({ source: HOME_AGENT, destination: CARE_OF[uplink], flowLabel: 'any', ...change });
}

/** Which policy decides: every selector alone and with others, bounds, priorities, bindings. */
import { Prefix } from '../../../src/net/index.js';
import { type Ipv6Fields, Next, type Packet } from '../../support/packet.js';
import { alone, type PacketRow, type PacketTable, UNKNOWN_PACKET } from './packet-row.js';
import type { World } from './test-datapath.js';
import {
  BID,
  CORRESPONDENT,
  LAN_HOST,
  mobileWorld,
  outerUp,
  policies,
  type ShortMatch,
  type Uplink,
  up,
  uplinkMacs,
} from './worlds.js';

type Build = (fields: Partial<Ipv6Fields>) => Packet;

/** A packet that leaves by an uplink, decided by the policy `fid` or by the default. */
function decided(
  description: string,
  world: World,
  build: Build,
  uplink: Uplink,
  fid?: number,
  mark?: number,
): PacketRow {
  const home = mark !== undefined;
  return {
    description,
    program: home ? 'coax_home' : 'coax_ingress',
    world,
    hook: home ? 'HOME' : 'INGRESS',
    reason: 'ENCAPSULATED',
    packet: build({}).onEthernet(),
    expected: outerUp(uplink)
      .carrying(build(home ? {} : { hopLimit: 63 }))
      .onEthernet(uplinkMacs(uplink)),
    ...(home ? { context: { mark } } : {}),
    ...(fid === undefined ? {} : { policy: [1, fid] as [number, number] }),
  };
}

const only = (match: ShortMatch): World => mobileWorld({ policies: policies({ match, use: [BID.B] }) });
const udp =
  (sourcePort = 1000, destinationPort = 2000): Build =>
  (fields) =>
    up(fields).udp({ sourcePort, destinationPort });
const tcp: Build = (fields) => up(fields).tcp();

/** Yes and no of one selector: policy 1 to uplink B, else the default A. */
function selects(name: string, match: ShortMatch, cases: [string, Build, boolean][]): PacketRow[] {
  const world = only(match);
  return cases.map(([description, build, yes]) =>
    decided(`${name}: ${description}`, world, build, yes ? 'B' : 'A', yes ? 1 : undefined),
  );
}

const at =
  (fields: Partial<Ipv6Fields>): Build =>
  (more) =>
    up({ ...fields, ...more }).udp();
const range = { low: 1000, high: 1009 };

const single: PacketRow[] = [
  ...selects('no selector', {}, [['everything', udp(), true]]),
  ...selects('source /64', { source: Prefix.parse('2001:db8:100:1::/64') }, [['inside', udp(), true]]),
  ...selects('source /128', { source: Prefix.parse(`${LAN_HOST}/128`) }, [
    ['the address', udp(), true],
    ['its neighbour', at({ source: '2001:db8:100:1::11' }), false],
  ]),
  ...selects('source /121', { source: Prefix.parse('2001:db8:100:1::/121') }, [
    ['last', at({ source: '2001:db8:100:1::7f' }), true],
    ['first behind', at({ source: '2001:db8:100:1::80' }), false],
  ]),
  ...selects('source /0', { source: Prefix.parse('::/0') }, [['everything', udp(), true]]),
  ...selects('destination /33', { destination: Prefix.parse('2001:db8:8000::/33') }, [
    ['first', at({ destination: '2001:db8:8000::' }), true],
    ['last', at({ destination: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff' }), true],
    ['one before', at({ destination: '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff' }), false],
    ['one behind', at({ destination: '2001:db9::' }), false],
  ]),
  ...selects('destination /128', { destination: Prefix.parse(`${CORRESPONDENT}/128`) }, [
    ['the address', udp(), true],
    ['another', at({ destination: '2001:db8:200::2' }), false],
  ]),
  ...selects('protocol udp', { protocol: Next.UDP }, [
    ['UDP', udp(), true],
    ['TCP', tcp, false],
    ['UDP behind extension headers', (fields) => up(fields).hopByHop().routing().udp(), true],
    ['the first fragment', (fields) => up(fields).fragment({ more: true }).udp(), true],
    [
      'a later fragment',
      (fields) => up(fields).fragment({ offset: 4, nextHeader: Next.UDP }).payload(32),
      true,
    ],
  ]),
  ...selects('protocol esp', { protocol: Next.ESP }, [
    ['ESP', (fields) => up(fields).esp().payload(16), true],
    ['ESP behind AH', (fields) => up(fields).authentication().esp().payload(16), true],
    ['UDP', udp(), false],
  ]),
  ...selects('protocol none', { protocol: Next.NONE }, [['an empty packet', (fields) => up(fields), true]]),
  ...selects('source port range', { sourcePort: range }, [
    ['one below', udp(999), false],
    ['lowest', udp(1000), true],
    ['highest', udp(1009), true],
    ['one above', udp(1010), false],
    ['as destination port only', udp(1, 1000), false],
  ]),
  ...selects('destination port range', { destinationPort: range }, [
    ['one below', udp(1, 999), false],
    ['lowest', udp(1, 1000), true],
    ['highest', udp(1, 1009), true],
    ['one above', udp(1, 1010), false],
    ['as source port only', udp(1000, 1), false],
  ]),
  ...selects('port 0', { destinationPort: { low: 0, high: 0 } }, [
    ['port 0', udp(1, 0), true],
    ['port 1', udp(1, 1), false],
    ['ICMPv6 has none', (fields) => up(fields).icmpv6(), false],
  ]),
  ...selects('all ports', { destinationPort: { low: 0, high: 65535 } }, [
    ['65535', udp(1, 65535), true],
    ['TCP', tcp, true],
    ['SCTP', (fields) => up(fields).ports(Next.SCTP), true],
    ['DCCP', (fields) => up(fields).ports(Next.DCCP), true],
    ['UDP-Lite', (fields) => up(fields).ports(Next.UDPLITE), true],
    ['the first fragment', (fields) => up(fields).fragment({ more: true }).udp(), true],
    ['ICMPv6', (fields) => up(fields).icmpv6(), false],
    ['ESP', (fields) => up(fields).esp().payload(16), false],
  ]),
  ...selects('all ports', { destinationPort: { low: 0, high: 65535 } }, [
    [
      'a later fragment',
      (fields) => up(fields).fragment({ offset: 1, id: UNKNOWN_PACKET, nextHeader: Next.UDP }).payload(32),
      false,
    ],
  ]).map(alone),
];

const everything: ShortMatch = {
  source: Prefix.parse('2001:db8:100:1::/64'),
  destination: Prefix.parse('2001:db8:200::/48'),
  protocol: Next.UDP,
  sourcePort: { low: 1000, high: 1000 },
  destinationPort: { low: 2000, high: 2000 },
};

const combined: PacketRow[] = [
  ...selects('all selectors', everything, [
    ['all right', udp(), true],
    ['destination wrong', at({ destination: '2001:db8:201::1' }), false],
    ['protocol wrong', tcp, false],
    ['source port wrong', udp(1001), false],
    ['destination port wrong', udp(1000, 2001), false],
  ]),
  ...selects('all selectors, source wrong', { ...everything, source: Prefix.parse('2001:db8:100:2::/64') }, [
    ['all else right', udp(), false],
  ]),
  decided(
    'all selectors and the mark',
    only({ ...everything, mark: { value: 2, mask: 6 } }),
    udp(),
    'B',
    1,
    0xa,
  ),
  decided(
    'all selectors but the mark',
    only({ ...everything, mark: { value: 2, mask: 6 } }),
    udp(),
    'A',
    undefined,
    6,
  ),
];

const ordered = mobileWorld({
  policies: policies(
    { match: { protocol: Next.UDP }, use: [BID.A], priority: 30 },
    { match: { destinationPort: { low: 2000, high: 2000 } }, use: [BID.B], priority: 10 },
    { match: {}, use: [BID.A], priority: 65535 },
    { match: { sourcePort: { low: 1000, high: 1000 } }, use: [BID.A], priority: 20 },
  ),
});
const bindingOrder = (use: number[], rows: Parameters<typeof mobileWorld>[0] = {}): World =>
  mobileWorld({ policies: policies({ use }), ...rows });

const priorities: PacketRow[] = [
  decided('the lowest FID-PRI wins', ordered, udp(), 'B', 2),
  decided('the next one', ordered, udp(1000, 1), 'A', 4),
  decided('the next but one', ordered, udp(1, 1), 'A', 1),
  decided('the last one', ordered, tcpOther(), 'A', 3),
  decided('the first binding of the list', bindingOrder([BID.B, BID.A]), udp(), 'B', 1),
  decided(
    'the first usable binding of the list',
    bindingOrder([BID.C, BID.B], { rows: { C: null } }),
    udp(),
    'B',
    1,
  ),
  decided(
    'a policy without a usable binding is skipped',
    mobileWorld({ rows: { B: null }, policies: policies({ use: [BID.B] }, { use: [BID.A] }) }),
    udp(),
    'A',
    2,
  ),
  decided('no policy is left: the default', bindingOrder([BID.B], { rows: { B: null } }), udp(), 'A'),
  decided('the default is the lowest BID-PRI', mobileWorld(), udp(), 'A'),
  decided('the default is the lowest usable BID-PRI', mobileWorld({ rows: { A: null } }), udp(), 'B'),
];

function tcpOther(): Build {
  return (fields) => up(fields).tcp({ sourcePort: 5, destinationPort: 6 });
}

const unknown = (description: string, world: World, build: Build, fid?: number): PacketRow =>
  fid === undefined
    ? {
        description,
        program: 'coax_ingress',
        world,
        hook: 'INGRESS',
        reason: 'MARK_DECIDES',
        packet: build({}).onEthernet(),
      }
    : decided(description, world, build, 'B', fid);
const mark = { value: 1, mask: 1 };

const marks: PacketRow[] = [
  unknown(
    'a policy with a mark first',
    mobileWorld({ policies: policies({ match: { mark }, use: [BID.A] }, { use: [BID.B] }) }),
    udp(),
  ),
  unknown(
    'a policy with mark 0 first: unmarked is a mark too',
    mobileWorld({ policies: policies({ match: { mark: { value: 0, mask: 1 } }, use: [BID.A] }) }),
    udp(),
  ),
  unknown(
    'an outranking policy without a mark decides',
    mobileWorld({ policies: policies({ use: [BID.B] }, { match: { mark }, use: [BID.A] }) }),
    udp(),
    1,
  ),
  unknown(
    'a policy with a mark that cannot match for another reason',
    mobileWorld({
      policies: policies({ match: { mark, protocol: Next.TCP }, use: [BID.A] }, { use: [BID.B] }),
    }),
    udp(),
    2,
  ),
  unknown(
    'an outranking policy without a usable binding does not decide',
    mobileWorld({
      rows: { C: null },
      policies: policies({ use: [BID.C] }, { match: { mark }, use: [BID.A] }),
    }),
    udp(),
  ),
];

const longest = mobileWorld({
  policies: policies(
    ...Array.from({ length: 1023 }, (_, port) => ({
      match: { destinationPort: { low: port + 10_000, high: port + 10_000 } },
      use: [BID.A],
    })),
    { match: { destinationPort: { low: 2000, high: 2000 } }, use: [BID.B] },
  ),
});

const long: PacketRow[] = [
  decided('the last of 1024 policies', longest, udp(), 'B', 1024),
  decided('behind 1024 policies', longest, udp(1, 1), 'A'),
];

export const selectorTables: PacketTable[] = [
  { title: 'selector', role: 'MOBILE_ROUTER', rows: single },
  { title: 'selectors together', role: 'MOBILE_ROUTER', rows: combined },
  { title: 'priority', role: 'MOBILE_ROUTER', rows: priorities },
  { title: 'mark not known yet', role: 'MOBILE_ROUTER', rows: marks },
  { title: 'many policies', role: 'MOBILE_ROUTER', rows: long },
];

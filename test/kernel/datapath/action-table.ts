/** What a matching policy does beside `use`, and what it does while none of its bindings is usable. */
import { ANY, type Policy, type Selector } from '../../../src/policy/index.js';
import { Next, type Packet } from '../../support/packet.js';
import { alone, type PacketRow, type PacketTable, UNKNOWN_PACKET } from './packet-row.js';
import type { ReasonName, World } from './test-datapath.js';
import {
  agentWorld,
  BID,
  down,
  LAN_HOST,
  mobileWorld,
  OTHER_HOST,
  outerUp,
  up,
  uplinkMacs,
} from './worlds.js';

type Doing = Pick<Policy, 'action' | 'otherwise'>;

type Short = Partial<Doing> & { match?: Partial<Selector> };

function policiesOf(...list: readonly Short[]): Policy[] {
  return list.map(({ match, ...doing }, at) => ({
    fid: at + 1,
    name: `p${at + 1}`,
    priority: 10 * (at + 1),
    selector: { ...ANY, ...match },
    action: { kind: 'use', bindings: [BID.B] },
    otherwise: 'next',
    ...doing,
  }));
}

const udp = (hopLimit?: number): Packet => up(hopLimit === undefined ? {} : { hopLimit }).udp();

interface Way {
  via?: 'A' | 'B';
  fid?: number;
  packet?: (hopLimit?: number) => Packet;
  trafficClass?: number;
}

/** What becomes of a datagram at ingress; `via` is the uplink it leaves by. */
function upstream(
  description: string,
  world: World,
  reason: ReasonName,
  { via, fid, packet = udp, trafficClass = 0 }: Way = {},
): PacketRow {
  return {
    description,
    program: 'coax_ingress',
    world,
    hook: 'INGRESS',
    reason,
    packet: packet().onEthernet(),
    context: { ifindex: 1 },
    ...(via && { expected: outerUp(via, { trafficClass }).carrying(packet(63)).onEthernet(uplinkMacs(via)) }),
    ...(fid !== undefined && { policy: [1, fid] as [number, number] }),
  };
}

const drop: Doing = { action: { kind: 'drop' }, otherwise: 'next' };
const withoutB = (...list: readonly Short[]): World =>
  mobileWorld({ rows: { B: null }, policies: policiesOf(...list) });

const actions: PacketRow[] = [
  upstream('drop', mobileWorld({ policies: policiesOf(drop) }), 'DROP_BY_POLICY', { fid: 1 }),
  {
    ...upstream('drop at the home interface', mobileWorld({ policies: policiesOf(drop) }), 'DROP_BY_POLICY', {
      fid: 1,
    }),
    program: 'coax_home',
    hook: 'HOME',
    context: { mark: 7 },
  },
  upstream(
    'drop of what another policy carries first',
    mobileWorld({ policies: policiesOf({}, drop) }),
    'ENCAPSULATED',
    { via: 'B', fid: 1 },
  ),
  upstream('otherwise next: the default', withoutB({}), 'ENCAPSULATED', { via: 'A' }),
  upstream('otherwise next: the next policy', withoutB({}, drop), 'DROP_BY_POLICY', { fid: 2 }),
  upstream('otherwise drop', withoutB({ otherwise: 'drop' }), 'DROP_BY_POLICY', { fid: 1 }),
  upstream(
    'otherwise default: before the next policy',
    withoutB({ otherwise: 'default' }, drop),
    'ENCAPSULATED',
    { via: 'A', fid: 1 },
  ),
  upstream(
    'otherwise does not matter while a binding is usable',
    mobileWorld({ policies: policiesOf({ otherwise: 'drop' }) }),
    'ENCAPSULATED',
    { via: 'B', fid: 1 },
  ),
  upstream(
    'a mark decides whether to drop',
    mobileWorld({ policies: policiesOf({ ...drop, match: { mark: { value: 1, mask: 1 } } }) }),
    'MARK_DECIDES',
  ),
  upstream(
    'a mark does not decide where nothing is usable and nothing else said',
    withoutB({ match: { mark: { value: 1, mask: 1 } } }),
    'ENCAPSULATED',
    { via: 'A' },
  ),
];

const bypass: Doing = { action: { kind: 'bypass' }, otherwise: 'next' };
const balance = (...bids: number[]): Doing => ({
  action: { kind: 'balance', bindings: bids.map((bid) => ({ bid, weight: 1 })) },
  otherwise: 'next',
});

actions.push(
  upstream('bypass', mobileWorld({ policies: policiesOf(bypass) }), 'BYPASS', { fid: 1 }),
  {
    ...upstream('bypass behind the stack', mobileWorld({ policies: policiesOf(bypass) }), 'DROP_BYPASS', {
      fid: 1,
    }),
    program: 'coax_home',
    hook: 'HOME',
    context: { mark: 7 },
  },
  {
    ...upstream(
      'bypass where all packets take the stack',
      mobileWorld({ policies: policiesOf(bypass) }),
      'BYPASS',
      {
        fid: 1,
      },
    ),
    program: 'coax_bypass',
  },
  {
    ...upstream(
      'no bypass where all packets take the stack',
      mobileWorld({ policies: policiesOf({}) }),
      'LEFT_TO_STACK',
    ),
    program: 'coax_bypass',
  },
  upstream('balance over one', mobileWorld({ policies: policiesOf(balance(BID.B)) }), 'ENCAPSULATED', {
    via: 'B',
    fid: 1,
  }),
  upstream('balance with one that is usable', withoutB(balance(BID.B, BID.A)), 'ENCAPSULATED', {
    via: 'A',
    fid: 1,
  }),
  upstream('balance with none that is usable', withoutB(balance(BID.B), drop), 'DROP_BY_POLICY', { fid: 2 }),
);

const agentActions: PacketRow[] = [
  {
    description: 'drop towards a mobile router',
    program: 'coax_transit',
    world: agentWorld({ policies: policiesOf(drop) }),
    hook: 'INGRESS',
    reason: 'DROP_BY_POLICY',
    packet: down().udp().onEthernet(),
    policy: [1, 1],
  },
  {
    description: 'drop from tunnel to tunnel',
    program: 'coax_transit',
    world: agentWorld({ policies: policiesOf(drop) }),
    hook: 'UPLINK',
    reason: 'DROP_BY_POLICY',
    packet: outerUp('D')
      .carrying(up({ source: OTHER_HOST, destination: LAN_HOST }).udp())
      .onEthernet(),
    policy: [1, 1],
  },
];

/** Yes and no of one selector: policy 1 by B, else the default A. */
function selects(
  name: string,
  match: Partial<Selector>,
  cases: readonly [
    description: string,
    packet: (hopLimit?: number) => Packet,
    yes: boolean,
    trafficClass?: number,
  ][],
): PacketRow[] {
  const world = mobileWorld({ policies: policiesOf({ match }) });
  return cases.map(([description, packet, yes, trafficClass = 0]) =>
    upstream(`${name}: ${description}`, world, 'ENCAPSULATED', {
      packet,
      trafficClass,
      via: yes ? 'B' : 'A',
      ...(yes && { fid: 1 }),
    }),
  );
}

const of =
  (build: (packet: Packet) => Packet, fields: Parameters<typeof up>[0] = {}) =>
  (hopLimit?: number): Packet =>
    build(up({ ...fields, ...(hopLimit !== undefined && { hopLimit }) }));
const plain = (packet: Packet): Packet => packet.udp();
const range = (low: number, high = low) => [{ low, high }];

const selectors: PacketRow[] = [
  ...selects('DSCP 46', { dscp: range(46) }, [
    ['46', of(plain, { trafficClass: 46 << 2 }), true, 46 << 2],
    ['46 and both ECN bits', of(plain, { trafficClass: (46 << 2) | 3 }), true, (46 << 2) | 3],
    ['45', of(plain, { trafficClass: 45 << 2 }), false, 45 << 2],
    ['47', of(plain, { trafficClass: 47 << 2 }), false, 47 << 2],
  ]),
  ...selects('flow label 0x10-0x1f', { flowLabel: range(0x10, 0x1f) }, [
    ['0xf', of(plain, { flowLabel: 0xf }), false],
    ['0x10', of(plain, { flowLabel: 0x10 }), true],
    ['0x1f', of(plain, { flowLabel: 0x1f }), true],
    ['0xf001f', of(plain, { flowLabel: 0xf001f }), false],
  ]),
  ...selects('SPI 0x1000-0xffffffff', { spi: range(0x1000, 0xffff_ffff) }, [
    ['ESP', of((packet) => packet.esp({ spi: 0x1000 })), true],
    ['ESP, the last one', of((packet) => packet.esp({ spi: 0xffff_ffff })), true],
    ['ESP, too low', of((packet) => packet.esp({ spi: 0xfff })), false],
    ['AH', of((packet) => packet.authentication({ spi: 0x1000 }).udp()), true],
    ['AH in front of ESP', of((packet) => packet.authentication({ spi: 5 }).esp({ spi: 0x1000 })), false],
    ['neither', of(plain), false],
  ]),
  ...selects('SPI 0x1000-0xffffffff', { spi: range(0x1000, 0xffff_ffff) }, [
    [
      'ESP, a later fragment',
      of((packet) => packet.fragment({ offset: 9, id: UNKNOWN_PACKET, nextHeader: Next.ESP }).payload(8)),
      false,
    ],
  ]).map(alone),
  ...selects('ICMPv6 type 128', { icmpType: range(128) }, [
    ['128', of((packet) => packet.icmpv6({ type: 128 })), true],
    ['129', of((packet) => packet.icmpv6({ type: 129 })), false],
    ['UDP', of(plain), false],
  ]),
  ...selects('any ICMPv6 code', { icmpCode: range(0, 255) }, [
    ['255', of((packet) => packet.icmpv6({ type: 1, code: 255 })), true],
    ['UDP, which has none', of(plain), false],
  ]),
  ...selects('interface of the packet', { interface: ['lo'] }, [['it', of(plain), true]]),
  ...selects('interface that is not there', { interface: ['gone0'] }, [['another', of(plain), false]]),
  ...selects('list of protocols', { protocol: [...range(6), ...range(17, 50)] }, [
    ['TCP', of((packet) => packet.tcp()), true],
    ['UDP', of(plain), true],
    ['ESP', of((packet) => packet.esp()), true],
    ['ICMPv6', of((packet) => packet.icmpv6()), false],
  ]),
];

export const actionTables: PacketTable[] = [
  { title: 'action', role: 'MOBILE_ROUTER', rows: actions },
  { title: 'action at the home agent', role: 'HOME_AGENT', rows: agentActions },
  { title: 'newer selectors', role: 'MOBILE_ROUTER', rows: selectors },
];

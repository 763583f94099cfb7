// Which interfaces get XDP, and where it may send: the plan for links, drivers and settings of all kinds.
import test from 'ava';
import {
  planXdp,
  type XdpFacts,
  type XdpPlan,
  xdpAttachments,
  xdpPorts,
  xdpProblems,
} from '../../../src/careof/xdp.js';
import type { XdpConfig, XdpMode } from '../../../src/config/index.js';
import type { Attachment } from '../../../src/datapath/index.js';
import type { Chain } from '../../../src/netfilter/index.js';
import { ARPHRD, type Link } from '../../../src/netlink/index.js';
import { link as linkOf } from '../../support/kernel-objects.js';

const LAN = 2;
const UPLINK = 3;

const link = (ifindex: number, name: string, change: Partial<Link> = {}): Link =>
  linkOf(ifindex, name, { kind: undefined, ...change });

function attachment(role: Attachment['role'], ifindex: number, name: string, program: string): Attachment {
  return { role, ifindex, interface: name, direction: 'ingress', program };
}

const ATTACHED = [
  attachment('home', 9, 'coax0', 'coax_home'),
  attachment('ingress', LAN, 'lan', 'coax_ingress'),
  attachment('uplink', UPLINK, 'up', 'coax_uplink'),
];
const LINKS = [link(LAN, 'lan'), link(UPLINK, 'up'), link(9, 'coax0')];
const ABLE = { native: true, transmits: true };

/** Two cards whose drivers do all of it, with plain queues. */
const CARDS: XdpFacts = {
  features: new Map([
    [LAN, ABLE],
    [UPLINK, ABLE],
  ]),
  qdiscs: new Map([[UPLINK, ['mq', 'pfifo_fast', 'pfifo_fast']]]),
  watched: new Set(),
  foreign: new Map(),
  firewall: [],
};

function config(mode: XdpMode, interfaces: Readonly<Record<string, XdpMode>> = {}): XdpConfig {
  return {
    mode,
    interfaces: Object.entries(interfaces).map(([name, one]) => ({ interface: name, mode: one })),
  };
}

interface World {
  readonly config?: XdpConfig;
  readonly facts?: Partial<XdpFacts>;
  readonly links?: readonly Link[];
  readonly attached?: readonly Attachment[];
}

function plan({
  config: given = config('auto'),
  facts = {},
  links = LINKS,
  attached = ATTACHED,
}: World = {}) {
  const plans = planXdp(given, attached, links, { ...CARDS, ...facts });
  const of = (ifindex: number): XdpPlan => {
    const found = plans.find((one) => one.ifindex === ifindex);
    if (!found) throw new Error(`no plan for ${ifindex}`);
    return found;
  };
  return { plans, lan: of(LAN), up: of(UPLINK), problems: xdpProblems(given, plans) };
}

test('auto takes XDP where drivers do it and queues are plain', (t) => {
  const { plans, lan, up, problems } = plan();
  t.is(plans.length, 2, 'the home interface is none of them');
  t.like(lan, { mode: 'native', transmits: true, program: 'coax_ingress' });
  t.like(up, { mode: 'native', transmits: true, program: 'coax_uplink' });
  t.deepEqual(problems, []);
  t.deepEqual(
    xdpAttachments(plans).map(({ ifindex, mode }) => [ifindex, mode]),
    [
      [LAN, 'native'],
      [UPLINK, 'native'],
    ],
  );
  t.deepEqual(
    xdpPorts(plans, LINKS).map(({ ifindex, mac, transmits }) => [ifindex, mac.toString(), transmits]),
    [
      [LAN, '02:00:00:00:00:02', true],
      [UPLINK, '02:00:00:00:00:03', true],
    ],
  );
});

const LEFT_TO_TC: readonly [what: string, world: World, why: RegExp][] = [
  ['off', { config: config('off') }, /^set by the configuration$/],
  ['a kernel that does not tell', { facts: { features: undefined } }, /^auto, the kernel does not tell/],
  [
    'a driver without XDP',
    { facts: { features: new Map([[UPLINK, ABLE]]) } },
    /^auto, its driver does not run XDP programs$/,
  ],
  [
    'a veth, whose other end would lose segmentation offload',
    { links: [link(LAN, 'lan', { kind: 'veth' }), ...LINKS.slice(1)] },
    /^auto, its other end would lose segmentation offload$/,
  ],
  [
    'a link without Ethernet headers',
    { links: [link(LAN, 'lan', { type: ARPHRD.NONE, mac: undefined }), ...LINKS.slice(1)] },
    /^its packets have no Ethernet header$/,
  ],
  [
    'a link with a VLAN, even when it is asked for',
    { config: config('native'), links: [...LINKS, link(5, 'lan.7', { kind: 'vlan', link: LAN })] },
    /^packets of its VLAN lan\.7 would be taken for its own$/,
  ],
  [
    'a program of somebody else',
    { config: config('native'), facts: { foreign: new Map([[LAN, 77]]) } },
    /^the XDP program 77 of somebody else is there$/,
  ],
  [
    'an interface that is both',
    { attached: [...ATTACHED, attachment('uplink', LAN, 'lan', 'coax_uplink')] },
    /^it is ingress interface and uplink at once$/,
  ],
  [
    'packets that only TC looks at',
    { attached: [attachment('ingress', LAN, 'lan', 'coax_bypass'), ATTACHED[2] as Attachment] },
    /^its packets are looked at by TC alone$/,
  ],
  [
    'no uplink that takes frames',
    { facts: { qdiscs: new Map([[UPLINK, ['fq_codel']]]) } },
    /^auto, no interface that it could send to \(up: packets would not wait in its queue \(fq_codel\)\)$/,
  ],
];

for (const [what, world, why] of LEFT_TO_TC) {
  test(`TC alone: ${what}`, (t) => {
    const { lan } = plan(world);
    t.is(lan.mode, 'off');
    t.regex(lan.why, why);
  });
}

const NOT_SENT_TO: readonly [what: string, world: World, why: RegExp][] = [
  ['off', { config: config('auto', { up: 'off' }) }, /^set by the configuration$/],
  [
    'a driver that takes none',
    {
      config: config('native'),
      facts: { features: new Map([[UPLINK, { native: true, transmits: false }]]) },
    },
    /^its driver takes no packets from XDP now$/,
  ],
  ['a queue that shapes', { facts: { qdiscs: new Map([[UPLINK, ['tbf']]]) } }, /wait in its queue \(tbf\)$/],
  [
    'one of several queues that manages itself',
    { facts: { qdiscs: new Map([[UPLINK, ['mq', 'pfifo_fast', 'fq_codel']]]) } },
    /wait in its queue \(fq_codel\)$/,
  ],
  [
    'programs of others behind the queue',
    { facts: { watched: new Set([UPLINK]) } },
    /^programs or filters of others look at what leaves$/,
  ],
  ['a chain of netfilter there', { facts: { firewall: [leaving(['up'])] } }, /^a chain of netfilter looks/],
  [
    'a chain of netfilter somewhere',
    { facts: { firewall: [leaving(undefined)] } },
    /^a chain of netfilter looks/,
  ],
  ['rules that nobody can read', { facts: { firewall: new Error('no nft') } }, /could not be read: no nft$/],
];

/** A chain with one rule at the egress hook of devices. */
function leaving(devices: readonly string[] | undefined): Chain {
  const rule = { handle: 1, text: 'counter', interfaces: [], calls: [], touches: [] };
  const hook = { name: 'egress', policy: 'accept', devices } as const;
  return { family: 'netdev', table: 'leaving', name: 'out', hook, rules: [rule] };
}

test('chains of netfilter elsewhere, without rules or that only see what arrives change nothing', (t) => {
  const arriving = {
    ...leaving(['up']),
    hook: { name: 'ingress', policy: 'accept', devices: ['up'] },
  } as const;
  const { up } = plan({
    facts: { firewall: [leaving(['lan']), { ...leaving(['up']), rules: [] }, arriving] },
  });
  t.true(up.transmits);
});

for (const [what, world, why] of NOT_SENT_TO) {
  test(`not sent to: ${what}`, (t) => {
    const { up } = plan(world);
    t.false(up.transmits);
    t.regex(up.whyTransmits, why);
  });
}

test('a clsact hook without filters is no queue', (t) => {
  t.true(plan({ facts: { qdiscs: new Map([[UPLINK, ['noqueue', 'clsact']]]) } }).up.transmits);
});

test('what is asked for is done where answers stay right: veth, queues, kernels that do not tell', (t) => {
  const links = [link(LAN, 'lan', { kind: 'veth' }), link(UPLINK, 'up', { kind: 'veth' })];
  const facts = { features: undefined, qdiscs: new Map([[UPLINK, ['fq_codel']]]) };
  const { lan, up, problems } = plan({ config: config('native'), links, facts });
  t.like(lan, { mode: 'native', why: 'set by the configuration', transmits: true });
  t.like(up, { mode: 'native', transmits: true });
  t.deepEqual(problems, []);
});

test('one interface alone', (t) => {
  const { lan, up } = plan({ config: config('off', { lan: 'generic', up: 'auto' }) });
  t.is(lan.mode, 'generic');
  t.is(up.mode, 'native', 'it can send to the other one');
});

test('a setting that cannot be followed is a problem, auto never is', (t) => {
  const foreign = new Map([[LAN, 77]]);
  t.deepEqual(plan({ facts: { foreign } }).problems, []);
  t.deepEqual(plan({ config: config('native'), facts: { foreign } }).problems, [
    { code: 'XDP_REFUSED', message: 'no XDP on lan: the XDP program 77 of somebody else is there' },
  ]);
});

test('without a program XDP need know nothing of interfaces', (t) => {
  t.deepEqual(xdpPorts(plan({ config: config('off') }).plans, LINKS), []);
});

test('a home agent sends out of the interface that a packet came in by', (t) => {
  const attached = [attachment('transit', LAN, 'lan', 'coax_transit')];
  const [only] = planXdp(config('auto'), attached, LINKS, CARDS);
  t.like(only, { mode: 'native', transmits: true });
});

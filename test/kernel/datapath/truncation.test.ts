/** Every chain of headers, cut at every byte: a named verdict each, and nothing cut is ever sent. */
import test from 'ava';
import { Next, type Packet } from '../../support/packet.js';
import { describePacket } from '../../support/packet-text.js';
import { type ProgramName, TestDatapath, type World } from './test-datapath.js';
import {
  agentWorld,
  down,
  HOME_ADDRESS,
  LAN_HOST,
  mobileWorld,
  OTHER_HOST,
  outerDown,
  outerUp,
  up,
} from './worlds.js';

const LINK = 14;
const IPV6 = 40;

const HEADERS: Readonly<Record<string, (packet: Packet) => Packet>> = {
  'hop-by-hop': (packet) => packet.hopByHop({ size: 16 }),
  routing: (packet) => packet.routing({ size: 24 }),
  'destination options': (packet) => packet.destinationOptions(),
  fragment: (packet) => packet.fragment({ more: true }),
  authentication: (packet) => packet.authentication(),
};

const ENDS: Readonly<Record<string, (packet: Packet) => Packet>> = {
  UDP: (packet) => packet.udp().payload(5),
  TCP: (packet) => packet.tcp({ options: 12 }).payload(5),
  ICMPv6: (packet) => packet.icmpv6().payload(5),
  ESP: (packet) => packet.esp().payload(5),
  SCTP: (packet) => packet.ports(Next.SCTP).payload(5),
  tunnel: (packet) => packet.ipv6({ source: '2001:db8:e::1', destination: '2001:db8:e::2' }).udp(),
};

function permutations<T>(items: readonly T[]): T[][] {
  return items.length === 0
    ? [[]]
    : items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

/** Sends a packet cut at every byte; answers the cuts that were sent on, and how many packets were counted. */
function sweep(
  datapath: TestDatapath,
  program: ProgramName,
  whole: Uint8Array,
): { sent: number[]; counted: number } {
  const { result, verdicts } = datapath.counting(() => {
    const sent: number[] = [];
    // Test-run itself refuses an IPv6 frame without a whole fixed header.
    for (let size = LINK + IPV6; size < whole.length; size++) {
      if (datapath.send(program, whole.subarray(0, size)).action === 'redirect') {
        sent.push(size);
      }
    }
    return sent;
  });
  return { sent: result, counted: verdicts.reduce((sum, verdict) => sum + verdict.packets, 0) };
}

interface Case {
  title: string;
  role: 'MOBILE_ROUTER' | 'HOME_AGENT';
  world: World;
  program: ProgramName;
  /** The packet with a chain of headers in the place that the case is about. */
  build: (chain: (packet: Packet) => Packet, end: (packet: Packet) => Packet) => Packet;
  /** Chains that this place does not take whole: fragments and AH in front of a tunnelled packet. */
  refuses?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    title: 'ingress',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    program: 'coax_ingress',
    build: (chain, end) => end(chain(up())),
  },
  {
    title: 'home interface',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    program: 'coax_home',
    build: (chain, end) => end(chain(up({ source: HOME_ADDRESS }))),
  },
  {
    title: 'outer headers at an uplink',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    program: 'coax_uplink',
    build: (chain, end) => chain(outerDown('A', { flowLabel: 1 })).carrying(end(down())),
    refuses: ['fragment', 'authentication'],
  },
  {
    title: 'inner headers at an uplink',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    program: 'coax_uplink',
    build: (chain, end) =>
      outerDown('A', { flowLabel: 1 }).carrying(end(chain(down({ destination: LAN_HOST })))),
  },
  {
    title: 'inner headers from tunnel to tunnel',
    role: 'HOME_AGENT',
    world: agentWorld(),
    program: 'coax_transit',
    build: (chain, end) =>
      outerUp('A', { flowLabel: 1 }).carrying(end(chain(up({ destination: OTHER_HOST })))),
  },
  {
    title: 'home agent, into a tunnel',
    role: 'HOME_AGENT',
    world: agentWorld(),
    program: 'coax_transit',
    build: (chain, end) => end(chain(down())),
  },
];

const loaded = new Map<Case['role'], TestDatapath>();

test.before(async () => {
  for (const role of ['MOBILE_ROUTER', 'HOME_AGENT'] as const) {
    loaded.set(role, await TestDatapath.load(role));
  }
});

test.after.always(() => {
  for (const datapath of loaded.values()) {
    datapath.close();
  }
});

for (const { title, role, world, program, build, refuses = [] } of CASES) {
  test.serial(`${title}: every header and every end, cut at every byte`, async (t) => {
    const datapath = loaded.get(role) as TestDatapath;
    await datapath.become(world);
    const none = (packet: Packet): Packet => packet;
    for (const [header, chain] of [['no header', none] as const, ...Object.entries(HEADERS)]) {
      for (const [name, end] of Object.entries(ENDS)) {
        const whole = build(chain, end).onEthernet().bytes();
        const text = `${header}, ${name}\n${describePacket(whole).join('\n')}`;
        const expected = refuses.includes(header) ? 'pass' : 'redirect';
        t.is(datapath.send(program, whole).action, expected, `whole: ${text}`);
        const { sent, counted } = sweep(datapath, program, whole);
        t.deepEqual(sent, [], `sent although cut there: ${text}`);
        t.is(counted, whole.length - LINK - IPV6, `one verdict for each packet: ${text}`);
      }
    }
  });

  test.serial(`${title}: all headers in every order, cut at every byte`, async (t) => {
    const datapath = loaded.get(role) as TestDatapath;
    await datapath.become(world);
    const names = Object.keys(HEADERS).filter((name) => !refuses.includes(name));
    for (const order of permutations(names)) {
      const chain = (packet: Packet): Packet =>
        order.reduce((front, name) => HEADERS[name]?.(front) ?? front, packet);
      const whole = build(chain, (packet) => packet.udp().payload(5))
        .onEthernet()
        .bytes();
      t.is(datapath.send(program, whole).action, 'redirect', `whole: ${order.join(', ')}`);
      const { sent, counted } = sweep(datapath, program, whole);
      t.deepEqual(sent, [], `sent although cut there: ${order.join(', ')}`);
      t.is(counted, whole.length - LINK - IPV6, order.join(', '));
    }
  });
}

test.serial('a chain that stops where the fixed header says the packet ends is never sent', async (t) => {
  const datapath = loaded.get('MOBILE_ROUTER') as TestDatapath;
  await datapath.become(mobileWorld());
  for (const order of permutations(Object.keys(HEADERS))) {
    const packet = order.reduce((front, name) => HEADERS[name]?.(front) ?? front, up());
    const whole = packet.udp().payload(5).onEthernet().bytes();
    const ports = whole.length - 5 - 8 + 4;
    for (let size = LINK + IPV6; size < ports; size++) {
      const cut = Buffer.from(whole.subarray(0, size));
      cut.writeUInt16BE(size - LINK - IPV6, LINK + 4);
      for (const padding of [0, 40]) {
        const { action } = datapath.send(
          'coax_ingress',
          Buffer.concat([cut, whole.subarray(size, size + padding)]),
        );
        t.is(action, 'drop', `${order.join(', ')} ending at ${size} with ${padding} bytes behind`);
      }
    }
  }
});

/**
 * Interfaces without a link header, end to end: a tun device as uplink (`tun0`) and one towards the mobile
 * network (`lan1`), beside the lab's Ethernet ones.
 *
 *    eth0      lan0     wa          mr0
 *   lan ------------ mr --------------- ra -- core -- ha -- cn
 *    eth1      lan1     tun0        mrt
 *       :3::/64            :c::/64
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { homeAgent, mobileRouter, PATIENCE, type Site, toPort, withSite } from '../../support/site.js';
import { type CablePacket, TunCable } from './tun-cable.js';

const CARE_OF_TUN = '2001:db8:c::2';
const ACCESS_TUN = '2001:db8:c::1';
/** The LAN node behind the tun device. */
const LAN_TUN = '2001:db8:3::2';
const PREFIX_TUN = '2001:db8:3::/64';
const BID = { ethernet: 1, tun: 3 } as const;
/** Ports by the uplink that carries them. */
const PORT = { ethernet: 5110, tun: 5310 } as const;
const TCP_PORT = 5350;

const policies = (side: 'source-port' | 'destination-port'): object[] => [
  { fid: 1, name: 'to-ethernet', match: { protocol: 'udp', [side]: '5100-5199' }, use: ['a'] },
  { fid: 2, name: 'to-tun', match: { protocol: 'udp', [side]: '5300-5399' }, use: ['c'] },
  { fid: 3, name: 'bulk', match: { protocol: 'tcp' }, use: ['c'] },
];

function mobileRouterConfig(): DaemonConfig {
  return mobileRouter({
    home: {
      agent: addresses.homeAgent,
      address: addresses.home,
      prefixes: [prefixes.mobile, PREFIX_TUN],
    },
    ingress: [{ interface: 'lan0' }, { interface: 'lan1' }],
    bindings: [
      { bid: BID.ethernet, name: 'a', priority: 10, interface: 'wa' },
      { bid: BID.tun, name: 'c', priority: 20, interface: 'tun0' },
    ],
    policies: policies('destination-port'),
  });
}

function homeAgentConfig(): DaemonConfig {
  return homeAgent(1, {
    routers: [
      {
        name: 'mr1',
        address: addresses.home,
        prefixes: [prefixes.mobile, PREFIX_TUN],
        bindings: [
          { bid: BID.ethernet, name: 'a', 'care-of': addresses.careOfA, priority: 10 },
          { bid: BID.tun, name: 'c', 'care-of': CARE_OF_TUN, priority: 20 },
        ],
        policies: policies('source-port'),
      },
    ],
  });
}

interface Cables extends AsyncDisposable {
  uplink: TunCable;
  lan: TunCable;
}

/** Lays both cables and gives their ends addresses and routes. */
async function layCables(site: Site): Promise<Cables> {
  const [lan, mr, ra, core] = (['lan', 'mr', 'ra', 'core'] as const).map((name) => site.node(name));
  if (!lan || !mr || !ra || !core) {
    throw new Error('the lab lacks a node');
  }
  const uplink = await TunCable.lay({ node: mr, interface: 'tun0' }, { node: ra, interface: 'mrt' });
  const inner = await TunCable.lay({ node: lan, interface: 'eth1' }, { node: mr, interface: 'lan1' });
  await mr.batch([
    `address add ${CARE_OF_TUN}/64 dev tun0 nodad`,
    'address add 2001:db8:3::1/64 dev lan1 nodad',
    'link set tun0 up',
    'link set lan1 up',
    'route add ::/0 dev tun0 metric 1026',
  ]);
  await ra.batch([`address add ${ACCESS_TUN}/64 dev mrt nodad`, 'link set mrt up']);
  await lan.batch([
    `address add ${LAN_TUN}/64 dev eth1 nodad`,
    'link set eth1 up',
    'route add ::/0 dev eth1 table 100',
  ]);
  await lan.ip(`-6 rule add from ${PREFIX_TUN} lookup 100`);
  await core.batch([
    'route add 2001:db8:c::/64 via 2001:db8:fa::2 dev ra0',
    `route add ${PREFIX_TUN} via ${addresses.homeAgent} dev ha0`,
  ]);
  return {
    uplink,
    lan: inner,
    async [Symbol.asyncDispose]() {
      await uplink[Symbol.asyncDispose]();
      await inner[Symbol.asyncDispose]();
    },
  };
}

/** A lab with both cables and both daemons, the bindings usable. */
async function withTun(
  t: ExecutionContext,
  body: (site: Site, cables: Cables) => Promise<void>,
  before: (site: Site) => Promise<unknown> = async () => undefined,
): Promise<void> {
  await withSite(t, { mr: null, ha: homeAgentConfig() }, async (site) => {
    await using cables = await layCables(site);
    await before(site);
    await site.start('mr', mobileRouterConfig());
    for (const bid of Object.values(BID)) {
      await site.state(bid, 'usable');
    }
    await body(site, cables);
  });
}

async function macKnown(site: Site): Promise<void> {
  await until(async () => (await site.bindings()).find(({ bid }) => bid === BID.ethernet)?.nextHopMac, {
    what: 'the MAC of the Ethernet uplink',
    timeout: PATIENCE,
  });
}

/** Outward on the uplink cable: the tunnelled datagram to a port. */
const outwardTo =
  (port: number) =>
  ({ outward, parsed }: CablePacket): boolean =>
    outward && parsed?.transport?.destinationPort === port;

test.serial('Ethernet in, tun out and back: no link header out there, the right one at home', async (t) => {
  await withTun(t, async (site, { uplink }) => {
    const [lan, mr] = [site.node('lan'), site.node('mr')];
    const sink = await Sink.start(site.node('cn'), { ports: [PORT.tun], echo: true });
    const capture = await site.capture('lan', 'eth0');
    const from = uplink.position;
    const stream = await Stream.start(lan, {
      to: addresses.correspondent,
      port: PORT.tun,
      count: 20,
      rate: 200,
    });
    await stream.sent();
    await sink.received(20);

    const { parsed, bytes } = await uplink.packet('a datagram on the cable', from, outwardTo(PORT.tun));
    t.is(parsed?.outer.source, CARE_OF_TUN);
    t.is(parsed?.outer.destination, addresses.homeAgent);
    t.is(parsed?.outer.hopLimit, 64);
    t.is(parsed?.inner?.source, addresses.lan);
    t.is(parsed?.inner?.hopLimit, 63);
    t.is(bytes.length, 40 + (parsed?.outer.payloadLength ?? 0), 'nothing in front and nothing behind');

    const back = await capture.waitFor(toPort(stream.sourcePort, PORT.tun), { timeout: PATIENCE });
    t.is(back.ethernet.source, (await mr.link('lan0')).mac);
    t.is(back.ethernet.destination, (await lan.link('eth0')).mac);
    t.is(back.outer.source, addresses.correspondent);
    await until(async () => (await stream.echoes()).received === 20, {
      what: 'all echoes',
      timeout: PATIENCE,
    });
    t.true((await site.reason('decapsulated')) > 0, 'the neighbour was reached without the stack');
    await stream.end();
    await sink.end();
  });
});

test.serial('tun in, Ethernet out and back: the right link header out there, none at home', async (t) => {
  await withTun(t, async (site, { lan: cable }) => {
    await macKnown(site);
    const sink = await Sink.start(site.node('cn'), { ports: [PORT.ethernet], echo: true });
    const capture = await site.capture('ra', 'mr0');
    const encapsulated = await site.reason('encapsulated');
    const from = cable.position;
    const stream = await Stream.start(site.node('lan'), {
      to: addresses.correspondent,
      port: PORT.ethernet,
      source: LAN_TUN,
      count: 20,
      rate: 200,
    });
    await stream.sent();
    await sink.received(20);
    const sent = await capture.waitFor(toPort(PORT.ethernet), { timeout: PATIENCE });
    t.is(sent.ethernet.source, (await site.node('mr').link('wa')).mac);
    t.is(sent.ethernet.destination, (await site.node('ra').link('mr0')).mac);
    t.is(sent.outer.source, addresses.careOfA);
    t.is(sent.inner?.source, LAN_TUN);
    t.is(sent.inner?.hopLimit, 63);
    t.true((await site.reason('encapsulated')) - encapsulated >= 20, 'the stack was not asked');

    const back = await cable.packet(
      'an echo on the cable',
      from,
      ({ outward, parsed }) => !outward && parsed?.transport?.sourcePort === PORT.ethernet,
    );
    t.is(back.parsed?.outer.source, addresses.correspondent);
    t.is(back.parsed?.outer.destination, LAN_TUN);
    t.is(back.parsed?.inner, undefined);
    await until(async () => (await stream.echoes()).received === 20, {
      what: 'all echoes',
      timeout: PATIENCE,
    });
    await stream.end();
    await sink.end();
  });
});

test.serial('tun in, tun out and back', async (t) => {
  await withTun(t, async (site, { uplink }) => {
    const sink = await Sink.start(site.node('cn'), { ports: [PORT.tun], echo: true });
    const from = uplink.position;
    const stream = await Stream.start(site.node('lan'), {
      to: addresses.correspondent,
      port: PORT.tun,
      source: LAN_TUN,
      count: 20,
      rate: 200,
    });
    await stream.sent();
    const { parsed } = await uplink.packet('a datagram on the cable', from, outwardTo(PORT.tun));
    t.is(parsed?.outer.source, CARE_OF_TUN);
    t.is(parsed?.inner?.source, LAN_TUN);
    await until(async () => (await stream.echoes()).received === 20, {
      what: 'all echoes',
      timeout: PATIENCE,
    });
    await stream.end();
    await sink.end();
  });
});

test.serial("the router's own traffic leaves by tun and comes back to its sockets", async (t) => {
  await withTun(t, async (site, { uplink }) => {
    const sink = await Sink.start(site.node('cn'), { ports: [PORT.tun], echo: true });
    const from = uplink.position;
    const stream = await Stream.start(site.node('mr'), {
      to: addresses.correspondent,
      port: PORT.tun,
      source: addresses.home,
      count: 20,
      rate: 200,
    });
    await stream.sent();
    const { parsed } = await uplink.packet('a datagram on the cable', from, outwardTo(PORT.tun));
    t.is(parsed?.outer.source, CARE_OF_TUN);
    t.is(parsed?.inner?.source, addresses.home);
    t.is(parsed?.inner?.hopLimit, 64, 'nobody forwarded it');
    await until(async () => (await stream.echoes()).received === 20, {
      what: 'all echoes',
      timeout: PATIENCE,
    });
    t.true((await site.reason('to-stack-decapsulated')) >= 20);
    await stream.end();
    await sink.end();
  });
});

test.serial('tun in, a next hop that is not resolved yet: the packet waits for it', async (t) => {
  const silence = 'add rule ip6 quiet in iifname "mr0" icmpv6 type nd-neighbor-solicit drop';
  await withTun(
    t,
    async (site) => {
      const capture = await site.capture('ra', 'mr0');
      const stream = await Stream.start(site.node('lan'), {
        to: addresses.correspondent,
        port: PORT.ethernet,
        source: LAN_TUN,
        count: 1,
      });
      await until(async () => (await site.reason('next-hop-unresolved')) === 1, {
        what: 'the packet to be given to the kernel',
        timeout: PATIENCE,
      });
      await site.node('ra').nft('delete table ip6 quiet');
      const sent = await capture.waitFor(toPort(PORT.ethernet), { timeout: PATIENCE });
      t.is(sent.ethernet.source, (await site.node('mr').link('wa')).mac);
      t.is(sent.ethernet.destination, (await site.node('ra').link('mr0')).mac);
      t.is(sent.outer.source, addresses.careOfA);
      await stream.end();
    },
    async (site) => {
      await site
        .node('ra')
        .nft(`table ip6 quiet { chain in { type filter hook input priority 0; }; }\n${silence}`);
      await site.node('mr').ip('-6 neigh flush dev wa');
    },
  );
});

/** Where the stream is seen before it is tunnelled: still in pieces that no link would take. */
const BULK = {
  up: { sender: 'lan', receiver: 'cn', to: addresses.correspondent, before: ['mr', 'lan0'], counted: 'sent' },
  down: { sender: 'cn', receiver: 'lan', to: addresses.lan, before: ['ha', 'cn0'], counted: 'received' },
} as const;

for (const direction of ['up', 'down'] as const) {
  test.serial(`a TCP stream ${direction} by tun arrives whole: what is offloaded is cut right`, async (t) => {
    const { sender, receiver, to, before, counted } = BULK[direction];
    await withTun(t, async (site) => {
      const source = join(site.lab.directory, 'sent');
      const target = join(site.lab.directory, 'received');
      const content = Buffer.alloc(4 << 20, 'every byte counts, ');
      await writeFile(source, content);
      const capture = await site.capture(before[0], before[1], 'ip6 and greater 2000');
      const listener = site
        .node(receiver)
        .spawn('socat', ['-u', `TCP6-LISTEN:${TCP_PORT}`, `CREATE:${target}`], { stdio: 'ignore' });
      await until(
        async () => (await site.node(receiver).exec('ss', ['-Hltn', `sport = ${TCP_PORT}`])).stdout !== '',
        { what: 'the listener' },
      );
      await site.node(sender).exec('socat', ['-u', `OPEN:${source}`, `TCP6:[${to}]:${TCP_PORT}`]);
      await listener.exited;
      t.is(Buffer.compare(await readFile(target), content), 0);
      const { captured } = await capture.stop();
      t.true(captured > 0, 'offloaded packets were among them');
      const view = (await site.bindings()).find(({ bid }) => bid === BID.tun);
      t.true((view?.[counted].bytes ?? 0) > content.length, 'the stream took the tun device');
    });
  });
}

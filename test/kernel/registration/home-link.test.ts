// A mobile router that is at home and abroad at the same time (RFC 5648 sections 5.6 and 6.3).
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { PATIENCE, type Site, toPort } from '../../support/site.js';
import { withRegistration } from './registration-site.js';

const AT_HOME = 3;
const BY_HOME = 5110;
const BY_B = 5210;
const to = (ports: string): object => ({ protocol: 'udp', 'destination-port': ports });

/** UDP to 5100-5199 goes by the home link, to 5200-5299 by uplink B, all else by uplink A. */
const router = {
  home: { agent: addresses.homeLinkAgent, address: addresses.home, prefixes: [prefixes.mobile] },
  bindings: [
    { bid: 1, name: 'a', priority: 10, interface: 'wa' },
    { bid: 2, name: 'b', priority: 20, interface: 'wb' },
    { bid: AT_HOME, name: 'home', priority: 30, interface: 'wh', tunnel: 'home' },
  ],
  policies: [
    { fid: 1, name: 'by-home', match: to('5100-5199'), use: ['home', 'b'] },
    { fid: 2, name: 'by-b', match: to('5200-5299'), use: ['b', 'home'] },
  ],
};
const agent = {
  home: { agent: addresses.homeLinkAgent, link: 'home0' },
  interfaces: ['core0', 'cn0', 'home0'],
};
const options = { homeLink: true, mr: router, ha: agent } as const;

/** All three bindings at both ends, and the flows of both policies. */
async function registered(site: Site): Promise<void> {
  for (const daemon of [site.mr, site.ha]) {
    await site.state(1, 'usable', { daemon, careOf: addresses.careOfA });
    await site.state(2, 'usable', { daemon, careOf: addresses.careOfB });
    await site.state(AT_HOME, 'usable', { daemon, careOf: addresses.home });
  }
  await until(async () => (await site.policies(site.ha)).length === 4, {
    what: 'the flows of both policies at the home agent',
    timeout: PATIENCE,
  });
}

/** One flow in each direction that policies treat the same. */
class Flow {
  readonly port: number;
  readonly #streams: readonly [Stream, Stream];
  readonly #sinks: readonly [Sink, Sink];

  private constructor(port: number, streams: readonly [Stream, Stream], sinks: readonly [Sink, Sink]) {
    this.port = port;
    this.#streams = streams;
    this.#sinks = sinks;
  }

  static async start(site: Site, port: number): Promise<Flow> {
    const down = port + 1000;
    const sinks = await Promise.all([
      Sink.start(site.node('cn'), { ports: [port] }),
      Sink.start(site.node('lan'), { ports: [down] }),
    ]);
    const streams = await Promise.all([
      Stream.start(site.node('lan'), { to: addresses.correspondent, port, rate: 500 }),
      Stream.start(site.node('cn'), { to: addresses.lan, port: down, sourcePort: port + 10, rate: 500 }),
    ]);
    const flow = new Flow(port, streams, sinks);
    await flow.more();
    return flow;
  }

  async more(count = 100): Promise<void> {
    await Promise.all(
      this.#sinks.map(async (sink) => {
        const { received } = await sink.report();
        await sink.received(received + count, undefined, PATIENCE);
      }),
    );
  }

  /** Stops; how many were lost upwards and downwards. */
  async lost(): Promise<number[]> {
    const lost = [];
    for (const [at, stream] of this.#streams.entries()) {
      const { sent } = await stream.stop();
      const sink = this.#sinks[at] as Sink;
      const { received } = await sink.received(sent, undefined, 3_000).catch(() => sink.report());
      lost.push(sent - received);
      await stream.end();
      await sink.end();
    }
    return lost;
  }

  /** Its packets, upwards and downwards. */
  get packets(): { up: (packet: CapturedPacket) => boolean; down: (packet: CapturedPacket) => boolean } {
    return { up: toPort(this.port), down: toPort(this.port + 1000) };
  }
}

test.serial('policies split traffic between home link and uplink, in both directions', async (t) => {
  await withRegistration(t, options, async (site) => {
    await registered(site);
    const [wh, wa, wb] = await Promise.all([
      site.capture('hl', 'mr0'),
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
    ]);
    const [home, abroad] = [await Flow.start(site, BY_HOME), await Flow.start(site, BY_B)];
    // Either end comes back with what there is: addresses in use, and what was written down.
    for (const daemon of [site.mr, site.ha]) {
      await daemon.restart();
      await registered(site);
      await Promise.all([home.more(), abroad.more()]);
    }
    t.deepEqual([...(await home.lost()), ...(await abroad.lost())], [0, 0, 0, 0]);
    await Promise.all([wh.flush(), wa.flush(), wb.flush()]);
    for (const direction of ['up', 'down'] as const) {
      const byHome = wh.packets(home.packets[direction]);
      t.true(byHome.length > 100);
      t.deepEqual(new Set(byHome.map(({ tunnel }) => tunnel)), new Set([undefined]), 'as they are');
      const byB = wb.packets(abroad.packets[direction]);
      t.true(byB.length > 100);
      t.deepEqual(new Set(byB.map(({ tunnel }) => tunnel?.kind)), new Set(['ipv6']));
      const elsewhere = [
        ...wh.packets(abroad.packets[direction]),
        ...wb.packets(home.packets[direction]),
        ...wa.packets(home.packets[direction]),
        ...wa.packets(abroad.packets[direction]),
      ];
      t.is(elsewhere.length, 0);
    }
    const hops = (packets: CapturedPacket[]) => new Set(packets.map(({ outer }) => outer.hopLimit));
    t.deepEqual(hops(wh.packets(home.packets.up)), new Set([63]), 'one hop, as by a tunnel');
  });
});

test.serial('leaving home and coming back under traffic', async (t) => {
  await withRegistration(t, options, async (site) => {
    await registered(site);
    const flow = await Flow.start(site, BY_HOME);
    const [wh, wb] = [await site.capture('hl', 'mr0'), await site.capture('rb', 'mr0')];
    // The policy's next binding has it, and the home agent is told by an uplink.
    await site.mr.coax(['binding', 'set', '--bid', String(AT_HOME), '--down']);
    await until(async () => (await site.bindings(site.ha)).every(({ bid }) => bid !== AT_HOME), {
      what: 'the home agent to have two bindings',
      timeout: PATIENCE,
    });
    await flow.more();
    await wb.waitFor(flow.packets.down, { timeout: PATIENCE });
    await wb.waitFor(flow.packets.up, { timeout: PATIENCE });
    await site.mr.coax(['binding', 'set', '--bid', String(AT_HOME), '--up']);
    await registered(site);
    await flow.more();
    t.deepEqual(await flow.lost(), [0, 0]);
    await Promise.all([wh.flush(), wb.flush()]);
    t.true(wh.packets(flow.packets.up).length > 0);
  });
});

test.serial('the home link goes: the uplinks carry everything, until it is back', async (t) => {
  await withRegistration(t, options, async (site) => {
    await registered(site);
    const flow = await Flow.start(site, BY_HOME);
    await site.node('mr').ip('link set wh down');
    await site.state(AT_HOME, 'down');
    await until(async () => (await site.bindings(site.ha)).every(({ bid }) => bid !== AT_HOME), {
      what: 'the home agent to have two bindings',
      timeout: PATIENCE,
    });
    const wb = await site.capture('rb', 'mr0');
    await wb.waitFor(flow.packets.up, { timeout: PATIENCE });
    await wb.waitFor(flow.packets.down, { timeout: PATIENCE });
    await site.node('mr').ip('link set wh up');
    await registered(site);
    const wh = await site.capture('hl', 'mr0');
    await wh.waitFor(flow.packets.up, { timeout: PATIENCE });
    await wh.waitFor(flow.packets.down, { timeout: PATIENCE });
    await flow.more();
    const [up, down] = await flow.lost();
    t.log(`${up} lost upwards, ${down} downwards, until the router knew and the home agent was told`);
  });
});

test.serial(
  'a host on the home link reaches the router by the home agent, whichever way policies choose',
  async (t) => {
    await withRegistration(t, options, async (site) => {
      await site.mr.restart();
      await registered(site);
      await site.node('ha').sysctl({ 'ipv6.conf.home0.proxy_ndp': 1 });
      const wa = await site.capture('ra', 'mr0');
      const host = site.node('hl');
      const mac = async (node: 'ha' | 'mr', name: string) => (await site.node(node).link(name)).mac;
      await host.exec('ping', ['-6', '-c', '3', '-i', '0.2', '-w', '10', addresses.home]);
      const learnt = await host.ip(`-6 neigh show ${addresses.home}`);
      t.true(learnt.includes(await mac('ha', 'home0')), learnt);
      await wa.flush();
      const echoes = wa.packets(({ inner }) => inner?.destination === addresses.home);
      t.true(echoes.length >= 3, 'by the default binding, in its tunnel');
    });
  },
);

test.serial(
  'without a home link at the home agent the binding is refused, and the others are there',
  async (t) => {
    const { link: _, ...home } = agent.home;
    await withRegistration(t, { ...options, ha: { ...agent, home } }, async (site) => {
      await site.mr.restart();
      await site.state(1, 'usable');
      await site.state(2, 'usable');
      await site.state(AT_HOME, 'registering');
      await until(
        async () =>
          (await site.bindings()).some(
            ({ bid, registration }) => bid === AT_HOME && registration?.state === 'refused',
          ),
        { what: 'the home binding to be refused', timeout: PATIENCE },
      );
      const view = (await site.bindings()).find(({ bid }) => bid === AT_HOME);
      t.regex(view?.registration?.status ?? '', /at home and abroad at once is prohibited/);
      t.is((await site.bindings(site.ha)).length, 2);
    });
  },
);

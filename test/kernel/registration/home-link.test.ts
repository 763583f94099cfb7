// A mobile router that is at home and abroad at the same time (RFC 5648 sections 5.6 and 6.3).
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { PATIENCE, type Site } from '../../support/site.js';
import { Flow } from './flow.js';
import { agentConfig, withRegistration } from './registration-site.js';

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

/** Whether a host of the home link gets an echo from the router's home address, having forgotten whom it asked before. */
async function answersHost(site: Site): Promise<boolean> {
  const host = site.node('hl');
  await host.ip('-6 neigh flush dev home0');
  const words = ['-6', '-n', '-c', '1', '-w', '3', addresses.home];
  return (await host.exec('ping', words, { mayFail: true })).exitCode === 0;
}

test.serial('away from home the home agent answers for the router as long as it is registered', async (t) => {
  const [a, b] = router.bindings;
  const away = { ...router, bindings: [a, b], policies: [] };
  const prepare = async (site: Site): Promise<void> => {
    await site.node('mr').ip('link set wh down');
    await site.node('ha').sysctl({ 'ipv6.conf.home0.proxy_ndp': 1 });
  };
  await withRegistration(t, { ...options, mr: away, prepare }, async (site, key) => {
    const [host, ha] = [site.node('hl'), site.node('ha')];
    const proxies = async (): Promise<string[]> =>
      (await ha.ip('-6 neigh show proxy')).split('\n').filter((line) => line !== '');
    const intercepted = async (): Promise<void> => {
      await until(async () => (await proxies()).length === 1, {
        ...{ what: 'the proxy entry', timeout: PATIENCE, interval: 50 },
      });
      t.true((await proxies())[0]?.startsWith(`${addresses.home} dev home0`));
      await until(() => answersHost(site), { what: 'an answer of the router', timeout: PATIENCE });
    };
    const ended = async (patience = PATIENCE): Promise<void> => {
      await until(async () => (await proxies()).length === 0, {
        ...{ what: 'the proxy entry to go', timeout: patience, interval: 50 },
      });
      t.is((await site.bindings(site.ha)).length, 0);
      t.false(await answersHost(site));
      t.notRegex(await host.ip(`-6 neigh show ${addresses.home}`), /lladdr/);
    };

    const ra = await site.capture('ra', 'mr0');
    await intercepted();
    const { mac } = await ha.link('home0');
    const learnt = await host.ip(`-6 neigh show ${addresses.home}`);
    t.true(learnt.includes(mac), learnt);
    await ra.flush();
    const echoes = ra.packets(({ inner }) => inner?.source === addresses.homeLinkHost);
    t.true(echoes.length > 0, 'through the tunnel of the default binding');
    for (const { outer, inner } of echoes) {
      t.deepEqual(
        [outer.source, outer.destination, inner?.destination],
        [addresses.homeLinkAgent, addresses.careOfA, addresses.home],
      );
    }

    await ha.ip(`-6 neigh del proxy ${addresses.home} dev home0`);
    await intercepted();

    for (const bid of [1, 2]) await site.state(bid, 'usable');
    await site.mr.coax(['deregister']);
    await ended();

    await site.mr.restart();
    await intercepted();
    // And a router that says nothing more.
    const lifetime = 20;
    await site.ha.reload(agentConfig(key, { ha: agent, agent: { lifetime: `${lifetime}s` } }));
    await site.mr.kill('SIGSTOP');
    await ended(1000 * lifetime + PATIENCE);
    await site.mr.kill('SIGCONT');
    await intercepted();
  });
});

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

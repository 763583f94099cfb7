// The home agent: registrations by hand, several routers, and what happens without a usable binding.
import test from 'ava';
import { innermost, Protocol } from '../../../lab/packet.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, homeAgent, PATIENCE, toPort, withSite } from '../../support/site.js';

const inSite = sharedSite();

const HA = addresses.homeAgent;

test.serial('without a usable binding everybody is told, and nothing leaves by another way', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const [cn, lan, ra, rb] = await Promise.all([
      site.capture('cn', 'eth0'),
      site.capture('lan', 'eth0'),
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
    ]);
    for (const bid of ['1', '2']) {
      await site.ha.coax(['binding', 'set', '--bid', bid, '--down']);
      await site.mr.coax(['binding', 'set', '--bid', bid, '--down']);
      await site.state(Number(bid), 'disabled', { daemon: site.ha });
      await site.state(Number(bid), 'disabled', { daemon: site.mr });
    }
    const unreachable = ({ transport }: { transport?: { protocol: number; icmpType?: number } }): boolean =>
      transport?.protocol === Protocol.ICMPV6 && transport.icmpType === 1;
    const from = [ra.position, rb.position];
    await Stream.send(site.node('cn'), { to: addresses.lan, port: 6002, count: 1 });
    const answer = await cn.waitFor(unreachable, { timeout: PATIENCE });
    t.is(answer.outer.destination, addresses.correspondent);
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5101, count: 1 });
    const told = await lan.waitFor(unreachable, { timeout: PATIENCE });
    t.is(told.outer.destination, addresses.lan);
    // The mobile router's own traffic has no other way either.
    const own = await site
      .node('mr')
      .exec('ping', ['-6', '-n', '-c', '1', '-W', '2', addresses.correspondent], { mayFail: true });
    t.not(own.exitCode, 0);
    await Promise.all([ra.flush(), rb.flush()]);
    for (const [at, capture] of [ra, rb].entries()) {
      const left = capture.packets(
        (packet) =>
          ([addresses.lan, addresses.correspondent] as string[]).includes(innermost(packet).destination) ||
          innermost(packet).source === addresses.lan,
        from[at] ?? 0,
      );
      t.deepEqual(left, []);
    }
    for (const daemon of [site.ha, site.mr]) await site.setBinding(BID.a, { down: false }, { daemon });
    await until(
      async () => {
        await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5103, count: 1 });
        return cn.packets(toPort(5103)).length > 0;
      },
      { what: 'traffic to flow again', timeout: PATIENCE, interval: 200 },
    );
    for (const daemon of [site.ha, site.mr]) await site.setBinding(BID.b, { down: false }, { daemon });
  });
});

test.serial(
  'binding set: care-of address, accept only, down and up, and all of it after a restart',
  async (t) => {
    await inSite(t, { spoils: true }, async (site) => {
      await site.ready();
      const set = async (...words: string[]): Promise<void> => {
        await site.ha.coax(['binding', 'set', '--router', 'mr1', ...words]);
      };
      await set('--bid', '2', '--care-of', '2001:db8:b::22', '--accept-only');
      t.is((await site.state(BID.b, 'usable', { daemon: site.ha })).careOf, addresses.careOfB);
      t.true((await site.accepted(site.ha)).includes(`${HA} 2001:db8:b::22`));

      await set('--bid', '2', '--care-of', '2001:db8:b::22');
      await set('--bid', '1', '--down');
      const check = async (): Promise<void> => {
        await site.state(BID.b, 'usable', { daemon: site.ha, careOf: '2001:db8:b::22' });
        await site.state(BID.a, 'disabled', { daemon: site.ha });
      };
      await check();
      await site.ha.restart();
      await check();
      await site.ha.kill('SIGKILL');
      await site.ha.start();
      await check();

      await set('--bid', '1', '--up');
      await site.state(BID.a, 'usable', { daemon: site.ha, careOf: addresses.careOfA });

      // Asking the same thing a hundred times costs no more room than once.
      for (let i = 0; i < 100; i++) {
        const { status } = await site.ha.api('PUT', '/v1/routers/mr1/bindings/1', {
          careOf: `2001:db8:a::1:${i}`,
          acceptOnly: true,
        });
        t.is(status, 200);
      }
      for (let i = 0; i < 400; i++) {
        const { status, body } = await site.ha.api('PUT', '/v1/routers/mr1/bindings/1', {
          careOf: `2001:db8:a::2:${i}`,
        });
        t.is(status, 200, JSON.stringify(body));
      }
      await site.state(BID.a, 'usable', {
        daemon: site.ha,
        careOf: '2001:db8:a::2:399',
      });

      // The file is edited: what it says now is meant.
      const config = homeAgent();
      const [router] = config.routers as { bindings: { 'care-of': string }[] }[];
      if (router?.bindings[1]) router.bindings[1]['care-of'] = '2001:db8:b::66';
      await site.ha.reload(config);
      await site.state(BID.b, 'usable', { daemon: site.ha, careOf: '2001:db8:b::66' });
      await site.state(BID.a, 'usable', { daemon: site.ha, careOf: '2001:db8:a::2:399' });
    });
  },
);

test.serial('two mobile routers talk through their home agent', async (t) => {
  await withSite(t, { routers: 2 }, async (site) => {
    await site.ready();
    const sink = await Sink.start(site.node('lan2'), { ports: [5101], echo: true });
    const [lan, lan2, core] = await Promise.all([
      site.capture('lan', 'eth0'),
      site.capture('lan2', 'eth0'),
      site.capture('core', 'ha0'),
    ]);
    const stream = await Stream.start(site.node('lan'), { to: addresses.lan2, port: 5101, count: 5 });
    await stream.sent();
    await sink.received(5, 5101, PATIENCE);
    const back = await lan.waitFor(({ transport }) => transport?.sourcePort === 5101, { timeout: PATIENCE });
    await Promise.all([core.flush(), lan2.flush()]);
    const there = lan2.packets(toPort(5101));
    t.is(there.length, 5);
    // 64 at the host, one less at each of mobile router, home agent and mobile router.
    t.deepEqual([...new Set(there.map(({ outer }) => outer.hopLimit))], [61]);
    t.is(back.outer.hopLimit, 61);
    const hops = core
      .packets(toPort(5101))
      .map((packet) => [packet.outer.source, packet.outer.destination, innermost(packet).hopLimit]);
    t.deepEqual(hops.filter(([source]) => source !== HA)[0], [addresses.careOfA, HA, 63]);
    t.deepEqual(hops.filter(([source]) => source === HA)[0], [HA, addresses.careOf2, 62]);
    t.is(hops.length, 10);
    await Promise.all([stream.end(), sink.end()]);

    // The first router cannot pretend to be the second: its home agent knows whose prefix that is.
    const before = await site.reason('drop-source', site.ha);
    const spoofed = async (source: string): Promise<void> => {
      await site.node('core').ip(`address add ${addresses.careOfA}/128 dev lo nodad`, { mayFail: true });
      const { buildUdp } = await import('../../../lab/packet.js');
      const packet = buildUdp({
        source,
        destination: addresses.correspondent,
        sourcePort: 9,
        destinationPort: 7777,
        payload: Buffer.alloc(16),
      });
      await site
        .node('core')
        .exec('socat', ['-u', '-', `IP6-SENDTO:[${HA}]:41,bind=[${addresses.careOfA}]`], { input: packet });
      await site.node('core').ip(`address del ${addresses.careOfA}/128 dev lo`);
    };
    const cn = await site.capture('cn', 'eth0');
    await spoofed(addresses.lan2);
    await spoofed('2001:db8:dead::1');
    await spoofed(addresses.lan);
    const honest = await cn.waitFor(toPort(7777), { timeout: PATIENCE });
    t.is(honest.outer.source, addresses.lan);
    t.is((await site.reason('drop-source', site.ha)) - before, 2);
  });
});

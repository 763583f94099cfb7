// forwarding: auto, fast, stack: rules of netfilter are met, or named.
import test from 'ava';
import { Capture } from '../../../lab/capture.js';
import type { LabProcess } from '../../../lab/process.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { doctor, ingress, NOTHING, noted } from '../../support/forwarding.js';
import { nftCounters } from '../../support/nft-counters.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

/** What is marked goes out by one uplink and is answered by the other: no path is to be called silent for that. */
const UNWATCHED = { silence: '0s' };

const inSite = sharedSite({ mr: mobileRouter(UNWATCHED) });

const MARK = 0x10;
const MARKED_PORT = 5403;

/** The policies of a site's mobile router, and one that goes by the mark. */
function withMark(change: object = {}): ReturnType<typeof mobileRouter> {
  const marked = { name: 'marked', match: { mark: `${MARK}/0xff` }, use: ['b', 'a'] };
  const { policies } = mobileRouter();
  return mobileRouter({ ...UNWATCHED, policies: [...(policies as object[]), marked], ...change });
}

/** The named counters of the mobile router's rules. */
const counters = (site: Site): Promise<Record<string, number>> => nftCounters(site.node('mr'));

interface Iperf {
  readonly end?: { readonly sum_received?: { readonly bytes: number } };
  readonly error?: string;
}

/** iperf3's words for a client in the LAN and a server that listens at the correspondent. */
async function listening(site: Site): Promise<{ client: string[]; server: LabProcess }> {
  const cn = site.node('cn');
  const port = String(MARKED_PORT);
  const server = cn.spawn('iperf3', ['-s', '-1', '-p', port], { stdio: 'ignore' });
  await until(async () => (await cn.exec('ss', ['-Hltn', `sport = :${port}`])).stdout !== '', {
    what: 'iperf3 to listen',
    timeout: PATIENCE,
  });
  return { client: ['-6', '-c', addresses.correspondent, '-p', port], server };
}

/** A transfer between LAN and correspondent; answers the bytes that arrived. */
async function transfer(site: Site, options: readonly string[]): Promise<number> {
  const { client, server } = await listening(site);
  const args = [...client, '-J', ...options];
  const { stdout } = await site.node('lan').exec('iperf3', args, { mayFail: true, timeout: PATIENCE });
  await server.end();
  const { end, error } = JSON.parse(stdout) as Iperf;
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  return end?.sum_received?.bytes ?? 0;
}

const STATEFUL = `table inet firewall {
  counter invalid {}
  counter fresh {}
  counter up {}
  counter down {}
  counter refused {}
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state invalid counter name invalid drop
    ct state established,related iifname "lan0" counter name up accept
    ct state established,related iifname "coax0" counter name down accept
    ct state new iifname "lan0" oifname "coax0" counter name fresh accept
    icmpv6 type != { echo-request, echo-reply } accept
    counter name refused
  }
  chain remember {
    type filter hook prerouting priority mangle;
    iifname "lan0" tcp dport ${MARKED_PORT} ct state new ct mark set ${MARK}
    meta mark set ct mark
  }
}`;

test.serial('a stateful forward chain and a ct mark policy see TCP in both directions', async (t) => {
  await inSite(t, { mr: withMark() }, async (site) => {
    await site.ready();
    t.like(await ingress(site), { name: 'lan0', note: `fast: auto, ${NOTHING}` });
    await site.node('mr').nft(STATEFUL);
    t.like(await noted(site, /^stack: auto/), { attach: 'none' });

    const tcp = { filter: 'ip6[6] == 41 and ip6[46] == 6', snapLength: 128 };
    const [ra, rb] = await Promise.all([
      Capture.start(site.node('ra'), 'mr0', tcp),
      Capture.start(site.node('rb'), 'mr0', tcp),
    ]);
    // Much more than socket buffers hold: iperf3 stops counting what is received once all is handed to the sender's.
    const sent = await transfer(site, ['-n', '64M']);
    const fetched = await transfer(site, ['-n', '64M', '-R']);
    t.true(sent > 1 << 20 && fetched > 1 << 20, `${sent} bytes sent, ${fetched} fetched`);
    await Promise.all([ra.stopComplete(), rb.stopComplete()]);

    const upstream = (capture: Capture, port: number): number =>
      capture
        .packets(({ transport }) => transport?.destinationPort === port)
        .reduce((sum, { outer }) => sum + outer.payloadLength, 0);
    t.is(upstream(ra, MARKED_PORT), 0, 'the mark of the connection takes all packets to uplink B');
    // Bytes and not packets: how much of a stream is put together in one of them is up to the kernel.
    t.true(upstream(rb, MARKED_PORT) >= sent, `${upstream(rb, MARKED_PORT)} of ${sent} bytes`);
    t.deepEqual(
      rb.packets(
        ({ transport, outer }) =>
          transport?.destinationPort === MARKED_PORT && outer.source !== addresses.careOfB,
      ),
      [],
    );
    const seen = await counters(site);
    t.log(seen);
    t.like(seen, { invalid: 0, refused: 0, fresh: 4 }, 'two connections for each transfer');
    const { up = 0, down = 0 } = await nftCounters(site.node('mr'), 'bytes');
    t.true(up >= sent && down >= fetched, `the forward chain met ${up} bytes and ${down} back`);
    // From outside nobody is let in.
    await Stream.send(site.node('cn'), { to: addresses.lan, port: 6001, sourcePort: 5101, count: 3 });
    await until(async () => (await counters(site)).refused === 3, { what: 'three packets to be refused' });
    await site.node('mr').nft('delete table inet firewall');
  });
});

test.serial('masquerade is noticed; rules that cannot see the packets are no reason', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    // Marks before routing, another interface, IPv4: in the listing, but none of it concerns the traffic.
    await mr.nft(`table inet other {
  chain prerouting {
    type filter hook prerouting priority mangle;
    iifname "lan0" udp dport 5403 meta mark set ${MARK}
  }
  chain forward {
    type filter hook forward priority filter;
    iifname "docker0" drop
    ip saddr 192.0.2.0/24 drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 192.0.2.0/24 masquerade
    oifname "wa" masquerade
  }
}`);
    t.deepEqual(
      (await doctor(site)).map(({ verdict, found }) => `${verdict} ${found}`),
      [`ok auto means fast: ${NOTHING}`],
    );
    await mr.nft(`table ip6 nat {
  chain post {
    type nat hook postrouting priority srcnat;
    ip6 saddr 2001:db8:1::/64 masquerade
  }
}`);
    const view = await noted(site, /^stack:/);
    t.regex(view.note ?? '', /auto, .* 1 rule of netfilter, such as ip6 nat post handle \d+: .*masquerade$/);
    await site.logged(site.mr, /forwarding of lan0: fast -> stack/);
    const [found] = await doctor(site);
    t.regex(
      found?.found ?? '',
      /^auto means stack: fast would bypass ip6 nat post handle \d+: .*masquerade$/,
    );

    const cn = await site.capture('cn', 'eth0');
    const sink = await Sink.start(site.node('cn'), { ports: [5110], echo: true });
    const stream = await Stream.start(site.node('lan'), {
      to: addresses.correspondent,
      port: 5110,
      count: 50,
    });
    await stream.sent();
    const packet = await cn.waitFor(toPort(5110));
    t.is(packet.outer.source, addresses.home, 'the correspondent sees the home address');
    await until(async () => (await stream.echoes()).received === 50, {
      what: 'all answers',
      timeout: PATIENCE,
    });
    await Promise.all([stream.end(), sink.end()]);

    await mr.nft('delete table ip6 nat');
    await mr.nft('delete table inet other');
    t.like(await noted(site, /^fast: auto/), { attach: 'tcx ingress' });
  });
});

test.serial('rules come and go under traffic: 0 lost', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const [lan, cn, mr] = [site.node('lan'), site.node('cn'), site.node('mr')];
    const sinks = await Promise.all([Sink.start(cn, { ports: [5110] }), Sink.start(lan, { ports: [6001] })]);
    const streams = await Promise.all([
      Stream.start(lan, { to: addresses.correspondent, port: 5110, rate: 2000 }),
      Stream.start(cn, { to: addresses.lan, port: 6001, sourcePort: 5120, rate: 2000 }),
    ]);
    await sinks[0].received(100, 5110, PATIENCE);
    await sinks[1].received(100, 6001, PATIENCE);
    const took: number[] = [];
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      await mr.nft(`table inet firewall {
  counter seen {}
  chain forward {
    type filter hook forward priority filter;
    ct state invalid drop
    counter name seen accept
  }
}`);
      await noted(site, /^stack: auto, .* 2 rules/);
      took.push(Math.round(performance.now() - began));
      await until(async () => ((await counters(site)).seen ?? 0) > 400, {
        what: 'packets to meet the rules',
        timeout: PATIENCE,
      });
      await mr.nft('delete table inet firewall');
      await noted(site, /^fast: auto/);
      const fast = await site.reason('encapsulated');
      await until(async () => (await site.reason('encapsulated')) > fast + 200, {
        what: 'packets on the fast path',
        timeout: PATIENCE,
      });
    }
    t.log(`from nft to the status: ${took.join(', ')} ms`);
    const sent = await Promise.all(streams.map((stream) => stream.stop()));
    for (const [at, port] of [5110, 6001].entries()) {
      const [sink, count] = [sinks[at], sent[at]?.sent ?? 0];
      await sink?.received(count, port, PATIENCE);
      t.like(await sink?.report(port), { received: count, lost: 0, duplicates: 0 }, `port ${port}`);
    }
    await Promise.all([...streams, ...sinks].map((one) => one.end()));
  });
});

/** Connection tracking stays in use while the forward chain comes and goes. */
const TRACKED = `table inet local {
  chain input {
    type filter hook input priority filter;
    ct state invalid drop
  }
}`;

for (const [words, receiver, options, before] of [
  ['from the LAN', 'cn', [], ''],
  ['to the LAN that began in the stack', 'lan', ['-R'], TRACKED],
] as const) {
  test.serial(`a TCP transfer ${words} outlives a stateful chain that comes and goes`, async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      const mr = site.node('mr');
      const stack = async (): Promise<unknown> => {
        await mr.nft(STATEFUL);
        return noted(site, /^stack: auto/);
      };
      const fast = async (): Promise<unknown> => {
        await mr.nft('delete table inet firewall');
        return noted(site, /^fast: auto/);
      };
      const steps = [stack, fast, stack, fast];
      if (before !== '') {
        await mr.nft(before);
        await steps.shift()?.();
      }
      const { client, server } = await listening(site);
      const transfer = site
        .node('lan')
        .spawn('iperf3', [...client, '-t', '60', '-b', '20M', ...options], { stdio: 'ignore' });
      const flows = async (): Promise<void> => {
        const arriving = await site.capture(receiver, 'eth0', `tcp port ${MARKED_PORT} and greater 1000`);
        await until(() => arriving.position > 20, { what: 'the transfer to flow', timeout: PATIENCE });
        await arriving.stop();
      };
      await flows();
      for (const step of steps) {
        await step();
        const began = performance.now();
        await flows();
        t.log(`flows on ${Math.round(performance.now() - began)} ms after ${step.name}`);
      }
      t.is(transfer.exit, undefined, 'the connection lives');
      await Promise.all([transfer.end(), server.end()]);
      if (before !== '') await mr.nft('delete table inet local');
    });
  });
}

test.serial('fast stays fast and says what it bypasses; a reload to stack is obeyed', async (t) => {
  await inSite(
    t,
    { mr: withMark({ ingress: [{ interface: 'lan0', forwarding: 'fast' }] }) },
    async (site) => {
      await site.ready();
      await site.node('mr').nft(STATEFUL);
      t.like(await noted(site, /^fast: set by the configuration, bypasses 9 rules/), {
        attach: 'tcx ingress',
      });
      t.like((await site.status()).problems, [{ code: 'FIREWALL_BYPASSED' }]);
      const checks = await doctor(site);
      t.deepEqual(new Set(checks.map(({ verdict }) => verdict)), new Set(['warn']));
      for (const words of [
        'ct state invalid',
        'policy drop',
        'meta mark set ct mark',
        'counter name "refused"',
      ]) {
        t.true(
          checks.some(
            ({ found }) => found.startsWith('fast bypasses inet firewall ') && found.includes(words),
          ),
          words,
        );
      }
      const capture = await site.capture('cn', 'eth0');
      const send = async (): Promise<void> => {
        const from = capture.position;
        await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5110, count: 20 });
        await until(() => capture.packets(toPort(5110), from).length === 20, { what: '20 packets' });
      };
      await send();
      t.like(await counters(site), { fresh: 0, up: 0, refused: 0 }, 'no packet met a rule');

      await site.mr.reload({ ...withMark(), ingress: [{ interface: 'lan0', forwarding: 'stack' }] });
      t.like(await ingress(site), { note: 'stack: set by the configuration', attach: 'none' });
      await send();
      t.is((await counters(site)).fresh, 20);
      await site.node('mr').nft('delete table inet firewall');
    },
  );
});

test.serial(
  'a narrow uplink behind a stateful firewall: Packet Too Big passes it, TCP is whole',
  async (t) => {
    await inSite(t, { mr: withMark() }, async (site) => {
      // Both ends of the link that marked connections take.
      await site.node('mr').ip('link set wb mtu 1400');
      await site.node('rb').ip('link set mr0 mtu 1400');
      await site.node('mr').nft(STATEFUL);
      await noted(site, /^stack: auto/);
      await until(async () => (await site.bindings()).some(({ bid, mtu }) => bid === BID.b && mtu === 1360), {
        what: 'binding b to be narrow',
        timeout: PATIENCE,
      });
      await site.ready();
      const lan = await Capture.start(site.node('lan'), 'eth0', { filter: 'icmp6 and ip6[40] == 2' });
      t.true((await transfer(site, ['-n', '64M'])) > 1 << 20);
      await lan.stopComplete();
      const told = lan.packets(({ transport }) => transport?.icmpMtu === 1360);
      t.true(told.length > 0, 'the LAN host was told the MTU of the binding');
      t.is((await counters(site)).invalid, 0, 'and the error belongs to the connection');
      await site.node('mr').nft('delete table inet firewall');
      await site.node('mr').ip('link set wb mtu 1500');
      await site.node('rb').ip('link set mr0 mtu 1500');
    });
  },
);

test.serial('a connection that began behind the firewall goes on by the fast path', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    await site.node('mr').nft(STATEFUL);
    await noted(site, /^stack: auto/);
    const { client, server } = await listening(site);
    const args = [...client, '-J', '-t', '6', '-b', '20M'];
    const running = site.node('lan').exec('iperf3', args, { mayFail: true, timeout: 2 * PATIENCE });
    await until(async () => ((await counters(site)).up ?? 0) > 100, {
      what: 'the firewall to see the connection',
      timeout: PATIENCE,
    });
    await site.mr.reload(
      mobileRouter({ ...UNWATCHED, ingress: [{ interface: 'lan0', forwarding: 'fast' }] }),
    );
    const { stdout } = await running;
    await server.end();
    const { end, error } = JSON.parse(stdout) as Iperf;
    t.is(error, undefined);
    // 6 s at 20 Mbit/s are 15 MB; what was sent before the reload is a fraction of it.
    t.true((end?.sum_received?.bytes ?? 0) > 12_000_000, `${end?.sum_received?.bytes} bytes arrived`);
    // Connection tracking may take the last packets that it sees, of one side only, for invalid: TCP makes up for it.
    t.true(((await counters(site)).invalid ?? 0) < 10);
    await site.node('mr').nft('delete table inet firewall');
  });
});

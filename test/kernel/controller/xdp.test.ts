// XDP in front of TC: chosen by interface, shown, taken back; answers stay the same and nothing is lost.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { LabDaemon } from '../../../lab/daemon.js';
import { LineReader } from '../../../lab/process.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { takeXdp } from '../../../lab/xdp.js';
import type { InterfaceView, ReasonView } from '../../../src/views/index.js';
import { sharedSite } from '../../support/shared-site.js';
import { homeAgent, mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';

const inSite = sharedSite({}, fitForXdp);

const STRANGER = fileURLToPath(new URL('stranger.js', import.meta.url));

const NATIVE = { xdp: { mode: 'native' } };

/** An interface of a daemon as status shows it. */
async function interfaceOf(site: Site, name: string, daemon: LabDaemon = site.mr): Promise<InterfaceView> {
  const found = (await site.status(daemon)).interfaces.find((one) => one.name === name);
  if (!found) throw new Error(`status has no interface ${name}`);
  return found;
}

/** Resolves when an interface is so. */
async function shown(
  site: Site,
  name: string,
  is: (view: InterfaceView) => boolean,
  daemon?: LabDaemon,
): Promise<InterfaceView> {
  let last: unknown;
  try {
    return await until(
      async () => {
        const view = await interfaceOf(site, name, daemon);
        last = view;
        return is(view) ? view : undefined;
      },
      { what: `${name} to be as expected`, timeout: PATIENCE },
    );
  } catch (error) {
    throw new Error(`${name} is ${JSON.stringify(last)}`, { cause: error });
  }
}

/** Resolves when every interface of both daemons could be sent to by XDP. */
async function fitForXdp(site: Site): Promise<void> {
  await takeXdp(site.lab);
  for (const daemon of site.daemons) {
    for (const { name, xdp } of (await site.status(daemon)).interfaces) {
      if (xdp !== null) await shown(site, name, (view) => view.xdp?.transmits === true, daemon);
    }
  }
}

/** Packets by reason at one hook. */
async function counted(site: Site, hook: string, daemon: LabDaemon = site.mr): Promise<Map<string, number>> {
  const reasons = (await daemon.api('GET', '/v1/reasons')).body as ReasonView[];
  return new Map(reasons.filter((one) => one.hook === hook).map(({ reason, packets }) => [reason, packets]));
}

/** A program of somebody else on an interface of the mobile router. */
async function startStranger(
  site: Site,
  name: string,
  place: 'xdp' | 'egress',
): Promise<{ id: number; end(): Promise<void> }> {
  const { child } = site
    .node('mr')
    .spawn(process.execPath, [STRANGER, name, place], { stdio: ['pipe', 'pipe', 'inherit'] });
  const id = await new LineReader(child).find((line) => Number(line) || undefined, { what: 'its program' });
  return {
    id,
    async end() {
      const exited = once(child, 'exit');
      child.stdin?.end();
      await exited;
    },
  };
}

test.serial('both directions take XDP at both ends, and none is lost while it comes and goes', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    t.regex(
      (await interfaceOf(site, 'lan0')).xdp?.why ?? '',
      /^auto, its other end would lose segmentation offload/,
    );
    const traffic = await Traffic.start(site);
    for (let round = 0; round < 3; round++) {
      await site.mr.reload(mobileRouter(NATIVE));
      await site.ha.reload(homeAgent(1, NATIVE));
      for (const name of ['lan0', 'wa', 'wb']) {
        const view = await shown(site, name, ({ xdp }) => xdp?.mode === 'native' && xdp.transmits);
        t.is(view.attach, 'xdp native, tcx ingress');
      }
      await shown(site, 'core0', ({ xdp }) => xdp?.mode === 'native' && xdp.transmits, site.ha);
      await traffic.more();
      const [up, down] = [await counted(site, 'xdp-ingress'), await counted(site, 'xdp-uplink')];
      const [agentUp, agentDown] = [
        await counted(site, 'xdp-uplink', site.ha),
        await counted(site, 'xdp-ingress', site.ha),
      ];
      await traffic.more(300);
      const grown = async (
        before: Map<string, number>,
        hook: string,
        reason: string,
        daemon: LabDaemon,
      ): Promise<number> =>
        ((await counted(site, hook, daemon)).get(reason) ?? 0) - (before.get(reason) ?? 0);
      t.true((await grown(up, 'xdp-ingress', 'encapsulated', site.mr)) >= 300);
      t.true((await grown(down, 'xdp-uplink', 'decapsulated', site.mr)) >= 300);
      t.true((await grown(agentUp, 'xdp-uplink', 'decapsulated', site.ha)) >= 300);
      t.true((await grown(agentDown, 'xdp-ingress', 'encapsulated', site.ha)) >= 300);
      await site.mr.reload(mobileRouter());
      await site.ha.reload(homeAgent(1));
      await shown(site, 'lan0', ({ attach }) => attach === 'tcx ingress');
      await traffic.more();
    }
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('daemons that end and start again find their XDP programs, without a loss', async (t) => {
  await withSite(t, { mr: mobileRouter(NATIVE), ha: homeAgent(1, NATIVE) }, async (site) => {
    await takeXdp(site.lab);
    await site.ready();
    await shown(site, 'wa', ({ xdp }) => xdp?.transmits === true);
    const traffic = await Traffic.start(site);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const daemon of [site.mr, site.ha]) {
        if (signal === 'SIGTERM') await daemon.stop();
        else await daemon.kill('SIGKILL');
        await traffic.more();
        await daemon.start();
        await site.ready();
        await traffic.more();
      }
    }
    t.true(((await counted(site, 'xdp-ingress')).get('encapsulated') ?? 0) > 1000);
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('an uplink whose queue matters is sent to by TC, as long as it does', async (t) => {
  const xdp = { interfaces: { lan0: 'native' } };
  await inSite(t, { mr: mobileRouter({ xdp }) }, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    await shown(site, 'wa', (view) => view.xdp?.transmits === true && view.xdp.mode === 'off');
    const before = await counted(site, 'xdp-ingress');
    await traffic.more();
    t.true(
      ((await counted(site, 'xdp-ingress')).get('encapsulated') ?? 0) >=
        (before.get('encapsulated') ?? 0) + 200,
    );
    await site.node('mr').exec('tc', ['qdisc', 'replace', 'dev', 'wa', 'root', 'handle', '1:', 'htb']);
    const queued = await shown(site, 'wa', (view) => view.xdp?.transmits === false);
    t.is(queued.xdp?.whyTransmits, 'packets would not wait in its queue (htb)');
    const after = await counted(site, 'xdp-ingress');
    await traffic.more();
    const last = await counted(site, 'xdp-ingress');
    t.true((last.get('left-to-tc') ?? 0) >= (after.get('left-to-tc') ?? 0) + 200);
    t.is(last.get('encapsulated'), after.get('encapsulated'));
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    // The kernel itself drops what meets a queue in the moment in which it goes.
    await site.node('mr').exec('tc', ['qdisc', 'delete', 'dev', 'wa', 'root']);
    await shown(site, 'wa', (view) => view.xdp?.transmits === true);
    const more = await Traffic.start(site);
    const stranger = await startStranger(site, 'wa', 'egress');
    const watched = await shown(site, 'wa', (view) => view.xdp?.transmits === false);
    t.is(watched.xdp?.whyTransmits, 'programs or filters of others look at what leaves');
    await more.more();
    await stranger.end();
    await shown(site, 'wa', (view) => view.xdp?.transmits === true);
    await more.more();
    const nft = (words: string): Promise<unknown> => site.node('mr').exec('nft', [words]);
    await nft(
      'table netdev leaving { chain out { type filter hook egress device "wa" priority 0; counter; }; }',
    );
    const filtered = await shown(site, 'wa', (view) => view.xdp?.transmits === false);
    t.is(filtered.xdp?.whyTransmits, 'a chain of netfilter looks at what leaves');
    await more.more();
    await nft('delete table netdev leaving');
    await shown(site, 'wa', (view) => view.xdp?.transmits === true);
    await more.more();
    t.deepEqual(await more.lost(), { up: 0, down: 0 });
  });
});

test.serial('the XDP program of somebody else stays, and ours comes when it has gone', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const stranger = await startStranger(site, 'lan0', 'xdp');
    const { id } = stranger;
    await site.mr.reload(mobileRouter(NATIVE));
    const taken = await shown(site, 'lan0', ({ xdp }) => xdp?.mode === 'off');
    t.is(taken.xdp?.why, `the XDP program ${id} of somebody else is there`);
    const { problems } = await site.status();
    t.true(
      problems.some(({ code, message }) => code === 'XDP_REFUSED' && message.startsWith('no XDP on lan0')),
    );
    const traffic = await Traffic.start(site);
    const { stdout } = await site.node('mr').exec('ip', ['-d', 'link', 'show', 'dev', 'lan0']);
    t.regex(stdout, new RegExp(`prog/xdp id ${id}\\b`));
    await stranger.end();
    await shown(site, 'lan0', ({ xdp }) => xdp?.mode === 'native');
    t.false((await site.status()).problems.some(({ code }) => code === 'XDP_REFUSED'));
    await traffic.more();
    // Somebody takes ours away: it comes back.
    await site.node('mr').exec('sh', ['-c', `rm ${site.mr.bpffs}/coaxial/${site.mr.instance}/*/links/xdp-*`]);
    await until(
      async () =>
        (await site.node('mr').exec('ip', ['-d', 'link', 'show', 'dev', 'lan0'])).stdout.includes('prog/xdp'),
      {
        what: 'our program again',
        timeout: PATIENCE,
      },
    );
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial("a driver that runs no XDP programs is told, and its packets are TC's", async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    await mr.batch(['link add side0 type ifb', 'link set side0 up']);
    const ingress = [{ interface: 'lan0' }, { interface: 'side0' }];
    await site.mr.reload(mobileRouter({ ingress, xdp: { interfaces: { side0: 'native', lan0: 'native' } } }));
    const traffic = await Traffic.start(site);
    const found = await until(
      async () => (await site.status()).problems.find(({ code }) => code === 'XDP_NOT_ATTACHED'),
      { what: 'the problem', timeout: PATIENCE },
    );
    t.regex(found.message, /to side0 \(XDP, native\): its driver does not run XDP programs/);
    await shown(site, 'lan0', ({ xdp }) => xdp?.mode === 'native');
    // Behind the driver any device can.
    await site.mr.reload(
      mobileRouter({ ingress, xdp: { interfaces: { side0: 'generic', lan0: 'generic' } } }),
    );
    await shown(site, 'side0', ({ attach }) => attach === 'xdp generic, tcx ingress');
    await shown(site, 'lan0', ({ attach }) => attach === 'xdp generic, tcx ingress');
    const before = await counted(site, 'xdp-ingress');
    await traffic.more();
    const after = await counted(site, 'xdp-ingress');
    t.true((after.get('encapsulated') ?? 0) >= (before.get('encapsulated') ?? 0) + 200);
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    await site.mr.reload(mobileRouter());
    await mr.ip('link delete side0');
  });
});

test.serial('a home agent sends by the interface that a packet came in by, both ways', async (t) => {
  const there = '2001:db8:ffff::ff';
  await inSite(t, { mr: mobileRouter(NATIVE), ha: homeAgent(1, NATIVE), spoils: true }, async (site) => {
    await site.ready();
    await shown(site, 'core0', ({ xdp }) => xdp?.mode === 'native' && xdp.transmits, site.ha);
    // Who talks to the mobile network from beyond the very link that the tunnels come by.
    const [core, lan] = [site.node('core'), site.node('lan')];
    await core.exec('ethtool', ['-K', 'ha0', 'tx', 'off']);
    await core.exec('ping', ['-c', '1', '-W', '2', addresses.homeAgent]);
    const [atCore, atLan] = await Promise.all([
      Sink.start(core, { ports: [6100], address: there }),
      Sink.start(lan, { ports: [6101] }),
    ]);
    const before = await Promise.all(
      ['xdp-ingress', 'xdp-uplink'].map(async (hook) => counted(site, hook, site.ha)),
    );
    const [down, up] = await Promise.all([
      Stream.start(core, { to: addresses.lan, port: 6101, source: there, count: 300 }),
      Stream.start(lan, { to: there, port: 6100, count: 300 }),
    ]);
    t.is((await atLan.received(300, undefined, PATIENCE)).lost, 0);
    t.is((await atCore.received(300, undefined, PATIENCE)).lost, 0);
    const [ingress, uplink] = await Promise.all(
      ['xdp-ingress', 'xdp-uplink'].map(async (hook) => counted(site, hook, site.ha)),
    );
    t.true((ingress?.get('encapsulated') ?? 0) - (before[0]?.get('encapsulated') ?? 0) >= 300);
    t.true((uplink?.get('decapsulated') ?? 0) - (before[1]?.get('decapsulated') ?? 0) >= 300);
    await Promise.all([down.end(), up.end(), atCore.end(), atLan.end()]);
  });
});

// Another version takes over while traffic flows: its rows are laid out differently, and nothing is lost.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CLI } from '../../../lab/cli.js';
import { run } from '../../../lab/command.js';
import type { LabDaemon } from '../../../lab/daemon.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import { Release } from '../../../lab/release.js';
import { takeXdp } from '../../../lab/xdp.js';
import { Instance } from '../../../src/datapath/index.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { BID, homeAgent, mobileRouter, type Site, withSite } from '../../support/site.js';
import { temporaryFolder } from '../../support/temporary.js';
import { Traffic } from '../../support/traffic.js';

const rootOf = ({ instance, bpffs }: LabDaemon): string => new Instance(instance, bpffs).root;
const schemasOf = (daemon: LabDaemon): string[] => readdirSync(rootOf(daemon)).sort();
const THIS = new Instance('any', '/').directory.split('/').at(-1) ?? '';
const NEXT = Number(THIS) + 1;

const folder = temporaryFolder();
let next: Release;
let later: Release;

test.before(async () => {
  // The daemons of the lab are an ordinary user.
  chmodSync(folder.path, 0o755);
  next = await Release.make(join(folder.path, 'next'), NEXT, 'changed');
  later = await next.again(join(folder.path, 'later'), NEXT + 1);
});
test.after.always(() => folder.remove());

/** The size of a row that packets use, so that nobody can say the layouts are the same. */
function rowSize(daemon: LabDaemon, schema: number | string): number {
  using map = BpfMap.fromPin(join(rootOf(daemon), String(schema), 'maps', 'cx_binding_rows'));
  return map.valueSize;
}

/** What the test made is to look as if the daemon had. */
async function giveToDaemon(directory: string): Promise<void> {
  await run('chown', ['-R', `${DAEMON_USER}:${DAEMON_USER}`, directory]);
}

async function sent(site: Site, daemon: LabDaemon): Promise<number[]> {
  return (await site.bindings(daemon)).map((binding) => binding.sent.packets + binding.received.packets);
}

test.serial(
  'an upgrade to other row layouts loses nothing: no packet, no registration, no counter',
  async (t) => {
    await withSite(t, {}, async (site) => {
      await site.ready();
      // What only the state knows.
      const careOf = '2001:db8:b::77';
      await site.node('mr').ip(`address add ${careOf}/64 dev wb nodad`);
      const binding = ['binding', 'set', '--router', 'mr1', '--bid', String(BID.b)];
      await site.ha.coax([...binding, '--care-of', careOf]);
      await site.ha.coax([...binding, '--down']);
      const traffic = await Traffic.start(site);
      const before = new Map<LabDaemon, number>();
      for (const daemon of [site.mr, site.ha]) {
        before.set(daemon, rowSize(daemon, THIS));
        for (const release of [next, later]) {
          const counted = await sent(site, daemon);
          const hits = (await site.policies(daemon)).map(({ packets }) => packets);
          await daemon.upgrade(release);
          await traffic.more();
          t.deepEqual(schemasOf(daemon), [String(release.schema)], 'the older state has gone');
          await site.logged(daemon, new RegExp(`replaced by that of schema ${release.schema}`));
          for (const [at, now] of (await sent(site, daemon)).entries()) t.true(now >= (counted[at] ?? 0));
          for (const [at, policy] of (await site.policies(daemon)).entries()) {
            t.true(policy.packets >= (hits[at] ?? 0), `hits of ${policy.name}`);
          }
        }
        t.not(rowSize(daemon, later.schema), before.get(daemon));
      }
      const registered = (await site.bindings(site.ha)).find(({ bid }) => bid === BID.b);
      t.like(registered, { careOf, state: 'disabled' });
      await site.ha.coax([...binding, '--up']);
      await site.state(BID.b, 'usable', { daemon: site.ha });
      await traffic.more();
      t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    });
  },
);

test.serial('an upgrade takes over the XDP programs, too', async (t) => {
  const xdp = { xdp: { mode: 'native' } };
  await withSite(t, { mr: mobileRouter(xdp), ha: homeAgent(1, xdp) }, async (site) => {
    await takeXdp(site.lab);
    await site.ready();
    const traffic = await Traffic.start(site);
    for (const daemon of [site.mr, site.ha]) {
      await daemon.upgrade(next);
      await traffic.more();
      t.deepEqual(schemasOf(daemon), [String(next.schema)], 'the older state has gone');
      const { interfaces } = await site.status(daemon);
      const native = interfaces.filter(({ attach }) => attach.startsWith('xdp native'));
      t.true(native.length >= 2, JSON.stringify(interfaces));
      const sent = (): Promise<number> => site.reason('encapsulated', daemon);
      const before = await sent();
      await traffic.more();
      t.true((await sent()) >= before + 200);
    }
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a downgrade is refused with words, traffic flows on', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    await site.mr.upgrade(later);
    await site.mr.stop();
    const older = await site
      .node('mr')
      .exec(process.execPath, [next.cli, 'daemon', '--config', site.mr.configFile], { mayFail: true });
    t.not(older.exitCode, 0);
    t.regex(
      older.stderr,
      new RegExp(`schema ${later.schema}, this one is ${next.schema}[\\s\\S]*PINNED_STATE_NEWER`),
    );
    t.deepEqual(schemasOf(site.mr), [String(later.schema)]);
    await traffic.more();
    await site.mr.start();
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('an upgrade that was cut short anywhere is brought to its end', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    const root = rootOf(site.mr);

    // Killed again and again while it is at it, at moments that differ.
    for (let delay = 150; delay <= 1_350; delay += 200) {
      await site.mr.stop();
      const attempt = site.mr.upgrade(next).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await site.mr.kill('SIGKILL');
      await attempt;
      await traffic.more(20);
    }
    await site.mr.upgrade(next);
    await site.ready();
    t.deepEqual(schemasOf(site.mr), [String(next.schema)]);

    // Before it had a name: what was filled by half is thrown away.
    await site.mr.stop();
    mkdirSync(join(root, `${later.schema}-filling`, 'maps'), { recursive: true });
    {
      using half = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, name: 'cx_half' });
      half.pin(join(root, `${later.schema}-filling`, 'maps', 'cx_settings'));
    }
    await giveToDaemon(root);
    await site.mr.upgrade(later);
    await site.ready();
    t.deepEqual(schemasOf(site.mr), [String(later.schema)]);

    // When it had one, but a program of the older version still sat on its interface.
    await site.mr.kill('SIGKILL');
    const links = join(root, String(later.schema), 'links');
    const pin = readdirSync(links).find((name) => name.startsWith('uplink-')) ?? '';
    mkdirSync(join(root, String(next.schema), 'links'), { recursive: true });
    renameSync(join(links, pin), join(root, String(next.schema), 'links', pin));
    await giveToDaemon(root);
    await site.mr.start();
    await site.ready();
    t.true(existsSync(join(links, pin)));
    t.deepEqual(schemasOf(site.mr), [String(later.schema)]);
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('an older state that does not say its layout is refused, and traffic flows on', async (t) => {
  await withSite(t, { ha: homeAgent() }, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    await site.mr.stop();
    const layout = join(rootOf(site.mr), THIS, 'maps', 'cx_layout');
    renameSync(layout, `${layout}_away`);
    const refused = await t.throwsAsync(site.mr.upgrade(next));
    t.regex(refused?.message ?? '', /does not say its layout[\s\S]*PINNED_STATE_UNREADABLE/);
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    renameSync(`${layout}_away`, layout);
    await site.mr.upgrade(next);
    await site.ready();
  });
});

test.serial('the state of an instance in another network namespace is not adopted', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    await site.mr.stop();
    // The same interfaces by name and number, but others.
    const elsewhere = await site
      .node('lan')
      .exec(process.execPath, [CLI, 'daemon', '--config', site.mr.configFile], { mayFail: true });
    t.not(elsewhere.exitCode, 0);
    t.regex(elsewhere.stderr, /another network namespace[\s\S]*INSTANCE_ELSEWHERE/);
    await traffic.more();
    await site.mr.start();
    await site.ready();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

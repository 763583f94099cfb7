// Reloads and restarts under traffic in both directions, and what coax up and coax down leave.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { CLI } from '../../../lab/cli.js';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { CX_SCHEMA } from '../../../src/datapath/index.js';
import { BpfLink, BpfMap } from '../../../src/libbpf-ts/index.js';
import { BID, down, mobileRouter, PATIENCE, type Site, toPort, withSite } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';

const policy = (fid: number, ports: string, use: string[]): object => ({
  fid,
  name: `p${fid}`,
  match: { protocol: 'udp', 'destination-port': ports },
  use,
});

test.serial(
  'policies are reloaded under traffic without a loss, counters of unchanged ones go on',
  async (t) => {
    await withSite(t, {}, async (site) => {
      await site.ready();
      const traffic = await Traffic.start(site);
      const generations = [(await site.status()).generation];
      const unchanged = policy(1, '5100-5199', ['a', 'b']);
      for (let round = 0; round < 6; round++) {
        const before = (await site.policies()).find(({ fid }) => fid === 1)?.packets ?? 0;
        t.true(before > 0);
        const others = [
          policy(7 + round, '5300-5399', ['b']),
          policy(2, '5200-5299', round % 2 ? ['a'] : ['b']),
        ];
        await site.mr.reload(mobileRouter({ policies: [unchanged, ...others] }));
        generations.push((await site.status()).generation);
        const after = (await site.policies()).find(({ fid }) => fid === 1)?.packets ?? 0;
        t.true(after >= before, `${after} hits after ${before}`);
        await traffic.more(50);
      }
      t.is(new Set(generations).size, generations.length, `generations ${generations.join(' ')}`);

      // SIGHUP reads the file too.
      const text = await readFile(site.mr.configFile, 'utf8');
      await writeFile(site.mr.configFile, text.replace('5300-5399', '5300-5398'));
      await site.mr.kill('SIGHUP');
      await until(async () => (await site.status()).generation > (generations.at(-1) ?? 0), {
        what: 'the generation after SIGHUP',
        timeout: PATIENCE,
      });

      // A broken file changes nothing and is answered with its line.
      const state = await site.status();
      const broken = (await readFile(site.mr.configFile, 'utf8')).replace(/bid: 2/, 'bid: 1');
      await writeFile(site.mr.configFile, broken);
      const line = broken.split('\n').findLastIndex((words) => words.includes('bid: 1')) + 1;
      const answer = await site.mr.api('POST', '/v1/reload');
      t.true(answer.status >= 400);
      t.true(JSON.stringify(answer.body).includes(`:${line}:`), JSON.stringify(answer.body));
      await site.mr.kill('SIGHUP');
      await site.logged(site.mr, new RegExp(`not reloaded.*|:${line}:`));
      t.deepEqual((await site.status()).generation, state.generation);
      await traffic.more(50);

      const hits = (await site.policies()).find(({ fid }) => fid === 1)?.packets ?? 0;
      await site.mr.stop();
      await writeFile(site.mr.configFile, text);
      await site.mr.start();
      t.true(((await site.policies()).find(({ fid }) => fid === 1)?.packets ?? 0) >= hits);
      t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    });
  },
);

test.serial('the daemons are stopped, killed and started again under traffic without a loss', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    for (const daemon of [site.mr, site.ha]) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const before = await site.bindings(daemon);
        if (signal === 'SIGTERM') await daemon.stop();
        else await daemon.kill('SIGKILL');
        await traffic.more();
        await daemon.start();
        await site.ready();
        for (const binding of await site.bindings(daemon)) {
          const old = before.find(({ bid }) => bid === binding.bid);
          t.true(binding.sent.packets >= (old?.sent.packets ?? 0), 'the counters go on');
        }
        await traffic.more();
      }
    }
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a second daemon of the same instance is refused and disturbs nothing', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    const second = await site
      .node('mr')
      .exec(process.execPath, [CLI, 'daemon', '--config', site.mr.configFile], {
        mayFail: true,
      });
    t.not(second.exitCode, 0);
    t.regex(second.stderr, new RegExp(`pid ${site.mr.pid} already runs this instance.*INSTANCE_RUNNING`));
    const up = await site
      .node('mr')
      .exec(process.execPath, [CLI, 'up', '--config', site.mr.configFile], { mayFail: true });
    t.regex(up.stderr, /INSTANCE_RUNNING/);
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('coax up, then coax down, which takes only what is ours', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    await site.mr.stop();
    await down(site.mr);
    const cn = await site.capture('cn', 'eth0');
    const up = await mr.exec(process.execPath, [CLI, 'up', '--config', site.mr.configFile, '--json']);
    t.is((JSON.parse(up.stdout) as { role: string }).role, 'mobile-router');
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5101, count: 1 });
    await cn.waitFor(toPort(5101), { timeout: PATIENCE });

    // What others have here: rule, routes, a TCX program on our uplink, a pin beside and among ours.
    await mr.batch([
      'route add 2001:db8:f00::/48 dev wa metric 64',
      'route add 2001:db8:f00::/48 dev wa table 7601',
    ]);
    await mr.ip('-6 rule add from 2001:db8:f00::1 lookup 7601 pref 100');
    const foreign = join(site.mr.bpffs, 'coaxial', site.mr.instance, String(CX_SCHEMA), 'maps', 'foreign');
    const beside = join(site.mr.bpffs, 'coaxial', site.mr.instance, 'foreign');
    {
      using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, name: 'foreign' });
      map.pin(foreign);
      map.pin(beside);
    }
    const foreignLink = await attachForeign(site);
    const said = await down(site.mr);
    t.regex(said, /removed interface coax0/);
    t.regex(await mr.ip('-6 rule show'), /from 2001:db8:f00::1 lookup 7601/);
    t.regex(await mr.ip('-6 route show table main'), /2001:db8:f00::\/48/);
    t.regex(await mr.ip('-6 route show table 7601'), /2001:db8:f00::\/48/);
    {
      using link = BpfLink.fromPin(foreignLink);
      t.is(link.info.ifindex, (await mr.link('wa')).ifindex);
    }
    for (const path of [foreign, beside]) {
      using map = BpfMap.fromPin(path);
      t.is(map.info.name, 'foreign', path);
    }
    await mr.exec('rm', [foreign, beside, foreignLink]);
    await down(site.mr);
    await site.mr.start();
    await site.state(BID.a, 'usable');
  });
});

/** A program of somebody else at the egress of uplink A. */
async function attachForeign(site: Site): Promise<string> {
  const library = new URL('../../../src/libbpf-ts/index.js', import.meta.url).href;
  const object = fileURLToPath(new URL('../../../../bpf/test/sample.bpf.o', import.meta.url));
  const pin = join(site.mr.bpffs, 'foreign-link');
  const { ifindex } = await site.node('mr').link('wa');
  const script = `
    const { BpfObject, attachTcx } = await import(${JSON.stringify(library)});
    const loaded = await BpfObject.open(${JSON.stringify(object)}).load();
    attachTcx(loaded.programs.get('sample_tc_other'), ${ifindex}, 'egress').pin(${JSON.stringify(pin)});
    process.exit(0);`;
  await site.node('mr').exec(process.execPath, ['--input-type=module', '-e', script]);
  return pin;
}

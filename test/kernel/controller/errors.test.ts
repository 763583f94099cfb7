// What stands in the way is said in words, the rest works on, and the old state stays.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { CLI } from '../../../lab/cli.js';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { CX_SCHEMA } from '../../../src/datapath/index.js';
import { sharedSite } from '../../support/shared-site.js';
import {
  BID,
  down,
  homeAgent,
  mobileRouter,
  PATIENCE,
  type Site,
  toPort,
  withSite,
} from '../../support/site.js';

const inSite = sharedSite();
/** The network alone. */
const inLab = sharedSite({ mr: null, ha: null });

test.serial('an interface of the config that is not there is named, and used when it comes', async (t) => {
  const { bindings } = mobileRouter() as { bindings: object[] };
  const mr = mobileRouter({
    bindings: [...bindings, { bid: 3, name: 'c', priority: 1, interface: 'wc' }],
    ingress: [{ interface: 'lan0' }, { interface: 'lan.1' }],
  });
  await inSite(t, {}, async (site) => {
    await site.mr.restart(mr);
    await site.state(BID.a, 'usable');
    await site.state(3, 'down');
    await site.logged(site.mr, /there is no interface wc now \(INTERFACE_MISSING\)/);
    await site.logged(site.mr, /there is no interface lan\.1 now/);
    const node = site.node('mr');
    await node.ip(`link add wc type veth peer name mrc netns ${site.node('ra').namespace}`);
    await node.ip('link add lan.1 type veth peer name lanp');
    await site.node('ra').batch(['address add 2001:db8:c::1/64 dev mrc nodad', 'link set mrc up']);
    await node.batch([
      'address add 2001:db8:c::2/64 dev wc nodad',
      'link set wc up',
      'route add default via 2001:db8:c::1 dev wc metric 2000',
      'link set lan.1 up',
    ]);
    await site.state(3, 'usable', { careOf: '2001:db8:c::2' });
    const status = await site.status();
    t.deepEqual(
      status.interfaces.filter(({ attach }) => attach === 'none'),
      [],
    );
    // Its priority is the best: what no policy decides leaves by it.
    const ra = await site.capture('ra', 'mrc');
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5500, count: 1 });
    t.is((await ra.waitFor(toPort(5500), { timeout: PATIENCE })).outer.source, '2001:db8:c::2');
    for (const name of ['wc', 'lan.1']) await node.ip(`link del ${name}`);
  });
});

async function coax(site: Site, words: string[], user?: string) {
  const command = user === undefined ? [] : ['setpriv', '--reuid', user, '--regid', user, '--clear-groups'];
  const [program = '', ...args] = [...command, process.execPath, CLI, ...words];
  return site.node('mr').exec(program, args, { mayFail: true });
}

test.serial(
  'a link of somebody else with the name of our home interface is refused and left alone',
  async (t) => {
    await inLab(t, {}, async (site) => {
      const node = site.node('mr');
      await node.ip('link add coax0 type veth peer name other0');
      const file = join(site.lab.directory, 'taken.yaml');
      const bpffs = site.lab.bpffs;
      const settings = { instance: 'taken', socket: join(site.lab.directory, 'taken.sock'), bpffs };
      writeFileSync(file, stringify({ ...mobileRouter(), ...settings }));
      const { stderr, exitCode } = await coax(site, ['up', '--config', file]);
      t.is(exitCode, 1);
      t.regex(stderr, /there is a link coax0 that is not our home interface \(HOME_INTERFACE_TAKEN\)/);
      t.regex(stderr, /hint: .*home\.interface/);
      await coax(site, ['down', '--config', file]);
      t.regex(await node.ip('link show'), /coax0@other0/);
      t.regex(await node.ip('-6 route show default'), /dev wa/);
      await node.ip('link del coax0');
    });
  },
);

test.serial('without privileges: exit status 4 and words', async (t) => {
  await inLab(t, {}, async (site) => {
    const folder = join(site.lab.directory, 'nobody');
    mkdirSync(folder, { mode: 0o777 });
    await site.node('mr').exec('chmod', ['777', folder]);
    await site.node('mr').exec('chmod', ['755', site.lab.directory]);
    const file = join(folder, 'config.yaml');
    const settings = { instance: 'nobody', socket: join(folder, 'nobody.sock'), bpffs: site.lab.bpffs };
    writeFileSync(file, stringify({ ...mobileRouter(), ...settings }));
    const { stderr, exitCode } = await coax(site, ['up', '--config', file], '65534');
    t.is(exitCode, 4, stderr);
    t.regex(stderr, /hint: /);
  });
});

test.serial('a home agent that cannot be reached is a state, not a crash', async (t) => {
  const { routes } = {
    routes: ['default via 2001:db8:b::1 dev wb metric 1025', 'default via 2001:db8:a::1 dev wa metric 1024'],
  };
  await inSite(t, {}, async (site) => {
    await site.state(BID.a, 'usable');
    const node = site.node('mr');
    for (const route of routes) await node.ip(`-6 route del ${route}`);
    await site.state(BID.a, 'no-route');
    await site.state(BID.b, 'no-route');
    await node.ip(`-6 route add ${routes[1]}`);
    await site.state(BID.a, 'usable');

    // A gateway that the kernel refuses concerns that binding only.
    const config = mobileRouter({
      bindings: [
        { bid: BID.a, name: 'a', priority: 10, interface: 'wa', gateway: '2001:db8:dead::1' },
        { bid: BID.b, name: 'b', priority: 20, interface: 'wb', gateway: addresses.accessB },
      ],
    });
    await site.mr.reload(config);
    await site.state(BID.b, 'usable');
    await site.logged(site.mr, /route ::\/0 via 2001:db8:dead::1/);
    t.regex(await node.ip('-6 route show table 7602'), /default via 2001:db8:b::1 dev wb/);
    t.regex(await node.ip('-6 rule show'), /from 2001:db8:b::2 lookup 7602/);
    await node.ip(`-6 route add ${routes[0]}`);
  });
});

test.serial('a full table is named, and what fitted goes on', async (t) => {
  const limits = { routes: 24, neighbours: 1, bindings: 2, policies: 4 };
  await withSite(t, { mr: mobileRouter({ limits }) }, async (site) => {
    await site.ready();
    const node = site.node('mr');
    await node.batch(
      Array.from({ length: 40 }, (_, i) => `route add 2001:db8:f${i.toString(16)}::/64 dev wa`),
    );
    await site.logged(site.mr, /do not fit into cx_routes, which holds 24 \(MAP_FULL\)/);
    const cn = await site.capture('cn', 'eth0');
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5101, count: 1 });
    await cn.waitFor(toPort(5101), { timeout: PATIENCE });
    t.true((await site.status()).problems.some(({ code }) => code === 'MAP_FULL'));
    await node.batch(
      Array.from({ length: 40 }, (_, i) => `route del 2001:db8:f${i.toString(16)}::/64 dev wa`),
    );
    await until(async () => (await site.status()).problems.length === 0, {
      what: 'no problem',
      timeout: PATIENCE,
    });

    // Policies that do not fit: the reload fails, the old generation stays.
    const generation = (await site.status()).generation;
    const many = Array.from({ length: 5 }, (_, i) => ({
      fid: i + 1,
      match: { protocol: 'udp' },
      use: ['a'],
    }));
    await t.throwsAsync(site.mr.reload(mobileRouter({ limits, policies: many })));
    t.is((await site.status()).generation, generation);
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5102, count: 1 });
    await cn.waitFor(toPort(5102), { timeout: PATIENCE });
    await site.mr.reload(mobileRouter({ limits }));
  });
});

test.serial('other limits, another role, another schema: refused with words, traffic flows on', async (t) => {
  await withSite(t, {}, async (site) => {
    await site.ready();
    await site.mr.stop();
    const cn = await site.capture('cn', 'eth0');
    let port = 5101;
    const refused = async (change: Record<string, unknown>, pattern: RegExp): Promise<void> => {
      const good = readFileSync(site.mr.configFile, 'utf8');
      const settings = { instance: site.mr.instance, socket: site.mr.socket, bpffs: site.mr.bpffs };
      writeFileSync(site.mr.configFile, stringify({ ...change, ...settings }));
      const { stderr, exitCode } = await coax(site, ['up', '--config', site.mr.configFile]);
      t.is(exitCode, 1);
      t.regex(stderr, pattern);
      writeFileSync(site.mr.configFile, good);
      port += 1;
      await Stream.send(site.node('lan'), { to: addresses.correspondent, port, count: 1 });
      await cn.waitFor(toPort(port), { timeout: PATIENCE });
    };
    await refused(mobileRouter({ limits: { bindings: 17 } }), /LIMITS_CHANGED[\s\S]*coax down/);
    await refused(homeAgent(1, { interfaces: ['wa'] }), /ROLE_CHANGED[\s\S]*coax down/);
    const foreign = join(site.mr.bpffs, 'coaxial', site.mr.instance, '99');
    mkdirSync(foreign);
    await refused(mobileRouter(), /schema 99[\s\S]*PINNED_STATE_NEWER/);
    rmdirSync(foreign);
    await site.mr.start();
    await site.state(BID.a, 'usable');

    // Pins of some maps are gone while no daemon runs: everything is made anew, and traffic goes on.
    await site.mr.stop();
    await site
      .node('mr')
      .exec('rm', [
        join(site.mr.bpffs, 'coaxial', site.mr.instance, String(CX_SCHEMA), 'maps', 'cx_binding_slot'),
      ]);
    await site.mr.start();
    await site.state(BID.a, 'usable');
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5190, count: 1 });
    await cn.waitFor(toPort(5190), { timeout: PATIENCE });

    // All of them, and the first thing needed to take it down.
    await site.mr.stop();
    await site
      .node('mr')
      .exec('rm', [
        join(site.mr.bpffs, 'coaxial', site.mr.instance, String(CX_SCHEMA), 'maps', 'cx_settings'),
      ]);
    const said = await coax(site, ['down', '--config', site.mr.configFile]);
    t.regex(said.stdout, /removed interface coax0/);
    t.notRegex(await site.node('mr').ip('-6 rule show'), /proto 191/);
    t.notRegex(await down(site.mr), /pin/);
  });
});

test.serial('no BPF file system: said with what to do', async (t) => {
  await inLab(t, {}, async (site) => {
    const file = join(site.lab.directory, 'nofs.yaml');
    const settings = {
      instance: 'nofs',
      socket: join(site.lab.directory, 'nofs.sock'),
      bpffs: site.lab.directory,
    };
    writeFileSync(file, stringify({ ...mobileRouter(), ...settings }));
    const { stderr, exitCode } = await coax(site, ['up', '--config', file]);
    t.is(exitCode, 1);
    t.regex(stderr, /is not a bpf file system \(BPFFS_MISSING\)/);
    t.regex(stderr, /hint: mount one/);
  });
});

test.serial('kernel objects vanish under the daemon: it goes on', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const node = site.node('mr');
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        node.ip('link del coax0', { mayFail: true }),
        node.ip('-6 route flush proto 191', { mayFail: true }),
        node.ip('-6 neigh flush dev wa', { mayFail: true }),
        site.mr.api('POST', '/v1/reload'),
        node.exec(
          'rm',
          ['-rf', join(site.mr.bpffs, 'coaxial', site.mr.instance, String(CX_SCHEMA), 'links')],
          {
            mayFail: true,
          },
        ),
      ]);
      await site.ready();
    }
    const cn = await site.capture('cn', 'eth0');
    await until(
      async () => {
        await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5110, count: 1 });
        return cn.packets(toPort(5110)).length > 0;
      },
      { what: 'traffic', timeout: PATIENCE, interval: 200 },
    );
    t.is((await site.status()).pid, site.mr.pid);
  });
});

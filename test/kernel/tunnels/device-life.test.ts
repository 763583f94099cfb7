// Tunnel devices come and go with their bindings; one that somebody else has made is used and stays.
import type { DaemonConfig, LabDaemon } from '../../../lab/daemon.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { BID, homeAgent, mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';
import { tunnelEnds, WAYS } from './tunnel-site.js';

const { careOfA, correspondent, homeAgent: agent } = addresses;

async function tunnels(daemon: LabDaemon, kind: string): Promise<string[]> {
  const links = JSON.parse(await daemon.node.ip(`-j link show type ${kind}`)) as { ifname?: string }[];
  return links.flatMap(({ ifname }) => ifname ?? []).sort();
}

async function answers(site: Site): Promise<void> {
  await until(
    async () =>
      (await site.node('lan').exec('ping', ['-c', '1', '-W', '2', correspondent], { mayFail: true }))
        .exitCode === 0,
    { what: 'an answer from the correspondent', timeout: PATIENCE },
  );
}

testNeeding(['vxlan'], 'devices go with their bindings, and what they carried goes on', async (t) => {
  t.timeout(400_000);
  await withSite(t, tunnelEnds(t, 'vxlan'), async (site) => {
    await site.ready();
    await answers(site);
    for (const daemon of site.daemons) t.deepEqual(await tunnels(daemon, 'vxlan'), ['coax-1', 'coax-2']);
    await site.mr.reload(mobileRouter());
    await site.ha.reload(homeAgent());
    for (const daemon of site.daemons) {
      await until(async () => (await tunnels(daemon, 'vxlan')).length === 0, {
        what: `no tunnel device on ${daemon.node.name}`,
        timeout: PATIENCE,
      });
    }
    await site.ready();
    await answers(site);
  });
});

testNeeding(['vxlan'], "somebody's link with the name of a device is left alone, and said", async (t) => {
  t.timeout(400_000);
  const { mr, ha } = tunnelEnds(t, 'vxlan');
  await withSite(t, { mr: null, ha }, async (site) => {
    const node = site.node('mr');
    await node.ip('link add name coax-1 type vxlan id 99 dstport 4799 local ::1 remote ::2');
    await node.ip('link set dev coax-1 alias somebody up');
    const daemon = await site.start('mr', mr);
    await site.state(BID.a, 'down');
    await site.state(BID.b, 'usable');
    const { problems } = await site.status(daemon);
    t.deepEqual(
      problems.map(({ code }) => code),
      ['TUNNEL_DEVICE_TAKEN'],
    );
    t.deepEqual(await tunnels(daemon, 'vxlan'), ['coax-1', 'coax-2']);
    await node.ip('link del dev coax-1');
    await site.state(BID.a, 'usable');
    t.deepEqual((await site.status(daemon)).problems, []);
  });
});

testNeeding(['vxlan'], 'an adopted device is used, follows the care-of address, and stays', async (t) => {
  t.timeout(400_000);
  const adopting = (config: object): DaemonConfig =>
    JSON.parse(JSON.stringify(config).replaceAll('"kind":"vxlan"', '"adopt":"mine"'));
  const ends = tunnelEnds(t, 'vxlan');
  const only = (bindings: unknown): object[] =>
    (bindings as { bid: number }[]).filter(({ bid }) => bid === BID.a);
  const [router] = ends.ha.routers as { bindings: unknown }[];
  const mr = adopting({ ...ends.mr, bindings: only(ends.mr.bindings), policies: [] });
  const ha = adopting({
    ...ends.ha,
    routers: [{ ...router, bindings: only(router?.bindings), policies: [] }],
  });
  const made = (local: string, remote: string): string =>
    `link add name mine type vxlan id 77 dstport 4789 nolearning local ${local} remote ${remote}`;
  await withSite(t, { mr: null, ha: null }, async (site) => {
    await site.node('ha').batch([made(agent, careOfA), 'link set dev mine mtu 1400 up']);
    const [first, second] = await Promise.all([site.start('mr', mr), site.start('ha', ha)]);
    await site.state(BID.a, 'down', { daemon: first });
    // Its local address is wrong, which is ours to mend.
    await site.node('mr').batch([made('2001:db8:a::99', agent), 'link set dev mine mtu 1400 up']);
    await site.ready();
    for (const daemon of [first, second]) {
      const [binding] = await site.bindings(daemon);
      t.like(binding, { tunnel: 'device', device: 'mine', mtu: 1400 });
    }
    const ra = await site.capture('ra', 'mr0', WAYS.vxlan.outer);
    await answers(site);
    await ra.waitFor(({ outer }) => outer.source === careOfA, { timeout: PATIENCE });
    await first.coax(['down', '--instance', first.instance, '--bpffs', first.bpffs]);
    t.deepEqual(await tunnels(first, 'vxlan'), ['mine']);
    for (const name of ['mr', 'ha'] as const) await site.node(name).ip('link del dev mine');
  });
});

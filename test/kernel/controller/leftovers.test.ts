// What earlier runs and other names of things leave, and how it is coped with.
import test from 'ava';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { encodeCxPolicyKey, Instance } from '../../../src/datapath/index.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { BID, homeAgent, mobileRouter, PATIENCE, withSite } from '../../support/site.js';

test.serial('an ingress interface known by another name has its neighbours in the fast path', async (t) => {
  await withSite(
    t,
    { mr: mobileRouter({ ingress: [{ interface: 'lan-alias' }] }), ha: null },
    async (site) => {
      await site.state(BID.a, 'usable');
      const node = site.node('mr');
      await site.logged(site.mr, /there is no interface lan-alias now/);
      await node.ip('link property add dev lan0 altname lan-alias');
      await node.exec('ping', ['-6', '-n', '-c', '1', '-W', '5', addresses.lan]);
      await until(
        async () => {
          const rows = await site.rows<{ key: unknown }>('cx_neighbours');
          return rows.some(({ key }) => JSON.stringify(key).includes(addresses.lan));
        },
        { what: 'the neighbour to be in the fast path', timeout: PATIENCE },
      );
      t.deepEqual((await site.status()).problems, []);
    },
  );
});

test.serial('policy ids that a killed daemon left behind are free again after a start', async (t) => {
  const config = (fid: number) =>
    mobileRouter({
      limits: { policies: 1 },
      policies: [{ fid, name: 'one', match: { protocol: 'udp' }, use: ['a'] }],
    });
  await withSite(t, { mr: config(1), ha: null }, async (site) => {
    await site.state(BID.a, 'usable');
    await site.mr.stop();
    {
      // As after an activation whose last step, giving old ids back, never came.
      using keys = BpfMap.fromPin(new Instance(site.mr.instance, site.mr.bpffs).mapPin('cx_policy_keys'));
      const empty = Buffer.alloc(keys.valueSize);
      for (let id = 1; id < keys.maxEntries; id++) {
        if (Buffer.compare(keys.get(encodeWord(id)) ?? empty, empty) === 0) {
          keys.set(encodeWord(id), encodeCxPolicyKey({ router: 1, fid: 900 + id }));
        }
      }
    }
    await site.mr.start();
    await site.state(BID.a, 'usable');
    await site.mr.reload(config(2));
    t.deepEqual(
      (await site.policies()).map(({ fid }) => fid),
      [2],
    );
  });
});

test.serial(
  'a router that is gone is refused at once, an address that is gone after the grace time',
  async (t) => {
    const settings = { 'grace-time': '60s' };
    await withSite(t, { routers: 2, mr: null, ha: homeAgent(2, settings) }, async (site) => {
      const accepted = async (careOf: string): Promise<boolean> =>
        (await site.accepted(site.ha)).includes(`${addresses.homeAgent} ${careOf}`);
      t.true(await accepted(addresses.careOf2));
      await site.ha.reload(homeAgent(1, settings));
      t.false(await accepted(addresses.careOf2), 'nothing of it may pass as the next owner of its number');
      t.true(await accepted(addresses.careOfA));
      const { routers } = homeAgent(1) as unknown as { routers: { bindings: { bid: number }[] }[] };
      const one = routers.map((router) => ({
        ...router,
        policies: [],
        bindings: router.bindings.filter(({ bid }) => bid === BID.b),
      }));
      await site.ha.reload(homeAgent(1, { ...settings, routers: one }));
      t.true(await accepted(addresses.careOfA), 'packets under way are still taken');
    });
  },
);

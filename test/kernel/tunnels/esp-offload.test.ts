// The module esp6_offload leaves encryption to the transmission by a device: our header must not get there first.
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sendDatagrams } from '../../support/datagram.js';
import { withModule } from '../../support/kernel-module.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { mobileRouter, PATIENCE, withSite } from '../../support/site.js';
import { drops } from './leg.js';
import { by, bySpi, checkBulk, ESP_IN_IPV6, protectFlows, ways } from './protected-flows.js';

const { correspondent, home } = addresses;
/** MTU of an uplink with 1400 bytes, less the outer header. */
const NARROW = 1360;
/** With the initialisation vector; what stands behind the text comes with encryption. */
const ESP_HEADER = 16;

/** What the router itself protects would have `auto` be `stack`. */
const entering = (forwarding: 'fast' | 'stack'): object[] => [{ interface: 'lan0', forwarding }];

testNeeding(
  ['ESP', 'esp6_offload'],
  'ESP that is encrypted by the home interface takes the binding of its SPI, mark or ingress interface',
  async (t) => {
    t.timeout(600_000);
    const body = async (): Promise<void> =>
      withSite(t, { mr: mobileRouter({ policies: bySpi('b'), ingress: entering('fast') }) }, async (site) => {
        await protectFlows(site, ['lan', 'mr', 'cn', 'through']);
        await site.ready();
        const mr = site.node('mr');
        const [a, b] = await Promise.all([
          site.capture('ra', 'mr0', ESP_IN_IPV6),
          site.capture('rb', 'mr0', ESP_IN_IPV6),
        ]);
        const at = { a, b };
        t.deepEqual(await ways(site, 'lan', at), [by(0x1001, 'b'), by(0x1002, 'a')], 'forwarded');
        t.is(await site.reason('to-be-encrypted'), 0, 'the host has encrypted it');
        t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'b'), by(0x1012, 'a')], 'the router itself');
        t.true((await site.reason('to-be-encrypted')) > 0, 'the home interface had to encrypt it');
        await ways(site, 'cn', {});

        // Behind the home interface it still has its mark, and the interface that it came in by.
        await mr.nft(`table ip6 marks {
  chain output {
    type route hook output priority mangle;
    udp dport 6311 meta mark set 0x12
  }
}`);
        const marked = { name: 'marked', match: { mark: '0x12/0xff' }, use: ['a'] };
        const host = { name: 'host', match: { interface: 'lan0', spi: 0x1022 }, use: ['b'] };
        const policies = [marked, host, ...bySpi('b')];
        await site.mr.reload(mobileRouter({ policies, ingress: entering('stack') }));
        t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'a'), by(0x1012, 'a')], 'one is marked');
        t.deepEqual(
          await ways(site, 'through', at),
          [by(0x1021, 'b'), by(0x1022, 'b')],
          'protected by the router, one by its ingress interface',
        );
        t.deepEqual(await ways(site, 'lan', at), [by(0x1001, 'b'), by(0x1002, 'a')], 'through the stack');

        await site.mr.reload(mobileRouter({ policies: bySpi('a'), ingress: entering('stack') }));
        for (const sender of ['lan', 'mr', 'through'] as const) await checkBulk(t, site, sender, at);

        const copied = { name: 'copied', match: { spi: [0x1011, 0x1012] }, copy: ['a', 'b'] };
        await site.mr.reload(mobileRouter({ policies: [copied] }));
        t.deepEqual(
          await ways(site, 'mr', at, 2),
          [by(0x1011, 'a'), by(0x1011, 'b'), by(0x1012, 'a'), by(0x1012, 'b')],
          'copies',
        );

        // The length that counts is that of the encrypted packet; the stack, which knows its SPI, learns of it.
        await site.mr.reload(mobileRouter({ policies: bySpi('a') }));
        await mr.ip('link set wb mtu 1400');
        await until(async () => (await site.bindings()).some(({ mtu }) => mtu === NARROW), {
          what: 'the narrow binding',
          timeout: PATIENCE,
        });
        const datagram = { to: correspondent, port: 6312, source: home };
        await sendDatagrams(mr, { ...datagram, size: NARROW - ESP_HEADER });
        await until(
          async () => (await mr.ip(`-6 route get ${correspondent} from ${home}`)).includes(`mtu ${NARROW}`),
          { what: 'the stack to know the narrow path', timeout: PATIENCE },
        );
        t.is(await site.reason('packet-too-big'), 1);
        for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
      });
    await withModule('esp6_offload', body);
  },
);

// Traffic that is protected end to end: the SPI, or the mark of what it protects, chooses the binding.
import { addresses } from '../../../lab/topology.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { homeAgent, mobileRouter, withSite } from '../../support/site.js';
import { drops } from './leg.js';
import { by, bySpi, COUNT, checkBulk, ESP_IN_IPV6, protectFlows, ways } from './protected-flows.js';

const { careOfA, careOfB, homeAgent: agent } = addresses;
const MARK = '0x12/0xff';

function agentBySpi(): ReturnType<typeof homeAgent> {
  const config = homeAgent();
  const [router] = config.routers as object[];
  return { ...config, routers: [{ ...router, policies: bySpi('b') }] };
}

testNeeding(['ESP'], 'the SPI of ESP, or the mark of what it protects, chooses the binding', async (t) => {
  t.timeout(400_000);
  await withSite(t, { mr: mobileRouter({ policies: bySpi('b') }), ha: agentBySpi() }, async (site) => {
    await protectFlows(site, ['lan', 'mr', 'cn']);
    await site.ready();
    const [a, b, core] = await Promise.all([
      site.capture('ra', 'mr0', ESP_IN_IPV6),
      site.capture('rb', 'mr0', ESP_IN_IPV6),
      site.capture('core', 'ha0', ESP_IN_IPV6),
    ]);
    const at = { a, b };
    t.deepEqual(await ways(site, 'lan', at), [by(0x1001, 'b'), by(0x1002, 'a')], 'forwarded');
    t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'b'), by(0x1012, 'a')], 'the router itself');
    t.deepEqual(
      await ways(site, 'cn', { core }),
      [`2001 core ${agent} > ${careOfB} x${COUNT}`, `2002 core ${agent} > ${careOfA} x${COUNT}`],
      'downwards',
    );

    // The other way round, so that no default can be what was seen.
    await site.mr.reload(mobileRouter({ policies: bySpi('a') }));
    t.deepEqual(await ways(site, 'lan', at), [by(0x1001, 'a'), by(0x1002, 'b')], 'forwarded');
    t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'a'), by(0x1012, 'b')], 'the router itself');

    // The mark that netfilter gives a datagram is that of the ESP packet it becomes.
    const marked = { name: 'marked', match: { mark: MARK }, use: ['b', 'a'] };
    await site.mr.reload(mobileRouter({ policies: [marked, ...bySpi('a')] }));
    t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'a'), by(0x1012, 'b')], 'not marked yet');
    await site.node('mr').nft(`table ip6 marks {
  chain output {
    type route hook output priority mangle;
    udp dport 6311 meta mark set 0x12
  }
}`);
    t.deepEqual(await ways(site, 'mr', at), [by(0x1011, 'b'), by(0x1012, 'b')], 'one is marked');
    t.deepEqual(await ways(site, 'lan', at), [by(0x1001, 'a'), by(0x1002, 'b')], 'forwarded, unmarked');

    for (const sender of ['lan', 'mr'] as const) await checkBulk(t, site, sender, at);
    for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
  });
});

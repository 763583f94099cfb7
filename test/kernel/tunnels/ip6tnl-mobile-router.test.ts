// The kernel's ip6tnl where the mobile router's daemon would be, and our home agent.
import { Capture } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { withSite } from '../../support/site.js';
import { type KernelTunnel, remake, tunnelLines } from './kernel-tunnel.js';
import { checkCongestion, checkHeaders, checkSizes, checkTcp, drops, ends, type Leg } from './leg.js';

const { accessA, accessB, careOfA, careOfB, homeAgent } = addresses;
const BYTES = 4 << 20;

const tunnel = (name: string, local: string): KernelTunnel => ({
  ...{ name, local, remote: homeAgent, maker: 'ip6tnl' },
});
const tunnels = { a: tunnel('ta', careOfA), b: tunnel('tb', careOfB) };
const out = (name: string): string => `2001:db8:99::/64 dev ${name}`;

testNeeding(['ip6tnl'], 'an ip6tnl mobile router and our home agent understand each other', async (t) => {
  t.timeout(400_000);
  await withSite(t, { mr: null }, async (site) => {
    const mr = site.node('mr');
    await mr.batch([
      ...tunnelLines(tunnels.a),
      ...tunnelLines(tunnels.b),
      // What has the source of an uplink leaves by it, which the access routers insist on.
      `route add default via ${accessA} dev wa table 101`,
      `route add default via ${accessB} dev wb table 102`,
      `route add ${out('ta')}`,
    ]);
    await mr.ip(`-6 rule add from ${careOfA} table 101`);
    await mr.ip(`-6 rule add from ${careOfB} table 102`);
    await site.ready();
    const { lan, cn } = await ends(site);
    const [ra, rb, core, tcp] = await Promise.all([
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
      site.capture('core', 'ha0'),
      Capture.start(site.node('core'), 'ha0', { filter: 'ip6 and greater 1600', snapLength: 128 }),
    ]);

    // The home agent's policies go by the source port.
    const down = { maker: 'bpf', from: cn, to: lan, port: 7001, wire: core } as const;
    const downA: Leg = { ...down, sourcePort: 5110, outer: { source: homeAgent, destination: careOfA } };
    const downB: Leg = { ...down, sourcePort: 5210, outer: { source: homeAgent, destination: careOfB } };
    for (const leg of [downA, downB]) {
      await checkHeaders(t, leg);
      await checkSizes(t, leg);
    }
    await checkCongestion(t, downB, site.node('core'));

    const up = { from: lan, to: cn, sourcePort: 7002, wire: ra } as const;
    const limited = 'ip6tnl with a tunnel encapsulation limit';
    const upA: Leg = {
      ...{ ...up, maker: 'ip6tnl', port: 6110 },
      outer: { source: careOfA, destination: homeAgent },
    };
    const upB: Leg = {
      ...{ ...upA, port: 6210, wire: rb },
      outer: { source: careOfB, destination: homeAgent },
    };
    const limitedA: Leg = { ...upA, maker: limited, port: 6111 };
    for (const leg of [upA, limitedA]) {
      if (leg.maker === limited) await remake(mr, { ...tunnels.a, maker: limited }, [out('ta')]);
      await checkHeaders(t, leg);
      await checkSizes(t, leg);
      await checkCongestion(t, leg, site.node('core'));
      await checkTcp(t, leg, BYTES, tcp);
    }
    await checkTcp(t, downA, BYTES, tcp);
    await mr.ip(`route replace ${out('tb')}`);
    await checkHeaders(t, upB);
    t.deepEqual(await drops(site, site.ha), []);
  });
});

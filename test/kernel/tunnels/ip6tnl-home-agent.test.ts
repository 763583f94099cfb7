// Our mobile router, and the kernel's ip6tnl where its home agent's daemon would be.
import { Capture } from '../../../lab/capture.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { withSite } from '../../support/site.js';
import { type KernelTunnel, remake, tunnelLines } from './kernel-tunnel.js';
import { checkCongestion, checkHeaders, checkSizes, checkTcp, drops, ends, type Leg } from './leg.js';

const { careOfA, careOfB, homeAgent } = addresses;
const BYTES = 4 << 20;

const tunnel = (name: string, remote: string): KernelTunnel => ({
  ...{ name, local: homeAgent, remote, maker: 'ip6tnl' },
});
const tunnels = { a: tunnel('ta', careOfA), b: tunnel('tb', careOfB) };

testNeeding(['ip6tnl'], 'our mobile router and an ip6tnl home agent understand each other', async (t) => {
  t.timeout(400_000);
  await withSite(t, { ha: null }, async (site) => {
    const ha = site.node('ha');
    const home = (name: string): string => `${prefixes.mobile} dev ${name}`;
    await ha.batch([...tunnelLines(tunnels.a), ...tunnelLines(tunnels.b), `route add ${home('ta')}`]);
    await site.ready();
    const { lan, cn } = await ends(site);
    const [ra, rb, core, tcp] = await Promise.all([
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
      site.capture('core', 'ha0'),
      Capture.start(site.node('core'), 'ha0', { filter: 'ip6 and greater 1600', snapLength: 128 }),
    ]);

    const up = { maker: 'bpf', from: lan, to: cn, sourcePort: 7001 } as const;
    const upA: Leg = { ...up, port: 5110, wire: ra, outer: { source: careOfA, destination: homeAgent } };
    const upB: Leg = { ...up, port: 5210, wire: rb, outer: { source: careOfB, destination: homeAgent } };
    for (const leg of [upA, upB]) {
      await checkHeaders(t, leg);
      await checkSizes(t, leg);
    }
    await checkCongestion(t, upA, site.node('core'));

    const down = { from: cn, to: lan, sourcePort: 7002, wire: core } as const;
    const toA = { source: homeAgent, destination: careOfA };
    const limited = 'ip6tnl with a tunnel encapsulation limit';
    const downA: Leg = { ...down, maker: 'ip6tnl', port: 5120, outer: toA };
    const downB: Leg = { ...downA, port: 5220, outer: { source: homeAgent, destination: careOfB } };
    const limitedA: Leg = { ...downA, maker: limited, port: 5121 };
    for (const leg of [downA, limitedA]) {
      if (leg.maker === limited) await remake(ha, { ...tunnels.a, maker: limited }, [home('ta')]);
      await checkHeaders(t, leg);
      await checkSizes(t, leg);
      await checkCongestion(t, leg, site.node('core'));
      await checkTcp(t, leg, BYTES, tcp);
    }
    await checkTcp(t, upA, BYTES, tcp);
    await ha.ip(`route replace ${home('tb')}`);
    await checkHeaders(t, downB);

    t.deepEqual(await drops(site, site.mr), []);
  });
});

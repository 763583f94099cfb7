// forwarding: auto and fast, and policies of the kernel's IPsec. With ESP: test/kernel/tunnels/forwarded-ipsec.test.ts.
import test from 'ava';
import { Stream } from '../../../lab/stream.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { doctor, ingress, NOTHING, noted } from '../../support/forwarding.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const { correspondent, home, lan } = addresses;
/** Nobody answers here: no path is to be called silent for that. */
const UNWATCHED = { silence: '0s' };
const inSite = sharedSite({ mr: mobileRouter(UNWATCHED) });

const PORT = 5110;
const BLOCK = `src ${prefixes.mobile} dst ${correspondent}/128 proto udp dport ${PORT} dir out`;
const LINE = `src ${prefixes.mobile} dst ${correspondent}/128 proto 17 dport ${PORT} dir out action block`;
/** None of these meets what the LAN sends. */
const OTHERS = [
  `xfrm policy add src ${home}/128 dst ${correspondent}/128 dir out tmpl proto esp mode transport`,
  `xfrm policy add src ${correspondent}/128 dst ${home}/128 dir in tmpl proto esp mode transport level use`,
  `xfrm policy add src ::/0 dst ::/0 dir out if_id 7 tmpl src ${home} dst ${correspondent} proto esp mode tunnel`,
  `xfrm policy add src 192.0.2.0/24 dst 0.0.0.0/0 dir out action block`,
];

/** Sends datagrams from the LAN to a port, which must arrive. */
async function arrive(site: Site, port: number, count: number): Promise<void> {
  const capture = await site.capture('cn', 'eth0');
  await Stream.send(site.node('lan'), { to: correspondent, port, source: lan, count });
  await until(() => capture.packets(toPort(port)).length === count, {
    what: `${count} datagrams to port ${port}`,
    timeout: PATIENCE,
  });
  await capture.stop();
}

test.serial(
  'a policy that blocks forwarded packets blocks them, from when it comes to when it goes',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      const mr = site.node('mr');
      await mr.batch(OTHERS);
      await arrive(site, PORT, 10);
      t.is((await ingress(site))?.note, `fast: auto, ${NOTHING}`);

      await mr.ip(`xfrm policy add ${BLOCK} action block`);
      t.like(await noted(site, /^stack: auto, its packets are seen by 1 IPsec policy, such as /), {
        note: `stack: auto, its packets are seen by 1 IPsec policy, such as ${LINE}`,
        attach: 'none',
      });
      await site.logged(site.mr, /forwarding of lan0: fast -> stack/);
      t.deepEqual(
        (await doctor(site)).map(({ verdict, found }) => `${verdict} ${found}`),
        [`ok auto means stack: fast would bypass IPsec policy ${LINE}`],
      );
      const capture = await site.capture('cn', 'eth0');
      await Stream.send(site.node('lan'), { to: correspondent, port: PORT, source: lan, count: 10 });
      // They were sent after those.
      await arrive(site, PORT + 1, 10);
      await capture.flush();
      t.is(capture.packets(toPort(PORT)).length, 0, 'none of the blocked');
      t.is(capture.packets(toPort(PORT + 1)).length, 10, 'all of the others');

      await mr.ip(`xfrm policy del ${BLOCK}`);
      await noted(site, /^fast: auto/);
      await arrive(site, PORT, 10);
      await mr.ip('xfrm policy setdefault fwd block');
      await noted(site, /1 IPsec policy, such as default dir fwd action block$/);
      await mr.ip('xfrm policy setdefault fwd accept');
      await noted(site, /^fast: auto/);
      await mr.ip('xfrm policy flush');
    });
  },
);

test.serial(
  'policies that were there before are known at the start; fast bypasses them and says so',
  async (t) => {
    const fast = mobileRouter({ ...UNWATCHED, ingress: [{ interface: 'lan0', forwarding: 'fast' }] });
    await inSite(t, {}, async (site) => {
      await site.node('mr').ip(`xfrm policy add ${BLOCK} action block`);
      await site.mr.restart(fast);
      await site.ready();
      t.like(await ingress(site), {
        note: `fast: set by the configuration, bypasses 1 IPsec policy, such as ${LINE}`,
      });
      t.like((await site.status()).problems, [{ code: 'IPSEC_BYPASSED' }]);
      t.deepEqual(
        (await doctor(site)).map(({ verdict, found }) => `${verdict} ${found}`),
        [`warn fast bypasses IPsec policy ${LINE}`],
      );
      await arrive(site, PORT, 10);
      await site.node('mr').ip('xfrm policy flush');
      await noted(site, /^fast: set by the configuration$/);
      t.deepEqual((await site.status()).problems, []);
    });
  },
);

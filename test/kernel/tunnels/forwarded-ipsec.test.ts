// Traffic of the mobile network that the kernel of the mobile router encrypts: from when its policy comes to when it
// goes, none of it is in our tunnel as it was.

import type { CapturedPacket } from '../../../lab/capture.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { randomAead } from '../../support/esp.js';
import { ingress, noted } from '../../support/forwarding.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { PATIENCE, toPort, withSite } from '../../support/site.js';
import { drops } from './leg.js';

const { careOfA, correspondent, home, homeAgent: agent, lan } = addresses;
const [PORT, SPI] = [5110, 0x1201];
const ENOUGH = 10;
const TUNNELLED = 'ip6[6] == 41';

const selector = `src ${prefixes.mobile} dst ${correspondent}/128 proto udp`;
const tunnel = `proto esp reqid ${SPI} mode tunnel`;
const policy = `${selector} dir out tmpl src ${home} dst ${correspondent} ${tunnel}`;

testNeeding(['ESP'], 'a policy that encrypts forwarded packets is not bypassed', async (t) => {
  t.timeout(900_000);
  await withSite(t, {}, async (site) => {
    const [mr, cn] = [site.node('mr'), site.node('cn')];
    await site.ready();
    const state = `xfrm state add src ${home} dst ${correspondent} spi ${SPI} ${tunnel} ${randomAead()}`;
    // The correspondent takes both, so that nothing is lost for coming one way or the other.
    await cn.batch([state, `xfrm policy add ${selector} dir in tmpl ${tunnel} level use`]);
    await mr.batch([state]);
    const [ra, rb, sink] = await Promise.all([
      site.capture('ra', 'mr0', TUNNELLED),
      site.capture('rb', 'mr0', TUNNELLED),
      Sink.start(cn, { ports: [PORT] }),
    ]);
    const stream = await Stream.start(site.node('lan'), {
      ...{ to: correspondent, port: PORT, source: lan, rate: 25 },
    });
    const plain = toPort(PORT);
    const encrypted = ({ transport }: CapturedPacket): boolean => transport?.spi === SPI;
    /** Where the capture is now, and that many packets of a kind after that. */
    const from = async (filter: (packet: CapturedPacket) => boolean): Promise<number> => {
      await ra.flush();
      const position = ra.position;
      for (let next = position, count = 0; count < ENOUGH; count++) {
        const found = await ra.waitFor(filter, { from: next, timeout: PATIENCE });
        next = ra.packets().indexOf(found) + 1;
      }
      return position;
    };

    const before = await from(plain);
    t.regex((await ingress(site))?.note ?? '', /^fast: auto/);
    t.deepEqual(ra.packets(encrypted, before), []);

    await mr.ip(`xfrm policy add ${policy}`);
    const { note, attach } = await noted(site, /^stack: auto/);
    t.regex(note ?? '', /seen by 1 IPsec policy, such as src 2001:db8:1::\/64 .* proto esp mode tunnel$/);
    t.is(attach, 'none');
    const since = await from(encrypted);
    await ra.flush();
    t.deepEqual(ra.packets(plain, since), [], 'none is in the tunnel as it was');
    const outer = ra.packets(encrypted, since).map((one) => `${one.outer.source} > ${one.outer.destination}`);
    t.deepEqual([...new Set(outer)], [`${careOfA} > ${agent}`]);

    await mr.ip(`xfrm policy del ${selector} dir out`);
    await noted(site, /^fast: auto/);
    const again = await from(plain);
    await ra.flush();
    t.deepEqual(ra.packets(encrypted, again), [], 'none is encrypted any more');

    const { sent } = await stream.stop();
    const report = await sink.received(sent, PORT, PATIENCE);
    t.like(report, { received: sent, lost: 0, duplicates: 0 });
    await rb.flush();
    t.deepEqual(rb.packets(), [], 'none by the other uplink');
    t.deepEqual(await drops(site, site.mr), []);
    await Promise.all([stream.end(), sink.end()]);
  });
});

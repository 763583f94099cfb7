// Traffic that is protected end to end, while the care-of address under it changes.
import type { CapturedPacket } from '../../../lab/capture.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { protect } from '../../support/esp.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { BID, homeAgent, mobileRouter, PATIENCE, withSite } from '../../support/site.js';
import { drops } from './leg.js';

const { careOfB, correspondent, home, homeAgent: agent, lan } = addresses;
const FLOWS = [
  { sender: 'lan', source: lan, port: 6301, spi: 0x1001 },
  { sender: 'mr', source: home, port: 6311, spi: 0x1011 },
] as const;
const CHANGES = ['2001:db8:b::22', '2001:db8:b::23', '2001:db8:b::24'];
/** Longer than a slow machine needs for what happens meanwhile. */
const GRACE = { 'grace-time': '60s' };

testNeeding(['ESP'], 'the care-of address changes under protected traffic: 0 lost', async (t) => {
  t.timeout(400_000);
  const policies = [{ name: 'protected', match: { spi: FLOWS.map(({ spi }) => spi) }, use: ['b', 'a'] }];
  await withSite(t, { mr: mobileRouter({ policies, ...GRACE }), ha: homeAgent(1, GRACE) }, async (site) => {
    const [mr, cn] = [site.node('mr'), site.node('cn')];
    for (const { sender, source, port, spi } of FLOWS) {
      await protect({
        ...{ from: site.node(sender), to: cn, source, destination: correspondent, spi, mode: 'transport' },
        selector: `src ${source} dst ${correspondent} proto udp dport ${port}`,
      });
    }
    await site.ready();
    const esp = 'ip6[6] == 41 and ip6[46] == 50';
    const [ra, rb, sink] = await Promise.all([
      site.capture('ra', 'mr0', esp),
      site.capture('rb', 'mr0', esp),
      Sink.start(cn, { ports: [FLOWS[0].port, FLOWS[1].port] }),
    ]);
    const streams = await Promise.all(
      FLOWS.map(({ sender, source, port }) =>
        Stream.start(site.node(sender), { to: correspondent, port, source, rate: 100 }),
      ),
    );
    const from =
      (careOf: string, flow: number) =>
      ({ outer, transport }: CapturedPacket): boolean =>
        outer.source === careOf && transport?.spi === flow;
    const set = async (careOf: string, acceptOnly: boolean): Promise<void> => {
      const path = `/v1/routers/mr1/bindings/${BID.b}`;
      const { status, body } = await site.ha.api('PUT', path, { careOf, acceptOnly });
      t.is(status, 200, JSON.stringify(body));
    };

    let current: string = careOfB;
    for (const next of CHANGES) {
      for (const { spi } of FLOWS) await rb.waitFor(from(current, spi), { timeout: PATIENCE });
      await mr.ip(`address add ${next}/64 dev wb nodad`);
      await until(async () => (await site.accepted()).includes(`${next} ${agent}`), {
        what: `${next} in the accept set`,
        timeout: PATIENCE,
      });
      await set(next, true);
      await mr.ip(`address change ${current}/64 dev wb preferred_lft 0`);
      for (const { spi } of FLOWS) await rb.waitFor(from(next, spi), { timeout: PATIENCE });
      await set(next, false);
      await mr.ip(`address del ${current}/64 dev wb`);
      await site.state(BID.b, 'usable', { careOf: next });
      current = next;
    }

    const sent = await Promise.all(streams.map((stream) => stream.stop()));
    for (const [at, { port, spi }] of FLOWS.entries()) {
      const count = sent[at]?.sent ?? 0;
      t.is(sent[at]?.refused, 0);
      const report = await sink.received(count, port, PATIENCE);
      t.like(report, { received: count, lost: 0, duplicates: 0 }, `port ${port}`);
      t.log(`SPI 0x${spi.toString(16)}: ${report.lost} of ${count} lost in ${CHANGES.length} changes`);
    }
    await Promise.all([ra.flush(), rb.flush()]);
    t.deepEqual(ra.packets(), [], 'none by the other uplink');
    for (const { spi } of FLOWS) {
      const sources = rb.packets(({ transport }) => transport?.spi === spi).map(({ outer }) => outer.source);
      const turns = sources.filter((source, index) => source !== sources[index - 1]);
      t.deepEqual(turns, [careOfB, ...CHANGES], 'each address takes over once and for good');
    }
    for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
    await Promise.all([...streams, sink].map((one) => one.end()));
  });
});

// Tunnel kind external: the kernel makes the outer header, the binding's rule chooses the link.
import test from 'ava';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { BID, homeAgent, mobileRouter, PATIENCE, toPort, withSite } from '../../support/site.js';

interface Bindings {
  bindings: Record<string, unknown>[];
}

/** The same config with all its bindings external. */
function external<T extends Readonly<Record<string, unknown>>>(config: T): T {
  const change = (part: object): void => {
    for (const binding of (part as Bindings).bindings) binding.tunnel = 'external';
  };
  if (config.role === 'home-agent') for (const router of config.routers as object[]) change(router);
  else change(config);
  return { ...config, external: {} };
}

test.serial('an external tunnel leaves by its own link, whatever the main table says', async (t) => {
  await withSite(t, { mr: external(mobileRouter()), ha: external(homeAgent()) }, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    // Of the machine's own defaults the one of uplink B comes first, then the one of uplink A.
    for (const [first, gateway] of [
      ['wb', addresses.accessB],
      ['wa', addresses.accessA],
    ] as const) {
      await mr.ip(`-6 route replace 2001:db8:ffff::/64 via ${gateway} dev ${first} metric 10`);
      const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
      const port = first === 'wb' ? 0 : 10;
      const sink = await Sink.start(site.node('cn'), { ports: [5110 + port, 5210 + port], echo: true });
      const streams = await Promise.all(
        [5110, 5210].map((base) =>
          Stream.start(site.node('lan'), { to: addresses.correspondent, port: base + port, count: 5 }),
        ),
      );
      await sink.received(5, 5110 + port, PATIENCE);
      await sink.received(5, 5210 + port, PATIENCE);
      await Promise.all([ra.flush(), rb.flush()]);
      for (const [capture, own, other, careOf] of [
        [ra, 5110, 5210, addresses.careOfA],
        [rb, 5210, 5110, addresses.careOfB],
      ] as const) {
        const packets = capture.packets(toPort(own + port));
        t.is(packets.length, 5, `${careOf}, main route by ${first}`);
        for (const { outer, tunnel } of packets) {
          t.is(outer.source, careOf);
          t.is(tunnel?.kind, 'vxlan');
        }
        t.is(capture.packets(toPort(other + port)).length, 0);
      }
      await Promise.all([...streams, sink].map((program) => program.end()));
      await Promise.all([ra.stop(), rb.stop()]);
    }
    // One uplink fails: its flows take the other one's tunnel and source.
    await site.lab.uplinkDown('a');
    await site.state(BID.a, 'down');
    const rb = await site.capture('rb', 'mr0');
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5130, count: 1 });
    const moved = await rb.waitFor(toPort(5130), { timeout: PATIENCE });
    t.is(moved.outer.source, addresses.careOfB);
    t.is(moved.tunnel?.kind, 'vxlan');
  });
});

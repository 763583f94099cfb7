/** Fragments of real hosts: all of a datagram take the way of the first; every verdict is from the wire. */
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { innermost } from '../../../lab/packet.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE } from '../../support/site.js';

const inSite = sharedSite();

/** UDP to this port takes uplink B, everything else A. */
const PORT = 5200;
const COUNT = 20;
/** Three fragments inside the tunnel's MTU. */
const SIZE = 4000;
const FRAGMENTS = 3;

const isFragment = ({ transport }: CapturedPacket): boolean => transport?.fragmentOffset !== undefined;

for (const forwarding of ['fast', 'stack']) {
  for (const from of ['lan', 'mr'] as const) {
    test.serial(
      `fragments from ${from === 'lan' ? 'the mobile network' : 'the router'}, ${forwarding}`,
      async (t) => {
        const config = mobileRouter({ ingress: [{ interface: 'lan0', forwarding }] });
        await inSite(t, { mr: config }, async (site) => {
          await site.ready();
          const sink = await Sink.start(site.node('cn'), { ports: [PORT] });
          t.teardown(() => sink.end());
          // So that no fragment is too big for the tunnel.
          await site.node('lan').ip('link set eth0 mtu 1400');
          const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
          await Stream.send(site.node(from), {
            to: addresses.correspondent,
            port: PORT,
            count: COUNT,
            size: SIZE,
            rate: 100,
          });
          const ours = (packet: CapturedPacket): boolean =>
            innermost(packet).destination === addresses.correspondent && packet.inner !== undefined;
          await until(() => rb.packets(ours).length === COUNT * FRAGMENTS, {
            what: `${COUNT * FRAGMENTS} fragments on uplink B`,
            timeout: PATIENCE,
          });
          t.is(rb.packets(ours).filter(isFragment).length, COUNT * (FRAGMENTS - 1));
          t.deepEqual(ra.packets(ours), [], 'none took the other one');
          t.is((await sink.received(COUNT, PORT, PATIENCE)).received, COUNT, 'whole datagrams');
          t.is(await site.reason('also-fragment-alone'), 0);
          await site.node('lan').ip('link set eth0 mtu 1500');
        });
      },
    );
  }
}

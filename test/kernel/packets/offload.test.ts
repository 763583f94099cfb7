/** Segmentation and receive offload, fragments, and a tunnel over our tunnel: nothing is lost or torn. */
import test from 'ava';
import { Capture, type CapturedPacket } from '../../../lab/capture.js';
import { innermost, Protocol } from '../../../lab/packet.js';
import { Sink } from '../../../lab/stream.js';
import { addresses, type NodeName } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { transfer } from '../../support/bulk.js';
import { sendDatagrams } from '../../support/datagram.js';
import { sharedSite } from '../../support/shared-site.js';
import { type Site, toPort } from '../../support/site.js';

const { correspondent, home, lan } = addresses;
const UPLINK_MTU = 1500;
const ETHERNET = 14;
const HEADERS = 48;
/** A retransmission by timeout stalls longer, seconds. */
const STALL = 0.35;

const inSite = sharedSite();

const large = ({ length }: CapturedPacket): boolean => length > ETHERNET + UPLINK_MTU;

/** Packets counted under reasons that mean loss. */
async function lost(site: Site): Promise<string[]> {
  const rows = await Promise.all(
    site.daemons.map(async (daemon) => (await site.counted(daemon)).map((row) => ({ ...row, daemon }))),
  );
  return (
    rows
      .flat()
      // The stack's own multicast at the home interface goes nowhere, and is no loss.
      .filter(
        ({ reason, packets }) => packets > 0 && reason.startsWith('drop-') && reason !== 'drop-link-scope',
      )
      .map(({ daemon, hook, reason, packets }) => `${daemon.node.name} ${hook} ${reason} ${packets}`)
  );
}

test.serial('UDP_SEGMENT: one call, many datagrams, each whole at the other end', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const sink = await Sink.start(site.node('cn'), { ports: [5110] });
    const [atRa, atCn] = await Promise.all([site.capture('ra', 'mr0'), site.capture('cn', 'eth0')]);
    const [calls, segments, segment] = [20, 30, 1200];
    const senders: [NodeName, string][] = [
      ['lan', lan],
      ['mr', home],
    ];
    for (const [node, source] of senders) {
      const from = [atRa.position, atCn.position] as const;
      await sendDatagrams(site.node(node), {
        ...{ to: correspondent, port: 5110, source, count: calls },
        ...{ segment, size: HEADERS + segments * segment },
      });
      const arrived = (): number =>
        atCn
          .packets(toPort(5110), from[1])
          .reduce((sum, packet) => sum + (innermost(packet).payloadLength - 8) / segment, 0);
      await atCn.waitFor(() => arrived() >= calls * segments, { what: 'all datagrams' });
      t.is(arrived(), calls * segments, node);
      await atRa.flush();
      t.true(atRa.packets(toPort(5110), from[0]).some(large), `${node}: offload is kept`);
    }
    // A segment too large for the binding: the answer is about one segment, not about what offload makes.
    const atLan = await site.capture('lan', 'eth0');
    await sendDatagrams(site.node('lan'), {
      ...{ to: correspondent, port: 5110, segment: 1440 },
      size: HEADERS + 10 * 1440,
    });
    const told = await atLan.waitFor(({ transport }) => transport?.icmpType === 2);
    t.is(told.transport?.icmpMtu, 1460);
    t.is(
      Buffer.from(told.payload).readUInt16BE(4),
      8 + 1440,
      'the quoted length is that of the first segment',
    );
    t.deepEqual(await lost(site), []);
    await sink.end();
  });
});

test.serial('receive offload on the way: TCP and UDP that were gathered are sent on whole', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    // The host sends packet by packet, and the router gathers them.
    const mr = site.node('mr');
    const offload = async (host: 'on' | 'off', router: 'on' | 'off'): Promise<void> => {
      await site
        .node('lan')
        .exec('ethtool', ['-K', 'eth0', 'tso', host, 'gso', host, 'tx-udp-segmentation', host]);
      await mr.exec('ethtool', ['-K', 'lan0', 'gro', router, 'rx-udp-gro-forwarding', router]);
    };
    await offload('off', 'on');
    const sample = await Capture.start(site.node('ra'), 'mr0', {
      filter: 'ip6[6] == 41 and ip6[46] == 6 and greater 1600',
      snapLength: 128,
      count: 20,
    });
    const server = { node: site.node('cn'), address: correspondent, port: 5301 };
    const bulk = await transfer(site.node('lan'), server, { seconds: 1 });
    t.true(bulk.bytes > 1e6 && bulk.longestStall < STALL, JSON.stringify(bulk));
    await sample.stop();
    t.true(sample.position > 0, 'packets of more than one segment leave the router');

    const atCn = await site.capture('cn', 'eth0');
    const [count, payload] = [500, 1000];
    await sendDatagrams(site.node('lan'), { to: correspondent, port: 5110, count, size: HEADERS + payload });
    const arrived = (): number =>
      atCn
        .packets(toPort(5110))
        .reduce((sum, packet) => sum + (innermost(packet).payloadLength - 8) / payload, 0);
    await atCn.waitFor(() => arrived() >= count, { what: 'all datagrams' });
    t.is(arrived(), count);
    t.deepEqual(await lost(site), []);
    await offload('on', 'off');
  });
});

test.serial('vxlan over the home address: ping of all sizes, TCP with offload', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const [mr, cn] = [site.node('mr'), site.node('cn')];
    const vxlan = (local: string, remote: string, address: string): string[] => [
      `link add vx0 type vxlan id 7 local ${local} remote ${remote} dstport 4790`,
      `address add ${address}/64 dev vx0 nodad`,
      'link set vx0 mtu 1390 up',
    ];
    await mr.batch(vxlan(home, correspondent, 'fd00::1'));
    await cn.batch(vxlan(correspondent, home, 'fd00::2'));
    for (const size of [56, 1200, 1342]) {
      const ping = `-6 -n -c 3 -i 0.05 -M do -s ${size} fd00::2`.split(' ');
      const { stdout } = await mr.exec('ping', ping, { mayFail: true });
      t.regex(stdout, / 0% packet loss/, `${size} bytes`);
    }
    const server = { node: cn, address: 'fd00::2', port: 5301 };
    for (const reverse of [false, true]) {
      const bulk = await transfer(mr, server, { seconds: 1, reverse });
      t.log(`${(bulk.bitsPerSecond / 1e9).toFixed(2)} Gbit/s, ${bulk.retransmits} sent again`);
      t.true(bulk.bytes > 1e6 && bulk.longestStall < STALL, JSON.stringify(bulk));
    }
    t.true((await site.reason('to-be-segmented')) > 0, 'the home interface has cut up what it carried');
    t.deepEqual(await lost(site), []);

    // Its binding gets narrower than the home interface: the tunnel over ours learns of it.
    await mr.ip('link set wa mtu 1400');
    await until(async () => (await site.bindings()).some(({ mtu }) => mtu === 1360), { what: 'binding a' });
    t.is((await mr.link('coax0')).mtu, 1460);
    const narrow = await transfer(mr, server, { seconds: 1 });
    t.true(narrow.bytes > 1e6 && narrow.longestStall < STALL, JSON.stringify(narrow));
    t.true((await site.reason('packet-too-big')) > 0);
    t.deepEqual(await lost(site), []);
    for (const node of [mr, cn]) await node.ip('link del vx0');
    await mr.ip('link set wa mtu 1500');
  });
});

test.serial('fragments pass in both directions, and all of a packet take one way', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const atRa = await site.capture('ra', 'mr0', 'ip6 and not tcp');
    // The first ones are too big for the tunnel and are answered.
    const { stdout } = await site
      .node('lan')
      .exec('ping', ['-6', '-n', '-c', '10', '-i', '0.1', '-s', '4000', '-M', 'dont', correspondent], {
        mayFail: true,
      });
    const received = Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
    t.true(received >= 8, stdout);
    await atRa.flush();
    const fragments = atRa.packets(
      ({ inner, transport }) => inner?.source === lan && transport?.protocol === Protocol.ICMPV6,
    );
    t.true(fragments.length >= 3 * received);
    const labels = new Set(fragments.map(({ outer }) => outer.flowLabel));
    t.is(labels.size, 1, 'one outer flow label for all fragments of a flow');
    t.deepEqual(await lost(site), []);
  });
});

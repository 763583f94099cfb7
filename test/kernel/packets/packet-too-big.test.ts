/** Packet Too Big from the chosen binding and from inside the tunnel; every verdict is from the wire. */
import test from 'ava';
import type { Capture, CapturedPacket } from '../../../lab/capture.js';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { innermost, Protocol } from '../../../lab/packet.js';
import { Sink } from '../../../lab/stream.js';
import { addresses, type NodeName } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { StatusView } from '../../../src/views/index.js';
import { transfer } from '../../support/bulk.js';
import { converse, type DatagramOptions, sendDatagrams } from '../../support/datagram.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, homeAgent, mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const { correspondent, home, lan, homeAgent: HA } = addresses;
/** Ports of the two uplinks, see site.ts; TCP follows the same numbers here. */
const PORT = { a: 5110, b: 5210 } as const;
const OUTER = 40;
const NARROW = 1400;
/** Enough to meet every queue; a stall shows at any rate. */
const MBITS = 500;

const withTcp = (config: DaemonConfig, side: 'source-port' | 'destination-port'): DaemonConfig => ({
  ...config,
  policies: ['udp', 'tcp'].flatMap((protocol, at) => [
    { fid: 2 * at + 1, name: `${protocol}-a`, match: { protocol, [side]: '5100-5199' }, use: ['a', 'b'] },
    { fid: 2 * at + 2, name: `${protocol}-b`, match: { protocol, [side]: '5200-5299' }, use: ['b', 'a'] },
  ]),
});
const mr = withTcp(mobileRouter(), 'destination-port');

/** The home agent; `mtu` is the path of binding b as far as it knows. */
function ha(mtu?: number): DaemonConfig {
  const config = homeAgent();
  const [router] = config.routers as { bindings: object[] }[];
  const [a, b] = router?.bindings ?? [];
  return {
    ...config,
    routers: [
      withTcp({ ...router, bindings: [a, { ...b, ...(mtu === undefined ? {} : { mtu }) }] }, 'source-port'),
    ],
  };
}

const inSite = sharedSite({ mr, ha: ha() });

/** Both ends of the link between two nodes. */
async function setMtu(site: Site, mtu: number, ...ends: [NodeName, string][]): Promise<void> {
  for (const [node, name] of ends) await site.node(node).ip(`link set ${name} mtu ${mtu}`);
}

async function bindingMtu(site: Site, bid: number, mtu: number): Promise<void> {
  await until(
    async () => (await site.bindings()).some((binding) => binding.bid === bid && binding.mtu === mtu),
    {
      what: `binding ${bid} to have an MTU of ${mtu}`,
      timeout: PATIENCE,
    },
  );
}

const isTooBig = ({ transport }: CapturedPacket): boolean =>
  transport?.protocol === Protocol.ICMPV6 && transport.icmpType === 2;

/** Sends a packet and answers with the Packet Too Big that comes back: `MTU from SOURCE`. */
async function refused(
  site: Site,
  node: NodeName,
  capture: Capture,
  probe: DatagramOptions,
): Promise<string> {
  const from = capture.position;
  await sendDatagrams(site.node(node), probe);
  const answer = await capture.waitFor(isTooBig, { from, what: `a Packet Too Big for ${probe.size} bytes` });
  return `${answer.transport?.icmpMtu} from ${answer.outer.source} to ${answer.outer.destination}`;
}

/** Sends a packet and waits until it has arrived. */
async function passes(
  site: Site,
  node: NodeName,
  at: Capture,
  probe: DatagramOptions,
): Promise<CapturedPacket> {
  const from = at.position;
  await sendDatagrams(site.node(node), probe);
  return at.waitFor(
    (packet) => toPort(probe.port)(packet) && innermost(packet).payloadLength === probe.size - OUTER,
    { from, what: `${probe.size} bytes to port ${probe.port}` },
  );
}

test.serial('each sender is told the MTU of the binding that its packet takes', async (t) => {
  await inSite(t, { ha: ha(NARROW) }, async (site) => {
    await setMtu(site, NARROW, ['mr', 'wb'], ['rb', 'mr0']);
    await bindingMtu(site, BID.b, NARROW - OUTER);
    await site.ready();
    const [atLan, atCn, atHome, atRa, atRb] = await Promise.all([
      site.capture('lan', 'eth0'),
      site.capture('cn', 'eth0'),
      site.capture('mr', 'coax0'),
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
    ]);
    t.is((await site.node('mr').link('coax0')).mtu, 1460, 'the home interface has the largest MTU');

    // Upwards, forwarded: the largest that fits, and one byte more.
    for (const [port, mtu] of [
      [PORT.a, 1460],
      [PORT.b, 1360],
    ] as const) {
      const probe = { to: correspondent, port };
      await passes(site, 'lan', atCn, { ...probe, size: mtu });
      const from = [atRa.position, atRb.position] as const;
      t.is(await refused(site, 'lan', atLan, { ...probe, size: mtu + 1 }), `${mtu} from ${home} to ${lan}`);
      await Promise.all([atRa.flush(), atRb.flush()]);
      const left = [...atRa.packets(toPort(port), from[0]), ...atRb.packets(toPort(port), from[1])];
      t.deepEqual(left, [], 'it leaves by no uplink');
    }
    // What the router sends itself: it learns too.
    const own = { to: correspondent, source: home };
    await passes(site, 'mr', atCn, { ...own, port: PORT.b, size: 1360 });
    t.is(
      await refused(site, 'mr', atHome, { ...own, port: PORT.b, size: 1361 }),
      `1360 from ${home} to ${home}`,
    );
    const route = await site.node('mr').ip(`route get ${correspondent} from ${home}`);
    t.regex(route, /mtu 1360/);
    await passes(site, 'mr', atCn, { ...own, port: PORT.a, size: 1460 });
    // Downwards the home agent answers.
    for (const [sourcePort, mtu] of [
      [PORT.a, 1460],
      [PORT.b, 1360],
    ] as const) {
      const probe = { to: lan, port: 7000, sourcePort };
      await passes(site, 'cn', atLan, { ...probe, size: mtu });
      t.is(
        await refused(site, 'cn', atCn, { ...probe, size: mtu + 1 }),
        `${mtu} from ${HA} to ${correspondent}`,
      );
    }
    t.is(await site.reason('packet-too-big'), 3);
    t.is(await site.reason('packet-too-big', site.ha), 2);

    // When the narrow one takes over, the next packet gets its MTU.
    await site.setBinding(BID.a, { down: true });
    await site.state(BID.a, 'disabled');
    t.is(
      await refused(site, 'lan', atLan, { to: correspondent, port: PORT.a, size: 1460 }),
      `1360 from ${home} to ${lan}`,
    );
    await site.setBinding(BID.a, { down: false });
    await setMtu(site, 1500, ['mr', 'wb'], ['rb', 'mr0']);
  });
});

test.serial('an uplink whose tunnel would be too narrow is refused with words', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const atLan = await site.capture('lan', 'eth0');
    await setMtu(site, 1280, ['mr', 'wb'], ['rb', 'mr0']);
    await site.state(BID.b, 'down');
    const { problems } = (await site.mr.api('GET', '/v1/status')).body as StatusView;
    const [problem] = problems.filter(({ code }) => code === 'PATH_TOO_NARROW');
    t.regex(problem?.message ?? '', /wb has an MTU of 1280; tunnel bpf needs 1320/);
    // Its flows take the other one.
    t.is(
      await refused(site, 'lan', atLan, { to: correspondent, port: PORT.b, size: 1461 }),
      `1460 from ${home} to ${lan}`,
    );
    // The smallest that does.
    await setMtu(site, 1320, ['mr', 'wb'], ['rb', 'mr0']);
    await bindingMtu(site, BID.b, 1280);
    await site.state(BID.b, 'usable');
    t.is(
      await refused(site, 'lan', atLan, { to: correspondent, port: PORT.b, size: 1281 }),
      `1280 from ${home} to ${lan}`,
    );
    await setMtu(site, 1500, ['mr', 'wb'], ['rb', 'mr0']);
  });
});

test.serial('TCP and UDP of the size of QUIC get through without stalls', async (t) => {
  await inSite(t, { ha: ha(NARROW) }, async (site) => {
    await setMtu(site, NARROW, ['mr', 'wb'], ['rb', 'mr0']);
    await bindingMtu(site, BID.b, NARROW - OUTER);
    await site.ready();
    const cn = site.node('cn');
    const sink = await Sink.start(cn, { ports: [PORT.a, PORT.b], echo: true });
    const senders: [NodeName, string][] = [
      ['lan', lan],
      ['mr', home],
    ];
    for (const [node, source] of senders) {
      for (const port of [PORT.a, PORT.b]) {
        // What the other flow has learnt is another destination's for TCP only in this respect.
        for (const name of ['lan', 'mr', 'cn'] as const) await site.node(name).ip('-6 route flush cache');
        const about = `${node} to ${port}`;
        const quic = { to: correspondent, source, port, size: 1350 + 48, count: 30 };
        const said = await converse(site.node(node), quic);
        // One datagram in each direction is the price of learning.
        t.true(said.timeouts <= 2, `${about}: ${JSON.stringify(said)}`);
        t.is(said.size, port === PORT.a ? 1350 : 1360 - 48, about);
        for (const name of ['lan', 'mr', 'cn'] as const) await site.node(name).ip('-6 route flush cache');
        for (const reverse of [false, true]) {
          const server = { node: cn, address: correspondent, port };
          const bulk = await transfer(site.node(node), server, { seconds: 1, source, reverse, mbits: MBITS });
          t.true(bulk.bytes > 1e6, `${about}: ${JSON.stringify(bulk)}`);
          t.true(bulk.longestStall < 0.35, `${about}: ${JSON.stringify(bulk)}`);
          t.log(
            `${about}${reverse ? ' back' : ''}: ${(bulk.bitsPerSecond / 1e9).toFixed(2)} Gbit/s, stall ${bulk.longestStall.toFixed(1)} s`,
          );
        }
      }
    }
    await sink.end();
    await setMtu(site, 1500, ['mr', 'wb'], ['rb', 'mr0']);
  });
});

test.serial('errors from inside the tunnel reach the inner sender', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const [atLan, atCn, atHome] = await Promise.all([
      site.capture('lan', 'eth0'),
      site.capture('cn', 'eth0'),
      site.capture('mr', 'coax0'),
    ]);
    // A link that neither end of the tunnel sees.
    await setMtu(site, NARROW, ['rb', 'core0'], ['core', 'rb0']);
    const there = { to: correspondent, port: PORT.b };
    await passes(site, 'lan', atCn, { ...there, size: 1360 });
    t.is(await refused(site, 'lan', atLan, { ...there, size: 1361 }), `1360 from ${home} to ${lan}`);
    t.is(
      await refused(site, 'mr', atHome, { ...there, source: home, size: 1361 }),
      `1360 from ${home} to ${home}`,
    );
    t.regex(await site.node('mr').ip(`route get ${correspondent} from ${home}`), /mtu 1360/);
    const back = { to: lan, port: 7000, sourcePort: PORT.b };
    await passes(site, 'cn', atLan, { ...back, size: 1360 });
    t.is(await refused(site, 'cn', atCn, { ...back, size: 1361 }), `1360 from ${HA} to ${correspondent}`);
    t.is(await site.reason('error-relayed'), 2);
    t.is(await site.reason('error-relayed', site.ha), 1);
    t.is(await site.reason('packet-too-big'), 0);

    const bulk = await transfer(
      site.node('lan'),
      { node: site.node('cn'), address: correspondent, port: PORT.b },
      { seconds: 1, mbits: MBITS },
    );
    t.true(bulk.longestStall < 0.35, JSON.stringify(bulk));

    // No route to the home agent behind the access router.
    await site.node('rb').ip(`route add unreachable ${HA}/128`);
    const from = atLan.position;
    await sendDatagrams(site.node('lan'), { ...there, size: 100 });
    const told = await atLan.waitFor(
      ({ transport }) => transport?.protocol === Protocol.ICMPV6 && transport.icmpType === 1,
      { from },
    );
    t.is(`${told.transport?.icmpCode} from ${told.outer.source}`, `3 from ${home}`);
    await site.node('rb').ip(`route del unreachable ${HA}/128`);
    await setMtu(site, 1500, ['rb', 'core0'], ['core', 'rb0']);
  });
});

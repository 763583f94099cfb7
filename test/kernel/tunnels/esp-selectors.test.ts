// Traffic that is protected end to end: the SPI, or the mark of the packet inside, chooses the binding.
import type { Capture, CapturedPacket } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sendDatagrams } from '../../support/datagram.js';
import { protect } from '../../support/esp.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { nftCounters } from '../../support/nft-counters.js';
import { homeAgent, mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';
import { copyOverTcp } from '../../support/tcp-copy.js';
import { drops } from './leg.js';

const { careOfA, careOfB, correspondent, home, homeAgent: agent, lan } = addresses;

type Sender = 'lan' | 'mr' | 'cn';

/** UDP to each port has a security association of its own. */
const FLOWS: Readonly<Record<Sender, readonly { port: number; spi: number }[]>> = {
  lan: [
    { port: 6301, spi: 0x1001 },
    { port: 6302, spi: 0x1002 },
  ],
  mr: [
    { port: 6311, spi: 0x1011 },
    { port: 6312, spi: 0x1012 },
  ],
  cn: [
    { port: 6321, spi: 0x2001 },
    { port: 6322, spi: 0x2002 },
  ],
};
/** TCP, one connection each. */
const BULK = [
  { sender: 'lan', source: lan, port: 6401, spi: 0x1101 },
  { sender: 'mr', source: home, port: 6402, spi: 0x1102 },
] as const;
const BYTES = 1 << 20;
const FIRST = [0x1001, 0x1011, 0x2001];
const SECOND = [0x1002, 0x1012, 0x2002, ...BULK.map(({ spi }) => spi)];
const MARK = '0x12/0xff';
const COUNT = 5;
const RECEIVERS = ['cn', 'lan'] as const;
const ESP_IN_IPV6 = 'ip6[6] == 41 and ip6[46] == 50';

const bySpi = (first: 'a' | 'b'): object[] => [
  { name: 'first', match: { spi: FIRST }, use: [first] },
  { name: 'second', match: { spi: SECOND }, use: [first === 'a' ? 'b' : 'a'] },
];

function agentBySpi(): ReturnType<typeof homeAgent> {
  const config = homeAgent();
  const [router] = config.routers as object[];
  return { ...config, routers: [{ ...router, policies: bySpi('b') }] };
}

async function protectFlows(site: Site): Promise<void> {
  const ends: Record<Sender, [string, 'cn' | 'lan', string]> = {
    lan: [lan, 'cn', correspondent],
    mr: [home, 'cn', correspondent],
    cn: [correspondent, 'lan', lan],
  };
  for (const [sender, [source, receiver, destination]] of Object.entries(ends)) {
    for (const { port, spi } of FLOWS[sender as Sender]) {
      await protect({
        ...{ from: site.node(sender as Sender), to: site.node(receiver), source, destination, spi },
        ...{ selector: `src ${source} dst ${destination} proto udp dport ${port}`, mode: 'transport' },
      });
    }
  }
}

/** Counts what comes out of ESP; the kernel takes these ports in no other way. */
function arrivals(receiver: 'cn' | 'lan'): string {
  const senders: Sender[] = receiver === 'cn' ? ['lan', 'mr'] : ['cn'];
  const ports = senders.flatMap((sender) => FLOWS[sender].map(({ port }) => port));
  return `table ip6 arrivals {
  ${ports.map((port) => `counter port${port} {}`).join('\n  ')}
  chain input {
    type filter hook input priority filter;
    ${ports.map((port) => `udp dport ${port} counter name port${port}`).join('\n    ')}
  }
}`;
}

/** Sends some of both flows; where they were seen on their way: `SPI link outer source > outer destination`. */
async function ways(site: Site, sender: Sender, at: Readonly<Record<string, Capture>>): Promise<string[]> {
  const flows = FLOWS[sender];
  const [source, to, receiver] = (
    {
      lan: [lan, correspondent, site.node('cn')],
      mr: [home, correspondent, site.node('cn')],
      cn: [correspondent, lan, site.node('lan')],
    } as const
  )[sender];
  const from = Object.values(at).map((capture) => capture.position);
  const before = await nftCounters(receiver);
  await sendDatagrams(
    site.node(sender),
    ...flows.map(({ port }) => ({ to, port, source, size: 200, count: COUNT })),
  );
  const missing = async (): Promise<number> => {
    const now = await nftCounters(receiver);
    const came = flows.map(({ port }) => (now[`port${port}`] ?? 0) - (before[`port${port}`] ?? 0));
    return came.reduce((sum, packets) => sum + COUNT - packets, 0);
  };
  await until(async () => (await missing()) === 0, {
    what: `the datagrams of ${sender} to arrive`,
    timeout: PATIENCE,
  });
  await Promise.all(Object.values(at).map((capture) => capture.flush()));
  const isOurs = ({ transport, inner }: CapturedPacket): boolean =>
    inner?.source === source && flows.some(({ spi }) => spi === transport?.spi);
  const seen = Object.entries(at).flatMap(([link, capture], index) =>
    capture
      .packets(isOurs, from[index] ?? 0)
      .map(
        ({ transport, outer }) =>
          `${transport?.spi?.toString(16)} ${link} ${outer.source} > ${outer.destination}`,
      ),
  );
  return [...new Set(seen)].sort();
}

const by = (spi: number, uplink: 'a' | 'b'): string =>
  `${spi.toString(16)} ${uplink} ${uplink === 'a' ? careOfA : careOfB} > ${agent}`;

testNeeding(['ESP'], 'the SPI of ESP, or the mark of what it protects, chooses the binding', async (t) => {
  t.timeout(400_000);
  await withSite(t, { mr: mobileRouter({ policies: bySpi('b') }), ha: agentBySpi() }, async (site) => {
    await protectFlows(site);
    await Promise.all(RECEIVERS.map((receiver) => site.node(receiver).nft(arrivals(receiver))));
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
      [`2001 core ${agent} > ${careOfB}`, `2002 core ${agent} > ${careOfA}`],
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

    // What offload would make too large is cut up before it is encrypted, and is whole at the other end.
    for (const { sender, source, port, spi } of BULK) {
      const [from, to] = [site.node(sender), site.node('cn')];
      const selector = `src ${source} dst ${correspondent} proto tcp dport ${port}`;
      await protect({ from, to, source, destination: correspondent, spi, selector, mode: 'transport' });
      const before = [a.position, b.position] as const;
      const { sent, arrived } = await copyOverTcp(from, to, { to: correspondent, port, bytes: BYTES });
      t.is(arrived, sent, sender);
      await Promise.all([a.flush(), b.flush()]);
      const data = ({ transport }: CapturedPacket): boolean => transport?.spi === spi;
      t.is(a.packets(data, before[0]).length, 0, `${sender}: packets by A`);
      t.true(b.packets(data, before[1]).length > BYTES / 1460, `${sender}: packets by B`);
    }
    for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
  });
});

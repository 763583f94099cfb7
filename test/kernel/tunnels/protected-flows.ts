// Traffic that is protected end to end: whose it is, how it is sent, and by which way it went.
import type { ExecutionContext } from 'ava';
import type { Capture, CapturedPacket } from '../../../lab/capture.js';
import { addresses, type NodeName } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sendDatagrams } from '../../support/datagram.js';
import { protect } from '../../support/esp.js';
import { nftCounters } from '../../support/nft-counters.js';
import { PATIENCE, type Site } from '../../support/site.js';
import { copyOverTcp } from '../../support/tcp-copy.js';

const { careOfA, careOfB, correspondent, home, homeAgent: agent, lan } = addresses;

/** Who sends; `through` is the LAN host whose packets the router protects, by a tunnel from its home address. */
export type Sender = 'lan' | 'mr' | 'cn' | 'through';

interface Conversation {
  readonly sender: NodeName;
  /** Who encrypts, and who decrypts. */
  readonly from: NodeName;
  readonly to: 'cn' | 'lan';
  /** Of the packets that are protected. */
  readonly source: string;
  readonly destination: string;
  /** Source of the ESP packets. */
  readonly protectedSource: string;
  readonly mode: 'transport' | 'tunnel';
  /** UDP to each port has a security association of its own. */
  readonly flows: readonly { readonly port: number; readonly spi: number }[];
  /** TCP, one connection. */
  readonly bulk: { readonly port: number; readonly spi: number };
}

const towards = { to: 'cn', destination: correspondent } as const;
const CONVERSATIONS: Readonly<Record<Sender, Conversation>> = {
  lan: {
    ...towards,
    ...{ sender: 'lan', from: 'lan', source: lan, protectedSource: lan, mode: 'transport' },
    flows: [
      { port: 6301, spi: 0x1001 },
      { port: 6302, spi: 0x1002 },
    ],
    bulk: { port: 6401, spi: 0x1101 },
  },
  mr: {
    ...towards,
    ...{ sender: 'mr', from: 'mr', source: home, protectedSource: home, mode: 'transport' },
    flows: [
      { port: 6311, spi: 0x1011 },
      { port: 6312, spi: 0x1012 },
    ],
    bulk: { port: 6402, spi: 0x1102 },
  },
  cn: {
    ...{ sender: 'cn', from: 'cn', source: correspondent, protectedSource: correspondent },
    ...{ to: 'lan', destination: lan, mode: 'transport' },
    flows: [
      { port: 6321, spi: 0x2001 },
      { port: 6322, spi: 0x2002 },
    ],
    bulk: { port: 6403, spi: 0x2101 },
  },
  through: {
    ...towards,
    ...{ sender: 'lan', from: 'mr', source: lan, protectedSource: home, mode: 'tunnel' },
    flows: [
      { port: 6331, spi: 0x1021 },
      { port: 6332, spi: 0x1022 },
    ],
    bulk: { port: 6404, spi: 0x1104 },
  },
};

/** The first and the second flow of each conversation; the bulk goes with the second one. */
const ALL = Object.values(CONVERSATIONS);
const FIRST = ALL.map(({ flows }) => flows[0]?.spi);
const SECOND = ALL.flatMap(({ flows, bulk }) => [flows[1]?.spi, bulk.spi]);

/** Datagrams of one flow in one look. */
export const COUNT = 5;
export const ESP_IN_IPV6 = 'ip6[6] == 41 and ip6[46] == 50';
const BYTES = 1 << 20;

/** Policies that send the first flows by one uplink and the others by the other. */
export const bySpi = (first: 'a' | 'b'): object[] => [
  { name: 'first', match: { spi: FIRST }, use: [first] },
  { name: 'second', match: { spi: SECOND }, use: [first === 'a' ? 'b' : 'a'] },
];

/** Protects the flows of these senders, and counts what comes of them out of ESP: they are taken in no other way. */
export async function protectFlows(site: Site, senders: readonly Sender[]): Promise<void> {
  for (const name of senders) {
    const { from, to, source, destination, protectedSource, mode, flows } = CONVERSATIONS[name];
    for (const { port, spi } of flows) {
      await protect({
        ...{ from: site.node(from), to: site.node(to), source: protectedSource, destination, spi, mode },
        selector: `src ${source} dst ${destination} proto udp dport ${port}`,
      });
    }
  }
  for (const receiver of ['cn', 'lan'] as const) {
    const ports = senders
      .map((name) => CONVERSATIONS[name])
      .filter(({ to }) => to === receiver)
      .flatMap(({ flows }) => flows.map(({ port }) => port));
    await site.node(receiver).nft(`table ip6 arrivals {
  ${ports.map((port) => `counter port${port} {}`).join('\n  ')}
  chain input {
    type filter hook input priority filter;
    ${ports.map((port) => `udp dport ${port} counter name port${port}`).join('\n    ')}
  }
}`);
  }
}

/**
 * Sends COUNT datagrams of both flows and waits until `copies` of each have come out of ESP.
 * @returns where packets were seen on their way: `SPI link outer source > outer destination xPACKETS`
 */
export async function ways(
  site: Site,
  sender: Sender,
  at: Readonly<Record<string, Capture>>,
  copies = 1,
): Promise<string[]> {
  const { flows, source, destination, protectedSource, ...ends } = CONVERSATIONS[sender];
  const receiver = site.node(ends.to);
  const from = Object.values(at).map((capture) => capture.position);
  const before = await nftCounters(receiver);
  await sendDatagrams(
    site.node(ends.sender),
    ...flows.map(({ port }) => ({ to: destination, port, source, size: 200, count: COUNT })),
  );
  const missing = async (): Promise<number> => {
    const now = await nftCounters(receiver);
    const came = flows.map(({ port }) => (now[`port${port}`] ?? 0) - (before[`port${port}`] ?? 0));
    return came.reduce((sum, packets) => sum + COUNT * copies - packets, 0);
  };
  await until(async () => (await missing()) === 0, {
    what: `the datagrams of ${sender} to arrive`,
    timeout: PATIENCE,
  });
  await Promise.all(Object.values(at).map((capture) => capture.flush()));
  const isOurs = ({ transport, inner }: CapturedPacket): boolean =>
    inner?.source === protectedSource && flows.some(({ spi }) => spi === transport?.spi);
  const seen = new Map<string, number>();
  for (const [index, [link, capture]] of Object.entries(at).entries()) {
    for (const { transport, outer } of capture.packets(isOurs, from[index])) {
      const way = `${transport?.spi?.toString(16)} ${link} ${outer.source} > ${outer.destination}`;
      seen.set(way, (seen.get(way) ?? 0) + 1);
    }
  }
  return [...seen].map(([way, packets]) => `${way} x${packets}`).sort();
}

/** The way of all datagrams of a flow upwards, as `ways` tells it. */
export const by = (spi: number, uplink: 'a' | 'b'): string =>
  `${spi.toString(16)} ${uplink} ${uplink === 'a' ? careOfA : careOfB} > ${agent} x${COUNT}`;

/** What offload would make too large is cut up before it is encrypted, goes by B alone, and is whole at the end. */
export async function checkBulk(
  t: ExecutionContext,
  site: Site,
  name: Exclude<Sender, 'cn'>,
  { a, b }: Readonly<Record<'a' | 'b', Capture>>,
): Promise<void> {
  const { bulk, source, destination, protectedSource, mode, ...ends } = CONVERSATIONS[name];
  const to = site.node(ends.to);
  await protect({
    ...{ from: site.node(ends.from), to, source: protectedSource, destination, spi: bulk.spi, mode },
    selector: `src ${source} dst ${destination} proto tcp dport ${bulk.port}`,
  });
  const before = [a.position, b.position] as const;
  const { sent, arrived } = await copyOverTcp(site.node(ends.sender), to, {
    ...{ to: destination, port: bulk.port, bytes: BYTES },
  });
  t.is(arrived, sent, name);
  await Promise.all([a.flush(), b.flush()]);
  const data = ({ transport }: CapturedPacket): boolean => transport?.spi === bulk.spi;
  t.is(a.packets(data, before[0]).length, 0, `${name}: packets by A`);
  t.true(b.packets(data, before[1]).length > BYTES / 1460, `${name}: packets by B`);
}

// One direction of a tunnel, looked at on the wire: addresses, hop limits, traffic class, sizes.
import type { ExecutionContext } from 'ava';
import type { Capture, CapturedPacket } from '../../../lab/capture.js';
import type { LabDaemon } from '../../../lab/daemon.js';
import type { LabNode } from '../../../lab/node.js';
import { Protocol } from '../../../lab/packet.js';
import { addresses } from '../../../lab/topology.js';
import { type DatagramOptions, sendDatagrams } from '../../support/datagram.js';
import { PATIENCE, type Site } from '../../support/site.js';
import { copyOverTcp } from '../../support/tcp-copy.js';

/** Who makes the outer header; of the kernel's two ways one adds an option (RFC 2473 section 5.1). */
export type Maker = 'bpf' | 'ip6tnl' | 'ip6tnl with a tunnel encapsulation limit';

/** One end of the conversation and what is captured next to it. */
export interface LegEnd {
  readonly node: LabNode;
  readonly address: string;
  readonly capture: Capture;
}

export interface Leg {
  readonly maker: Maker;
  readonly from: LegEnd;
  readonly to: LegEnd;
  /** Packets with these ports take the tunnel between the outer addresses. */
  readonly port: number;
  readonly sourcePort: number;
  readonly outer: { readonly source: string; readonly destination: string };
  /** Where the outer packet is seen before any router has forwarded it. */
  readonly wire: Capture;
}

/** LAN host and correspondent, with what is captured beside them. */
export async function ends(site: Site): Promise<{ lan: LegEnd; cn: LegEnd }> {
  const [lan, cn] = await Promise.all([site.capture('lan', 'eth0'), site.capture('cn', 'eth0')]);
  return {
    lan: { node: site.node('lan'), address: addresses.lan, capture: lan },
    cn: { node: site.node('cn'), address: addresses.correspondent, capture: cn },
  };
}

/** Reasons for which a daemon's programs have dropped something; the stack's multicast at coax0 is no loss. */
export async function drops(site: Site, daemon: LabDaemon): Promise<string[]> {
  const { reasons } = await site.status(daemon);
  return reasons
    .filter(({ reason }) => reason.startsWith('drop-') && reason !== 'drop-link-scope')
    .map(({ hook, reason, packets }) => `${hook} ${reason} ${packets}`);
}

const HEADER = 40;
const LINK_MTU = 1500;
/** Traffic classes: none, expedited forwarding, the three ECN code points. */
const CLASSES = [0, 0xb8, 1, 2, 3];
const [HOP_LIMIT, ECT_0, CE] = [64, 2, 3];
const LEAST = 48;

/** Bytes that stand in front of the inner packet. */
function overhead(maker: Maker): number {
  return maker === 'ip6tnl with a tunnel encapsulation limit' ? HEADER + 8 : HEADER;
}

/** Largest inner packet. */
export function innerMtu(maker: Maker): number {
  return LINK_MTU - overhead(maker);
}

/**
 * The outer traffic class. Ours copies it (RFC 6040 section 4.1); a fixed ip6tnl copies the ECN bits alone, and makes
 * ECT(0) of CE (RFC 3168 section 9.1.1, full functionality).
 */
function outerClass(maker: Maker, inner: number): number {
  if (maker === 'bpf') return inner;
  return (inner & 3) === CE ? ECT_0 : inner & 3;
}

/** A datagram of the leg, known by its size or class from the others. */
function datagram(leg: Leg, change: Partial<DatagramOptions>): DatagramOptions {
  const { to, port, sourcePort, from } = leg;
  return { to: to.address, source: from.address, port, sourcePort, size: LEAST, ...change };
}

function isOf(leg: Leg, size: number, trafficClass?: number): (packet: CapturedPacket) => boolean {
  return ({ transport, inner, outer }) => {
    const header = inner ?? outer;
    return (
      transport?.destinationPort === leg.port &&
      transport.sourcePort === leg.sourcePort &&
      header.payloadLength === size - HEADER &&
      (trafficClass === undefined || header.trafficClass === trafficClass)
    );
  };
}

/** Every packet has the right outer header, falls by one hop at each router, and arrives as it was sent. */
export async function checkHeaders(t: ExecutionContext, leg: Leg): Promise<void> {
  const from = [leg.wire.position, leg.to.capture.position] as const;
  await sendDatagrams(leg.from.node, ...CLASSES.map((trafficClass) => datagram(leg, { trafficClass })));
  for (const trafficClass of CLASSES) {
    const about = `${leg.maker} to port ${leg.port}, traffic class ${trafficClass}`;
    const is = isOf(leg, LEAST, trafficClass);
    const what = { what: about, timeout: PATIENCE };
    const sent = await leg.wire.waitFor(is, { ...what, from: from[0] });
    t.like(sent.outer, { ...leg.outer, hopLimit: HOP_LIMIT }, about);
    t.is(sent.outer.trafficClass, outerClass(leg.maker, trafficClass), about);
    t.is(sent.outer.payloadLength, overhead(leg.maker) - HEADER + LEAST, `${about}: what is in front`);
    if (leg.maker === 'bpf') t.not(sent.outer.flowLabel, 0, about);
    t.is(sent.inner?.hopLimit, HOP_LIMIT - 1, about);
    const arrived = await leg.to.capture.waitFor(is, { ...what, from: from[1] });
    t.is(arrived.inner, undefined, about);
    t.is(arrived.outer.hopLimit, HOP_LIMIT - 2, about);
  }
}

/** What fits arrives whole; one byte more is answered with the size that fits, and does not leave. */
export async function checkSizes(t: ExecutionContext, leg: Leg): Promise<void> {
  const mtu = innerMtu(leg.maker);
  const sizes = [LEAST + 1, 1280, mtu - 1, mtu];
  const from = [leg.wire.position, leg.to.capture.position, leg.from.capture.position] as const;
  await sendDatagrams(leg.from.node, ...[...sizes, mtu + 1].map((size) => datagram(leg, { size })));
  for (const size of sizes) {
    const what = { what: `${size} bytes of ${leg.maker} to port ${leg.port}`, timeout: PATIENCE };
    await leg.to.capture.waitFor(isOf(leg, size), { ...what, from: from[1] });
  }
  const told = await leg.from.capture.waitFor(
    ({ transport }) => transport?.protocol === Protocol.ICMPV6 && transport.icmpType === 2,
    { what: 'a Packet Too Big', timeout: PATIENCE, from: from[2] },
  );
  t.is(told.transport?.icmpMtu, mtu, `${leg.maker} to port ${leg.port}`);
  t.is(told.outer.destination, leg.from.address);
  await leg.wire.flush();
  t.deepEqual(leg.wire.packets(isOf(leg, mtu + 1), from[0]), [], 'what is too big does not leave');
}

/** Congestion that a router between the tunnel's ends has marked is known at the end of the inner packet's way. */
export async function checkCongestion(t: ExecutionContext, leg: Leg, marking: LabNode): Promise<void> {
  await marking.nft(`table ip6 congestion {
  chain forward {
    type filter hook forward priority filter;
    ip6 saddr ${leg.outer.source} ip6 daddr ${leg.outer.destination} ip6 ecn set ce
  }
}`);
  const from = leg.to.capture.position;
  const trafficClass = 0xb8 | ECT_0;
  await sendDatagrams(leg.from.node, datagram(leg, { trafficClass, size: LEAST + 2 }));
  const arrived = await leg.to.capture.waitFor(isOf(leg, LEAST + 2), {
    what: `a marked packet of ${leg.maker}`,
    timeout: PATIENCE,
    from,
  });
  t.is(arrived.outer.trafficClass, 0xb8 | CE, `${leg.maker} to port ${leg.port}`);
  await marking.nft('delete table ip6 congestion');
}

/** Bytes go through one TCP connection with segmentation offload, none changed. `wire` captures TCP. */
export async function checkTcp(t: ExecutionContext, leg: Leg, bytes: number, wire: Capture): Promise<void> {
  const from = wire.position;
  const { sent, arrived } = await copyOverTcp(leg.from.node, leg.to.node, {
    ...{ to: leg.to.address, port: leg.port, bytes },
  });
  t.is(arrived, sent, `${leg.maker}: what arrived is what was sent`);
  await wire.flush();
  const large = wire.packets(
    ({ length, outer, inner }) =>
      inner !== undefined && outer.source === leg.outer.source && length > LINK_MTU + 100,
    from,
  );
  t.true(large.length > 0, `${leg.maker}: offload is kept`);
}

/** How a packet leaves: its outer header, its size against the binding's, the link, or the error it is answered with. */
import { CxBindingFlag, CxReason, CxTunnelKind, type Explained } from '../datapath/index.js';
import { MacAddress } from '../net/index.js';
import type { AnswerView, LeavesView, MtuView, OuterView } from './explanation.js';
import { ETHERNET_HEADER } from './ipv6.js';
import { parsePacket } from './packet-parser.js';
import type { LiveRouter, World } from './world.js';

export interface Departure {
  readonly outer: OuterView | null;
  readonly mtu: MtuView | null;
  readonly leaves: LeavesView | null;
  readonly answer: AnswerView | null;
}

/** Reasons with which a program has written the outer header itself. */
const WRITTEN: readonly CxReason[] = [CxReason.ENCAPSULATED, CxReason.NEXT_HOP_UNRESOLVED, CxReason.RELAYED];
/** Reasons with which one has given the packet to the link. */
const SENT: readonly CxReason[] = [...WRITTEN, CxReason.TO_HOME_LINK];
const PACKET_TOO_BIG = 2;

export function departure(world: World, router: LiveRouter | undefined, explained: Explained): Departure {
  const choice = explained.choices.at(-1);
  const row = choice && world.explainer.bindingRow(choice.row);
  const toDevice = explained.reason === CxReason.TO_TUNNEL_DEVICE;
  const written = WRITTEN.includes(explained.reason) && row?.kind !== CxTunnelKind.HOME;
  const sent = SENT.includes(explained.reason);
  return {
    outer: written ? writtenHeader(explained.bytes) : toDevice && row ? deviceHeader(world, row) : null,
    mtu: row && choice ? { length: choice.bytes, mtu: row.mtu, fits: choice.bytes <= row.mtu } : null,
    leaves: row && (sent || toDevice) ? leavesBy(world, router, row, explained.bytes) : null,
    answer: isAnswer(explained.reason) ? answered(explained.bytes) : null,
  };
}

type Row = NonNullable<ReturnType<World['explainer']['bindingRow']>>;

function writtenHeader(frame: Uint8Array): OuterView | null {
  const outer = parsePacket(frame.subarray(ETHERNET_HEADER));
  if (typeof outer === 'string') return null;
  return {
    source: outer.headers.source.toString(),
    destination: outer.headers.destination.toString(),
    hopLimit: outer.hopLimit,
    flowLabel: outer.headers.flowLabel,
    trafficClass: outer.trafficClass,
    madeBy: 'the program',
  };
}

/** What the device is told; hop limit as in the key, the rest is the device's. */
function deviceHeader(world: World, row: Row): OuterView {
  return {
    source: row.outerSource,
    destination: row.outerDestination,
    hopLimit: 64,
    flowLabel: 0,
    trafficClass: 0,
    madeBy: world.interfaceName(row.ifindex) + identifierOf(row),
  };
}

function identifierOf({ kind, tunnelId }: Row): string {
  if (kind === CxTunnelKind.EXTERNAL_XFRM) return `, interface id ${tunnelId} of IPsec`;
  return kind === CxTunnelKind.EXTERNAL ? `, network identifier ${tunnelId}` : '';
}

function leavesBy(world: World, router: LiveRouter | undefined, row: Row, frame: Uint8Array): LeavesView {
  const own = row.kind === CxTunnelKind.BPF || row.kind === CxTunnelKind.HOME;
  const known = (row.flags & CxBindingFlag.MAC_KNOWN) !== 0 && own;
  return {
    bid: row.bid,
    binding: router?.configured?.bindings.find(({ bid }) => bid === row.bid)?.name ?? `BID ${row.bid}`,
    interface: world.interfaceName(row.uplinkIfindex),
    nextHop: row.nextHop,
    nextHopMac: known ? MacAddress.fromBytes(frame.subarray(0, 6)).toString() : null,
  };
}

function isAnswer(reason: CxReason): boolean {
  return reason === CxReason.PACKET_TOO_BIG || reason === CxReason.ERROR_RELAYED;
}

function answered(frame: Uint8Array): AnswerView | null {
  const packet = frame.subarray(ETHERNET_HEADER);
  const error = parsePacket(packet);
  if (typeof error === 'string' || error.headers.icmpType === undefined) return null;
  const detail = new DataView(packet.buffer, packet.byteOffset).getUint32(error.upper + 4);
  return {
    from: error.headers.source.toString(),
    to: error.headers.destination.toString(),
    icmpType: error.headers.icmpType,
    mtu: error.headers.icmpType === PACKET_TOO_BIG ? detail : null,
  };
}

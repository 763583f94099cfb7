// Binding Updates of whoever, and what is no Binding Update any more.
import { addresses } from '../../../lab/topology.js';
import {
  Address,
  type AuthenticationKey,
  type BindingUpdate,
  encodeAuthenticated,
  encodeMobilityPacket,
  type MobilityOption,
  ntpTimestamp,
  Prefix,
  setChecksum,
  type UpdateFlag,
} from '../../../src/mobility/index.js';

/** What a Binding Update says that is not what one usually says. */
export interface Forged {
  /** Of the packet. */
  readonly source: string;
  readonly homeAddress?: string;
  readonly homeAgent?: string;
  readonly sequence?: number;
  /** Default: A, H and R. */
  readonly flags?: readonly UpdateFlag[];
  /** Seconds, 60 when left out. */
  readonly lifetime?: number;
  readonly options?: readonly MobilityOption[];
  /** undefined: not authenticated. */
  readonly key?: AuthenticationKey | undefined;
  /** For the type 2 routing header. */
  readonly routedTo?: string;
}

const MILLISECOND = 1_000_000n;
let sequence = 0;
let time = 0n;

/** To the home agent, with a right checksum and the time that it is, each later than the one before. */
export function bindingUpdate(forged: Forged): Uint8Array {
  sequence = (sequence + 1) % 0x1_0000;
  const homeAddress = Address.parse(forged.homeAddress ?? addresses.home);
  const source = Address.parse(forged.source);
  const now = BigInt(Date.now()) * MILLISECOND;
  time = now > time ? now : time + MILLISECOND / 1000n;
  const message: BindingUpdate = {
    type: 'binding-update',
    sequence: forged.sequence ?? sequence,
    flags: forged.flags ?? ['acknowledge', 'home', 'mobile-router'],
    lifetime: forged.lifetime ?? 60,
    options: [...(forged.options ?? []), { type: 'replay-protection', timestamp: ntpTimestamp(time) }],
  };
  const { key, routedTo } = forged;
  const envelope = {
    source,
    destination: Address.parse(forged.homeAgent ?? addresses.homeAgent),
    homeAddress,
    routedTo: routedTo === undefined ? undefined : Address.parse(routedTo),
  };
  return encodeMobilityPacket(
    envelope,
    key ? (ends) => encodeAuthenticated(message, { careOf: source, homeAddress }, key, ends) : message,
  );
}

/** A Binding Identifier option. */
export function identifier(bid: number, careOf: string): MobilityOption {
  const common = { status: 0, home: false, priority: 10 };
  return { type: 'binding-identifier', bid, careOf: Address.parse(careOf), ...common };
}

/** A Mobile Network Prefix option. */
export function network(prefix: string): MobilityOption {
  return { type: 'mobile-network-prefix', prefix: Prefix.parse(prefix) };
}

/** Any mobility header to the home agent with a right checksum. */
export function mobilityHeader(source: string, header: Uint8Array): Uint8Array {
  const ends = { source: Address.parse(source), destination: Address.parse(addresses.homeAgent) };
  const homeAddress = Address.parse(addresses.home);
  return encodeMobilityPacket({ ...ends, homeAddress }, (sums) => {
    const bytes = Uint8Array.from(header);
    if (bytes.length >= 6) setChecksum(bytes, sums);
    return bytes;
  });
}

const FIXED_HEADER = 40;
const NEXT_HEADER = 6;

/** A packet with headers put in front of what it carries: types of extension headers and what is in them. */
export function behind(
  packet: Uint8Array,
  headers: readonly (readonly [type: number, content: readonly number[]])[],
): Uint8Array {
  const fixed = Uint8Array.from(packet.subarray(0, FIXED_HEADER));
  let rest: Uint8Array = packet.subarray(FIXED_HEADER);
  let next = fixed[NEXT_HEADER] ?? 0;
  for (const [type, content] of headers.toReversed()) {
    rest = Uint8Array.from([next, ...content, ...rest]);
    next = type;
  }
  fixed[NEXT_HEADER] = next;
  return withLength(Uint8Array.from([...fixed, ...rest]));
}

/** The packet, cut to so many bytes or to what it has, and said to be so long. */
export function cut(packet: Uint8Array, length: number): Uint8Array {
  return withLength(packet.slice(0, length));
}

function withLength(packet: Uint8Array): Uint8Array {
  new DataView(packet.buffer).setUint16(4, packet.length - FIXED_HEADER);
  return packet;
}

/** The mobility headers of what `coax mh decode` was given: hex digits, or a capture. */
import { type CaptureRecord, ETHERTYPE_IPV6, linkPayload } from '../capture/index.js';
import {
  type Address,
  decodeMobilityHeader,
  decodeMobilityPacket,
  MobilityError,
  type MobilityMessage,
  type MobilityPacket,
} from '../mobility/index.js';

/** One mobility header, or the packet that should have one. */
export interface FoundMessage {
  /** Number in the capture, the first one is 1; undefined for hex digits. */
  readonly packet: number | undefined;
  /** Undefined when only a mobility header was given. */
  readonly source: Address | undefined;
  readonly destination: Address | undefined;
  /** Of the home address option. */
  readonly homeAddress: Address | undefined;
  /** Of the type 2 routing header. */
  readonly routing: MobilityPacket['routing'];
  readonly checksum: 'right' | 'wrong' | undefined;
  /** Bytes of the mobility header. */
  readonly length: number | undefined;
  /** Bytes behind it that nothing speaks of. */
  readonly behind: number;
  readonly message: MobilityMessage | undefined;
  /** Why it could not be decoded; what is wrong with an option stands at the option. */
  readonly problem: MobilityError | undefined;
}

const NOTHING: FoundMessage = {
  packet: undefined,
  source: undefined,
  destination: undefined,
  homeAddress: undefined,
  routing: undefined,
  checksum: undefined,
  length: undefined,
  behind: 0,
  message: undefined,
  problem: undefined,
};

const IPV6_HEADER = 40;
const ETHERNET_HEADER = 14;
const ETHERNET = 1;
/** Payload protocol of every mobility header, its first byte. */
const NO_NEXT_HEADER = 59;

/** The message of an Ethernet frame, an IPv6 packet or a mobility header; undefined when it has none. */
export function messageOfBytes(bytes: Buffer): FoundMessage | undefined {
  switch (kindOf(bytes)) {
    case 'frame':
      return messageOfRecord({ linkType: ETHERNET, bytes, length: bytes.length }, undefined);
    case 'packet':
      return messageOfPacket(bytes, undefined);
    case 'header':
      return decoded(NOTHING, bytes);
  }
}

/** The message of a captured packet; undefined when it has none. */
export function messageOfRecord(record: CaptureRecord, number: number | undefined): FoundMessage | undefined {
  const payload = linkPayload(record);
  return payload?.etherType === ETHERTYPE_IPV6 ? messageOfPacket(payload.bytes, number) : undefined;
}

/** Whether a message, or an option of it, could not be decoded. */
export function isDamaged({ problem, message, checksum }: FoundMessage): boolean {
  if (problem !== undefined || message === undefined || checksum === 'wrong') return true;
  return (
    message.type !== 'other' &&
    message.options.some((option) => option.type === 'other' && option.problem !== undefined)
  );
}

function messageOfPacket(bytes: Uint8Array, packet: number | undefined): FoundMessage | undefined {
  try {
    const found = decodeMobilityPacket(bytes);
    if (found === undefined) return undefined;
    const { source, destination, homeAddress, routing, header, checksum } = found;
    return decoded({ ...NOTHING, packet, source, destination, homeAddress, routing, checksum }, header);
  } catch (error) {
    return { ...NOTHING, packet, problem: problemOf(error) };
  }
}

function decoded(found: FoundMessage, header: Uint8Array): FoundMessage {
  try {
    const message = decodeMobilityHeader(header, { tolerant: true });
    const length = ((header[1] ?? 0) + 1) * 8;
    return { ...found, message, length, behind: header.length - length };
  } catch (error) {
    return { ...found, problem: problemOf(error) };
  }
}

function problemOf(error: unknown): MobilityError {
  if (error instanceof MobilityError) return error;
  throw error;
}

function kindOf(bytes: Buffer): 'frame' | 'packet' | 'header' {
  const isIpv6 = (at: number): boolean => bytes.length > at && bytes.readUInt8(at) >> 4 === 6;
  if (isIpv6(0) && bytes.length >= IPV6_HEADER && bytes.readUInt16BE(4) + IPV6_HEADER === bytes.length) {
    return 'packet';
  }
  if (isIpv6(ETHERNET_HEADER) && bytes.readUInt16BE(ETHERNET_HEADER - 2) === ETHERTYPE_IPV6) return 'frame';
  return bytes[0] !== NO_NEXT_HEADER && isIpv6(0) ? 'packet' : 'header';
}

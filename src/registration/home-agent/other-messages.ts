/** Messages that are no Binding Updates. */
import { Address, encodeMobilityPacket, MessageType, type MobilityPacket } from '../../mobility/index.js';
import type { OutgoingPacket } from './acknowledgement.js';
import type { Outcome } from './outcome.js';

const UNKNOWN_TYPE = 2;
/** Those that the codec knows: a home agent sends them, it is not sent them. */
const OTHERS: ReadonlySet<number | undefined> = new Set([
  MessageType.BINDING_REFRESH_REQUEST,
  MessageType.BINDING_ACKNOWLEDGEMENT,
  MessageType.BINDING_ERROR,
]);

export function otherOutcome({ header }: MobilityPacket): Outcome {
  return OTHERS.has(header[2]) ? 'other-message' : 'unknown-type';
}

/** Binding Error of status 2, to the source and without routing header (RFC 6275 section 9.2). */
export function bindingError(packet: MobilityPacket): OutgoingPacket {
  const ends = { source: packet.destination, destination: packet.source };
  const homeAddress = packet.homeAddress ?? Address.UNSPECIFIED;
  const message = { type: 'binding-error', status: UNKNOWN_TYPE, homeAddress, options: [] } as const;
  return { ...ends, packet: encodeMobilityPacket(ends, message) };
}

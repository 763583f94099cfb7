/** Whether a packet is an answer to what was sent (RFC 6275 section 11.7.3, RFC 4285 sections 5 and 6). */
import {
  type Address,
  type BindingAcknowledgement,
  decodeMobilityHeader,
  MobilityError,
  type MobilityMessage,
  type MobilityOption,
  type MobilityPacket,
  verifyAuthentication,
} from '../../mobility/index.js';
import type { Exchange } from './exchange.js';
import type { Settings } from './options.js';
import type { IgnoredReason } from './reception.js';
import { isAhead } from './sequence.js';
import { verdictOf } from './status-verdict.js';

/** A message from the home agent to the home address. */
export interface Arrived {
  readonly message: MobilityMessage;
  /** The address that it came to: a care-of address, or the home address. */
  readonly arrival: Address;
}

/** Checks that hold for every message; RFC 6275 sections 9.2 and 6.4. */
export function arrivedOf(packet: MobilityPacket, settings: Settings): Arrived | IgnoredReason {
  if (packet.checksum !== 'right') return 'wrong-checksum';
  if (!packet.source.equals(settings.homeAgent)) return 'other-source';
  const { routing, destination } = packet;
  // Behind the kernel's processing no segment is left, and the two addresses have changed places.
  const isProcessed = routing?.segmentsLeft === 0;
  const final = routing && !isProcessed ? routing.address : destination;
  const arrival = routing && isProcessed ? routing.address : destination;
  if (!final.equals(settings.homeAddress)) return 'other-destination';
  try {
    return { message: decodeMobilityHeader(packet.header), arrival };
  } catch (error) {
    if (error instanceof MobilityError) return 'malformed';
    throw error;
  }
}

/**
 * The Binding Update that an acknowledgement answers.
 * @param exchanges that wait for an answer, by the address that they left from
 */
export function answeredBy(
  { arrival }: Arrived,
  answer: BindingAcknowledgement,
  header: Uint8Array,
  exchanges: ReadonlyMap<string, Exchange>,
  { key, homeAddress }: Settings,
): Exchange | IgnoredReason {
  if (exchanges.size === 0) return 'nothing-asked';
  const exchange = exchanges.get(arrival.toString());
  if (exchange === undefined) return 'other-destination';
  const verdict = verdictOf(answer.status);
  // The number in this answer is the last one that the home agent accepted, not ours.
  if (verdict === 'sequence') {
    if (!isAhead(answer.sequence, exchange.sequence)) return 'old-sequence';
  } else if (answer.sequence !== exchange.sequence) {
    return 'other-sequence';
  }
  if (key === undefined) return exchange;
  const parties = { careOf: exchange.source, homeAddress };
  const authentication = verifyAuthentication(header, parties, (spi) =>
    spi === key.spi ? key.key : undefined,
  );
  if (authentication === 'missing') return 'unauthenticated';
  if (authentication !== 'valid') return 'wrong-authentication';
  const timestamp = timestampOf(answer);
  const isOther = timestamp !== undefined && timestamp !== exchange.timestamp;
  return isOther && verdict !== 'clock' ? 'other-timestamp' : exchange;
}

export function timestampOf({ options }: BindingAcknowledgement): bigint | undefined {
  return options.find((option) => option.type === 'replay-protection')?.timestamp;
}

/** BIDs of a Binding Refresh Request; undefined: all. */
export function requestedBids(options: readonly MobilityOption[]): ReadonlySet<number> | undefined {
  const bids = options.flatMap((option) => (option.type === 'binding-identifier' ? [option.bid] : []));
  return bids.length > 0 ? new Set(bids) : undefined;
}

/** IPv6 packets around mobility headers: the extension headers that name the home address, and the checksum. */
import type { Address } from '../net/index.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { type ChecksumAddresses, hasRightChecksum, MOBILITY_HEADER } from './checksum.js';
import {
  DESTINATION_OPTIONS,
  decodeHomeAddressOption,
  decodeHomeRouting,
  EXTENSION_BYTES,
  type HomeRouting,
  ROUTING_HEADER,
  writeHomeAddressOption,
  writeHomeRouting,
} from './home-address.js';
import type { MobilityMessage } from './message.js';
import { encodeMobilityHeader, mobilityHeaderLength } from './message-codec.js';
import { MobilityError } from './mobility-error.js';

/** What stands around a mobility header that is to be sent. */
export interface MobilityEnvelope {
  readonly source: Address;
  readonly destination: Address;
  /** For the home address option of a mobile node that is away from home. */
  readonly homeAddress?: Address | undefined;
  /** For the type 2 routing header of a home agent. */
  readonly routedTo?: Address | undefined;
  /** Default: 64. */
  readonly hopLimit?: number;
}

/** A packet with a mobility header, taken apart down to the header. */
export interface MobilityPacket {
  /** Of the IPv6 header. */
  readonly source: Address;
  readonly destination: Address;
  /** Of the home address option. */
  readonly homeAddress: Address | undefined;
  /** The type 2 routing header. */
  readonly routing: HomeRouting | undefined;
  /** The mobility header, for `decodeMobilityHeader`; offsets of its errors count from here. */
  readonly header: Uint8Array;
  /** Where the header starts in the packet. */
  readonly offset: number;
  readonly checksum: 'right' | 'wrong';
}

const RULE = 'RFC 8200 section 3';
const EXTENSION_RULE = 'RFC 8200 section 4';
const IPV6_HEADER = 40;
const HOP_BY_HOP = 0;
const IPV6 = 41;
const FRAGMENT = 44;
const AUTHENTICATION_HEADER = 51;
const DEFAULT_HOP_LIMIT = 64;
/** The most headers that are followed, those of tunnels included. */
const MOST_HEADERS = 16;

/**
 * Finds the mobility header of an IPv6 packet, also in an IPv6 tunnel; undefined when there is none, or when it is
 * encrypted.
 * @param bytes from the IPv6 header on; what follows its payload is ignored
 * @throws MobilityError, and nothing else
 */
export function decodeMobilityPacket(bytes: Uint8Array): MobilityPacket | undefined {
  let reader = new ByteReader(bytes, RULE);
  let next = IPV6;
  let source: Address | undefined;
  let destination: Address | undefined;
  let homeAddress: Address | undefined;
  let routing: HomeRouting | undefined;
  let fragment: number | undefined;
  for (let count = 0; count < MOST_HEADERS; count++) {
    const at = reader.offset;
    switch (next) {
      case IPV6: {
        if (fragment !== undefined) return undefined;
        const header = readIpv6(reader);
        ({ source, destination, next } = header);
        reader = header.payload;
        homeAddress = undefined;
        routing = undefined;
        break;
      }
      case HOP_BY_HOP:
      case DESTINATION_OPTIONS:
      case ROUTING_HEADER: {
        const own = next;
        next = reader.u8();
        const rest = reader.part((reader.u8() + 1) * 8 - 2, EXTENSION_RULE);
        if (own === DESTINATION_OPTIONS) homeAddress = decodeHomeAddressOption(rest) ?? homeAddress;
        if (own === ROUTING_HEADER) routing = decodeHomeRouting(rest) ?? routing;
        break;
      }
      case FRAGMENT: {
        next = reader.u8();
        reader.skip(1);
        const word = reader.u16();
        reader.skip(4);
        if ((word & 0xfff8) !== 0) return undefined;
        if ((word & 1) !== 0) fragment = at;
        break;
      }
      case AUTHENTICATION_HEADER:
        next = reader.u8();
        reader.skip((reader.u8() + 2) * 4 - 2);
        break;
      case MOBILITY_HEADER: {
        if (fragment !== undefined) {
          const what =
            'the packet is the first fragment of a mobility message; fragments are not put together';
          throw new MobilityError('MOBILITY_HEADER_INVALID', fragment, 'RFC 8200 section 4.5', what);
        }
        if (source === undefined || destination === undefined) return undefined;
        const all = reader.copy();
        const header = all.subarray(0, Math.min(all.length, headerLength(all)));
        const addresses = checksumAddresses({ source, destination, homeAddress, routing });
        const checksum = hasRightChecksum(header, addresses) ? 'right' : 'wrong';
        return { source, destination, homeAddress, routing, header, offset: at, checksum };
      }
      default:
        return undefined;
    }
  }
  throw reader.error('MOBILITY_HEADER_INVALID', `more than ${MOST_HEADERS} headers follow one another`);
}

/**
 * A whole packet: IPv6 header, type 2 routing header, home address option, mobility header with its checksum.
 * @throws MobilityError MOBILITY_VALUE_INVALID, MOBILITY_TOO_LONG
 */
export function encodeMobilityPacket(
  envelope: MobilityEnvelope,
  message: MobilityMessage | ((addresses: ChecksumAddresses) => Uint8Array),
): Uint8Array {
  const { source, destination, homeAddress, routedTo, hopLimit = DEFAULT_HOP_LIMIT } = envelope;
  const addresses = { source: homeAddress ?? source, destination: routedTo ?? destination };
  const header =
    typeof message === 'function' ? message(addresses) : encodeMobilityHeader(message, addresses);
  const behindRouting = homeAddress ? DESTINATION_OPTIONS : MOBILITY_HEADER;
  const extensions = (homeAddress ? EXTENSION_BYTES : 0) + (routedTo ? EXTENSION_BYTES : 0);
  const writer = new ByteWriter(RULE);
  writer.u32(0x6000_0000, { name: 'version' });
  writer.u16(extensions + header.length, { name: 'payload length' });
  writer.u8(routedTo ? ROUTING_HEADER : behindRouting, { name: 'next header' });
  writer.u8(hopLimit, { name: 'hop limit' });
  writer.address(source, 6, { name: 'source' }).address(destination, 6, { name: 'destination' });
  if (routedTo) writeHomeRouting(writer, routedTo, behindRouting);
  if (homeAddress) writeHomeAddressOption(writer, homeAddress, MOBILITY_HEADER);
  return writer.bytes(header).finish();
}

/** The addresses of a packet's checksum (RFC 6275 section 6.1.1, RFC 8200 section 8.1). */
function checksumAddresses({
  source,
  destination,
  homeAddress,
  routing,
}: Pick<MobilityPacket, 'source' | 'destination' | 'homeAddress' | 'routing'>): ChecksumAddresses {
  const final = routing?.segmentsLeft === 1 ? routing.address : destination;
  return { source: homeAddress ?? source, destination: final };
}

function readIpv6(reader: ByteReader): {
  source: Address;
  destination: Address;
  next: number;
  payload: ByteReader;
} {
  const at = reader.offset;
  if (reader.left < IPV6_HEADER) {
    throw reader.error('MOBILITY_TRUNCATED', `${reader.left} bytes are shorter than an IPv6 header`);
  }
  const version = reader.u32() >>> 28;
  if (version !== 6) throw reader.error('MOBILITY_HEADER_INVALID', `IP version ${version} is not IPv6`, at);
  const length = reader.u16();
  const next = reader.u8();
  reader.skip(1);
  const source = reader.ipv6();
  const destination = reader.ipv6();
  // A packet that was cut may have a whole mobility header all the same.
  return { source, destination, next, payload: reader.part(Math.min(length, reader.left), RULE) };
}

/** A length that cannot be read is reported when the header is decoded. */
function headerLength(bytes: Uint8Array): number {
  return bytes.length < 2 ? bytes.length : mobilityHeaderLength(bytes);
}

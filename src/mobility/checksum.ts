/** The checksum of a mobility header (RFC 6275 section 6.1.1, RFC 8200 section 8.1, RFC 1071). */
import type { Address } from '../net/index.js';

/** Next header number of a mobility header. */
export const MOBILITY_HEADER = 135;
/** Where a mobility header has its checksum, two bytes. */
export const CHECKSUM_OFFSET = 4;

/**
 * The addresses of the pseudo header. With a home address option the source is the home address; with a type 2
 * routing header that has a segment left, the destination is the home address.
 */
export interface ChecksumAddresses {
  readonly source: Address;
  readonly destination: Address;
}

/** What the checksum field must have, whatever it has now. @param header a whole mobility header */
export function mobilityChecksum(header: Uint8Array, { source, destination }: ChecksumAddresses): number {
  let sum = words(source) + words(destination) + (header.length >>> 16) + (header.length & 0xffff);
  sum += MOBILITY_HEADER;
  for (let at = 0; at < header.length; at += 2) {
    if (at !== CHECKSUM_OFFSET) sum += ((header[at] ?? 0) << 8) | (header[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Whether a header as received has the checksum that it must have. */
export function hasRightChecksum(header: Uint8Array, addresses: ChecksumAddresses): boolean {
  const field = ((header[CHECKSUM_OFFSET] ?? 0) << 8) | (header[CHECKSUM_OFFSET + 1] ?? 0);
  const wanted = mobilityChecksum(header, addresses);
  // 0 and 0xffff are the same number in one's complement.
  return field === wanted || (field === 0xffff && wanted === 0);
}

/** Writes the checksum into its field. */
export function setChecksum(header: Uint8Array, addresses: ChecksumAddresses): void {
  const value = mobilityChecksum(header, addresses);
  header[CHECKSUM_OFFSET] = value >> 8;
  header[CHECKSUM_OFFSET + 1] = value & 0xff;
}

function words(address: Address): number {
  let sum = 0;
  for (let at = 0; at < address.bits / 32; at++) {
    const word = address.word(at);
    sum += (word >>> 16) + (word & 0xffff);
  }
  return sum;
}

/**
 * Where a packet carries the home address: the destination option towards the home agent (RFC 6275 section 6.3) and
 * the type 2 routing header towards the mobile node (section 6.4).
 */
import type { Address } from '../net/index.js';
import { PAD1 } from './alignment.js';
import type { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** Next header numbers. */
export const ROUTING_HEADER = 43;
export const DESTINATION_OPTIONS = 60;

const OPTION_RULE = 'RFC 6275 section 6.3';
const ROUTING_RULE = 'RFC 6275 section 6.4';
const HOME_ADDRESS_OPTION = 0xc9;
const ADDRESS_LENGTH = 16;
const ROUTING_TYPE = 2;
/** Header Ext Len of both headers: 24 bytes. */
const EXTENSION_LENGTH = 2;
export const EXTENSION_BYTES = 24;
const OPTION_ALIGNMENT = { multiple: 8, plus: 6 };
const NEXT_HEADER = { name: 'next header' };
const LENGTH = { name: 'length' };
const HOME_ADDRESS = { name: 'home address' };

/** A type 2 routing header as it was received. */
export interface HomeRouting {
  /** The home address; when no segment is left, the address that the packet came to. */
  readonly address: Address;
  readonly segmentsLeft: 0 | 1;
}

/** A destination options header of 24 bytes with the home address option. */
export function encodeHomeAddressOption(homeAddress: Address, nextHeader: number): Uint8Array {
  const writer = new ByteWriter(OPTION_RULE);
  writeHomeAddressOption(writer, homeAddress, nextHeader);
  return writer.finish();
}

/** A type 2 routing header of 24 bytes, as it is sent. */
export function encodeHomeRouting(homeAddress: Address, nextHeader: number): Uint8Array {
  const writer = new ByteWriter(ROUTING_RULE);
  writeHomeRouting(writer, homeAddress, nextHeader);
  return writer.finish();
}

/** As `encodeHomeAddressOption`, at a multiple of 8 bytes. */
export function writeHomeAddressOption(writer: ByteWriter, homeAddress: Address, nextHeader: number): void {
  writer.rule = OPTION_RULE;
  writer.u8(nextHeader, NEXT_HEADER).u8(EXTENSION_LENGTH, LENGTH);
  writer.align(OPTION_ALIGNMENT).u8(HOME_ADDRESS_OPTION, { name: 'option type' });
  writer.u8(ADDRESS_LENGTH, LENGTH).address(homeAddress, 6, HOME_ADDRESS);
}

/** As `encodeHomeRouting`. */
export function writeHomeRouting(writer: ByteWriter, homeAddress: Address, nextHeader: number): void {
  writer.rule = ROUTING_RULE;
  writer.u8(nextHeader, NEXT_HEADER).u8(EXTENSION_LENGTH, LENGTH);
  writer.u8(ROUTING_TYPE, { name: 'routing type' }).u8(1, { name: 'segments left' }).zeros(4);
  writer.address(homeAddress, 6, HOME_ADDRESS);
}

/**
 * The home address option among destination options, if there is one.
 * @param reader the options of a destination options header
 */
export function decodeHomeAddressOption(reader: ByteReader): Address | undefined {
  let found: Address | undefined;
  while (reader.left > 0) {
    const at = reader.offset;
    const type = reader.u8();
    if (type === PAD1) continue;
    const value = reader.part(reader.u8(), OPTION_RULE);
    if (type !== HOME_ADDRESS_OPTION) continue;
    if (found !== undefined) {
      throw value.error('MOBILITY_OPTION_INVALID', 'there is a second home address option', at);
    }
    if (value.left !== ADDRESS_LENGTH) {
      throw value.error('MOBILITY_OPTION_INVALID', `the length is ${value.left}, it must be 16`);
    }
    found = value.ipv6();
  }
  return found;
}

/**
 * A type 2 routing header; undefined for other types.
 * @param reader what follows the header's next header and length
 */
export function decodeHomeRouting(reader: ByteReader): HomeRouting | undefined {
  const start = reader.offset;
  if (reader.u8() !== ROUTING_TYPE) return undefined;
  const segmentsLeft = reader.u8();
  if (reader.left !== 4 + ADDRESS_LENGTH) {
    const what = `a type 2 routing header has 24 bytes, this one ${reader.left + 4}`;
    throw reader.error('MOBILITY_HEADER_INVALID', what, start - 1);
  }
  if (segmentsLeft !== 0 && segmentsLeft !== 1) {
    const what = `${segmentsLeft} segments are left, a type 2 routing header has one`;
    throw reader.error('MOBILITY_HEADER_INVALID', what, start + 1);
  }
  reader.skip(4);
  return { address: reader.ipv6(), segmentsLeft };
}

import { Address, Prefix } from '../net/index.js';
import { AF, IPPROTO, XFRM_MODE, XFRMA } from './constants.js';
import { NetlinkDecodeError } from './errors.js';
import { type Attributes, Reader, type Writer } from './wire.js';

/** Bytes of xfrm_address_t, which has room for either family. */
const ADDRESS_LENGTH = 16;

/** How ESP, AH or IPComp stand in a packet, as iproute2 names it; `ro` is route optimization. */
export const XFRM_MODES = {
  transport: XFRM_MODE.TRANSPORT,
  tunnel: XFRM_MODE.TUNNEL,
  ro: XFRM_MODE.ROUTEOPTIMIZATION,
  in_trigger: XFRM_MODE.IN_TRIGGER,
  beet: XFRM_MODE.BEET,
  iptfs: XFRM_MODE.IPTFS,
  unknown: 0xff,
} as const;
export type XfrmMode = keyof typeof XFRM_MODES;

/** The bits of `mask` of a packet's mark are `value`. */
export interface XfrmMark {
  value: number;
  mask: number;
}

export const familyNumber = (family: 4 | 6): number => (family === 4 ? AF.INET : AF.INET6);

/** @throws NetlinkDecodeError for another number than that of IPv4 or IPv6 */
export function familyOf(number: number): 4 | 6 {
  if (number !== AF.INET && number !== AF.INET6) {
    throw new NetlinkDecodeError(`Address family ${number} in a message of XFRM`);
  }
  return number === AF.INET ? 4 : 6;
}

/** The address that means any. */
export function anyAddress(family: 4 | 6): Address {
  return family === 4 ? Address.fromWord(0) : Address.UNSPECIFIED;
}

/** The prefix that means any. */
export function anyPrefix(family: 4 | 6): Prefix {
  return Prefix.of(anyAddress(family), 0);
}

export function writeAddress(writer: Writer, address: Address): void {
  const bytes = address.toBytes();
  writer.bytes(bytes).zeros(ADDRESS_LENGTH - bytes.length);
}

/** @throws NetlinkDecodeError when the bytes end before it */
export function readAddress(bytes: Uint8Array, offset: number, family: 4 | 6): Address {
  const length = family === 4 ? 4 : ADDRESS_LENGTH;
  if (offset + length > bytes.length) {
    throw new NetlinkDecodeError(`An address at ${offset} is not in ${bytes.length} bytes`);
  }
  return Address.fromBytes(bytes.subarray(offset, offset + length));
}

/**
 * struct xfrm_lifetime_cfg and struct xfrm_lifetime_cur of what never ends: a limit of zero bytes or packets would be
 * reached at once, one of zero seconds is none (net/xfrm/xfrm_policy.c and xfrm_state.c).
 */
export function writeUnlimited(writer: Writer): void {
  for (let limit = 0; limit < 4; limit++) writer.u32(0xffffffff).u32(0xffffffff);
  writer.zeros(4 * 8 + 4 * 8);
}

export function writeMark(writer: Writer, mark: XfrmMark | undefined): void {
  if (mark === undefined) return;
  const bytes = new Uint32Array([mark.value, mark.mask]);
  writer.attribute(XFRMA.MARK, new Uint8Array(bytes.buffer));
}

/** A mask of zero asks for no mark. */
export function readMark(attributes: Attributes): XfrmMark | undefined {
  const bytes = attributes.bytes(XFRMA.MARK);
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  const mask = reader.u32(4);
  return mask === 0 ? undefined : { value: reader.u32(0), mask };
}

/** Zero is that of packets that pass no xfrm interface. */
export function readIfId(attributes: Attributes): number | undefined {
  return attributes.u32(XFRMA.IF_ID) || undefined;
}

/** `esp`, `ah`, `comp`, or the number. */
export function formatProtocol(protocol: number): string {
  switch (protocol) {
    case IPPROTO.ESP:
      return 'esp';
    case IPPROTO.AH:
      return 'ah';
    case IPPROTO.COMP:
      return 'comp';
    default:
      return String(protocol);
  }
}

export const formatHex = (value: number): string => `0x${value.toString(16)}`;

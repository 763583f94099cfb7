import { type Address, Prefix } from '../net/index.js';
import { AF, IFA, IFA_F } from './constants.js';
import { NetlinkDecodeError } from './errors.js';
import { Attributes, Reader, Writer } from './wire.js';

const INFINITE_LIFETIME = 0xffffffff;

/** An address of an interface. */
export interface InterfaceAddress {
  ifindex: number;
  family: 4 | 6;
  address: Address;
  /** The other end of a point-to-point address. */
  peer: Address | undefined;
  prefixLength: number;
  /** The network the address (or its peer) is in. */
  prefix: Prefix;
  /** RT_SCOPE_* */
  scope: number;
  /** IFA_F_*, all 32 bits */
  flags: number;
  tentative: boolean;
  dadFailed: boolean;
  deprecated: boolean;
  permanent: boolean;
  temporary: boolean;
  noDad: boolean;
  optimistic: boolean;
  noPrefixRoute: boolean;
  /** Seconds, Infinity for ever */
  preferredLifetime: number;
  /** Seconds, Infinity for ever */
  validLifetime: number;
  /** IFAPROT_* */
  protocol: number;
}

/** The header struct ifaddrmsg. */
export function addressHeader(family: number, prefixLength = 0, scope = 0, ifindex = 0): Writer {
  return new Writer().u8(family).u8(prefixLength).u8(0).u8(scope).u32(ifindex);
}

/** IFA_CACHEINFO of lifetimes in seconds. */
export function encodeLifetimes(preferred: number, valid: number): Uint8Array {
  return new Writer().u32(encodeLifetime(preferred)).u32(encodeLifetime(valid)).u32(0).u32(0).finish();
}

function encodeLifetime(seconds: number): number {
  return seconds >= INFINITE_LIFETIME ? INFINITE_LIFETIME : Math.max(0, Math.ceil(seconds));
}

function decodeLifetime(seconds: number): number {
  return seconds === INFINITE_LIFETIME ? Number.POSITIVE_INFINITY : seconds;
}

/**
 * Decodes the body of RTM_NEWADDR or RTM_DELADDR; undefined for families other than IPv4 and IPv6.
 * @throws NetlinkDecodeError
 */
export function decodeInterfaceAddress(body: Uint8Array): InterfaceAddress | undefined {
  const header = new Reader(body);
  const family = header.u8(0);
  const prefixLength = header.u8(1);
  const scope = header.u8(3);
  const ifindex = header.u32(4);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const attributes = new Attributes(body.subarray(8));
  const remote = attributes.address(IFA.ADDRESS);
  const address = attributes.address(IFA.LOCAL) ?? remote;
  if (address === undefined || remote === undefined || remote.family !== address.family) {
    throw new NetlinkDecodeError(`Address message without an address on interface ${ifindex}`);
  }
  if (prefixLength > remote.bits) throw new NetlinkDecodeError(`Prefix length ${prefixLength} of ${remote}`);
  // The 8-bit flags of the header are a truncated copy of the attribute.
  const flags = attributes.u32(IFA.FLAGS) ?? header.u8(2);
  const cache = attributes.bytes(IFA.CACHEINFO);
  const lifetimes = cache && new Reader(cache);
  return {
    ifindex,
    family: address.family,
    address,
    peer: remote.equals(address) ? undefined : remote,
    prefixLength,
    prefix: Prefix.covering(remote, prefixLength),
    scope,
    flags,
    tentative: (flags & IFA_F.TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F.DADFAILED) !== 0,
    deprecated: (flags & IFA_F.DEPRECATED) !== 0,
    permanent: (flags & IFA_F.PERMANENT) !== 0,
    temporary: address.family === 6 && (flags & IFA_F.TEMPORARY) !== 0,
    noDad: (flags & IFA_F.NODAD) !== 0,
    optimistic: (flags & IFA_F.OPTIMISTIC) !== 0,
    noPrefixRoute: (flags & IFA_F.NOPREFIXROUTE) !== 0,
    preferredLifetime: lifetimes ? decodeLifetime(lifetimes.u32(0)) : Number.POSITIVE_INFINITY,
    validLifetime: lifetimes ? decodeLifetime(lifetimes.u32(4)) : Number.POSITIVE_INFINITY,
    protocol: attributes.u8(IFA.PROTO) ?? 0,
  };
}

export function interfaceAddressKey(address: InterfaceAddress): string {
  return `${address.ifindex} ${address.address}/${address.prefixLength}`;
}

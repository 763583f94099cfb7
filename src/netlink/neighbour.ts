import type { Address, MacAddress } from '../net/index.js';
import { AF, NDA, NTF, NTF_EXT, NUD } from './constants.js';
import { namesOfBits } from './names.js';
import { Attributes, Reader, Writer } from './wire.js';

const NEIGHBOUR_STATES = {
  incomplete: NUD.INCOMPLETE,
  reachable: NUD.REACHABLE,
  stale: NUD.STALE,
  delay: NUD.DELAY,
  probe: NUD.PROBE,
  failed: NUD.FAILED,
  noarp: NUD.NOARP,
  permanent: NUD.PERMANENT,
} as const;
export type NeighbourState = keyof typeof NEIGHBOUR_STATES;

const USABLE = NUD.REACHABLE | NUD.STALE | NUD.DELAY | NUD.PROBE | NUD.NOARP | NUD.PERMANENT;

/** A neighbour cache entry. */
export interface Neighbour {
  ifindex: number;
  family: 4 | 6;
  address: Address;
  mac: MacAddress | undefined;
  /** NUD_*, raw; 0 (NONE) for proxy entries and new ones */
  state: number;
  states: readonly NeighbourState[];
  /** Packets can be sent to its MAC now. */
  usable: boolean;
  /** NTF_*, raw */
  flags: number;
  /** NTF_EXT_*, raw */
  extFlags: number;
  /** The kernel keeps it resolved (NTF_EXT_MANAGED). */
  managed: boolean;
  proxy: boolean;
  router: boolean;
  extLearned: boolean;
  /** RTPROT_* of who made it */
  protocol: number;
  /** RTN_* */
  type: number;
}

/** The header struct ndmsg. */
export function neighbourHeader(family: number, ifindex = 0, state = 0, flags = 0): Writer {
  return new Writer().u8(family).u8(0).u16(0).u32(ifindex).u16(state).u8(flags).u8(0);
}

/**
 * Decodes the body of RTM_NEWNEIGH or RTM_DELNEIGH; undefined for bridge forwarding entries, which share the group.
 * @throws NetlinkDecodeError
 */
export function decodeNeighbour(body: Uint8Array): Neighbour | undefined {
  const header = new Reader(body);
  const family = header.u8(0);
  const ifindex = header.i32(4);
  const state = header.u16(8);
  const flags = header.u8(10);
  const type = header.u8(11);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const attributes = new Attributes(body.subarray(12));
  const address = attributes.address(NDA.DST);
  if (address === undefined) return undefined;
  const mac = attributes.mac(NDA.LLADDR);
  const extFlags = attributes.u32(NDA.FLAGS_EXT) ?? 0;
  return {
    ifindex,
    family: address.family,
    address,
    mac,
    state,
    states: namesOfBits(NEIGHBOUR_STATES, state),
    usable: mac !== undefined && (state & USABLE) !== 0,
    flags,
    extFlags,
    managed: (extFlags & NTF_EXT.MANAGED) !== 0,
    proxy: (flags & NTF.PROXY) !== 0,
    router: (flags & NTF.ROUTER) !== 0,
    extLearned: (flags & NTF.EXT_LEARNED) !== 0,
    protocol: attributes.u8(NDA.PROTOCOL) ?? 0,
    type,
  };
}

export function neighbourKey(neighbour: Neighbour): string {
  return `${neighbour.ifindex} ${neighbour.address}${neighbour.proxy ? ' proxy' : ''}`;
}

import { Address, MacAddress } from '../net/index.js';
import { AF, NDA, NTF, NTF_EXT, NUD } from './constants.js';
import type { Mode } from './mode.js';
import { neighbourHeader } from './neighbour.js';

export interface NeighbourId {
  ifindex: number;
  address: Address | string;
  proxy?: boolean | undefined;
}

export interface NeighbourSpec extends NeighbourId {
  mac?: MacAddress | string | undefined;
  /** NUD_*. Default: PERMANENT with a MAC, STALE when also managed, NONE without a MAC */
  state?: number | undefined;
  /** The kernel resolves it now and keeps it resolved (NTF_EXT_MANAGED). */
  managed?: boolean | undefined;
  /** The kernel resolves it now (NTF_USE). */
  use?: boolean | undefined;
  router?: boolean | undefined;
  extLearned?: boolean | undefined;
  /** RTPROT_* of who makes it */
  protocol?: number | undefined;
  /** Default: replace */
  mode?: Mode | undefined;
}

const familyOf = (address: Address): number => (address.family === 4 ? AF.INET : AF.INET6);

export function newNeighbourBody(spec: NeighbourSpec): Uint8Array {
  const address = Address.from(spec.address);
  const known = spec.managed ? NUD.STALE : NUD.PERMANENT;
  const state = spec.state ?? (spec.mac === undefined ? NUD.NONE : known);
  const flags =
    (spec.proxy ? NTF.PROXY : 0) |
    (spec.use ? NTF.USE : 0) |
    (spec.router ? NTF.ROUTER : 0) |
    (spec.extLearned ? NTF.EXT_LEARNED : 0);
  return neighbourHeader(familyOf(address), spec.ifindex, state, flags)
    .attributeAddress(NDA.DST, address)
    .attribute(NDA.LLADDR, spec.mac === undefined ? undefined : MacAddress.from(spec.mac).toBytes())
    .attributeU8(NDA.PROTOCOL, spec.protocol)
    .attributeU32(NDA.FLAGS_EXT, spec.managed ? NTF_EXT.MANAGED : undefined)
    .finish();
}

export function deleteNeighbourBody(id: NeighbourId): Uint8Array {
  const address = Address.from(id.address);
  return neighbourHeader(familyOf(address), id.ifindex, 0, id.proxy ? NTF.PROXY : 0)
    .attributeAddress(NDA.DST, address)
    .finish();
}

export function describeNeighbour(id: NeighbourId): string {
  return `neighbour ${id.address} dev ${id.ifindex}${id.proxy ? ' proxy' : ''}`;
}

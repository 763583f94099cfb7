import { Xfrm, type XfrmDefaults, type XfrmPolicy } from '../netlink/index.js';

/** What the kernel's IPsec does to packets. */
export interface IpsecPolicies {
  policies: readonly XfrmPolicy[];
  /** What becomes of packets that no policy matches. */
  defaults: XfrmDefaults;
}

/**
 * Reads them, those of sockets aside; a kernel without IPsec has none. Needs CAP_NET_ADMIN.
 * @throws NetlinkError
 */
export async function readIpsecPolicies(): Promise<IpsecPolicies> {
  using xfrm = Xfrm.open();
  return { policies: await xfrm.dumpPolicies(), defaults: await xfrm.getDefaults() };
}

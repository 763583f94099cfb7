import { IFLA, IFLA_INFO, IFLA_IPTUN, IFLA_XFRM, RTM } from './constants.js';
import { NetlinkError } from './errors.js';
import { linkHeader } from './link.js';
import { modeFlags } from './mode.js';
import type { Request } from './request-socket.js';
import type { Message, Writer } from './wire.js';

/**
 * More than rtnl_create_link() of net/core/rtnetlink.c accepts (4096). It refuses them after it has found the kind and
 * read the kind's own attributes, and before anything is made.
 */
const TOO_MANY_QUEUES = 5_000;

const COLLECT_METADATA = { ip6tnl: IFLA_IPTUN.COLLECT_METADATA, xfrm: IFLA_XFRM.COLLECT_METADATA } as const;

/** A kind whose device can be one for all tunnels, told of each packet's ends by the packet's metadata. */
export type MetadataKind = keyof typeof COLLECT_METADATA;

type Send = (request: Request, attempted: string) => Promise<Message[]>;

/**
 * Whether the kernel makes links of a kind, found by asking for one that it must refuse. Nothing is made, but a module
 * that has the kind is loaded and stays, as with `ip link add`; some modules make a device of their own then.
 * @throws NetlinkError NETLINK_KERNEL with EPERM without CAP_NET_ADMIN, and like `Netlink#request`
 */
export async function offersLinkKind(send: Send, kind: string): Promise<boolean> {
  return (await refusal(send, kind)) === 'EINVAL';
}

/**
 * Whether links of a kind take the addresses of their tunnel from each packet (`external` of ip-link(8)). The
 * attribute is a flag; one with a value is ERANGE where the kernel knows it, and is passed over where it does not.
 * @throws NetlinkError like `offersLinkKind`
 */
export async function offersMetadata(send: Send, kind: MetadataKind): Promise<boolean> {
  return (await refusal(send, kind, (data) => data.attributeU32(COLLECT_METADATA[kind], 1))) === 'ERANGE';
}

/** The kernel's answer to a link that it cannot make; EOPNOTSUPP when it has no such kind. */
async function refusal(send: Send, kind: string, writeData?: (data: Writer) => void): Promise<string> {
  const body = linkHeader()
    .attributeU32(IFLA.NUM_TX_QUEUES, TOO_MANY_QUEUES)
    .nested(IFLA.LINKINFO, (info) => {
      info.attributeString(IFLA_INFO.KIND, kind);
      if (writeData !== undefined) info.nested(IFLA_INFO.DATA, writeData);
    })
    .finish();
  const attempted = `find out about links of kind ${kind}`;
  try {
    await send({ type: RTM.NEWLINK, flags: modeFlags('exclusive'), body }, attempted);
  } catch (error) {
    const name = error instanceof NetlinkError ? error.errnoName : undefined;
    if (name === 'EINVAL' || name === 'ERANGE' || name === 'EOPNOTSUPP') return name;
    throw error;
  }
  throw new NetlinkError(
    'NETLINK_KERNEL',
    `Cannot ${attempted}: the kernel made one of ${TOO_MANY_QUEUES} queues; delete it with ip link`,
    { attempted },
  );
}

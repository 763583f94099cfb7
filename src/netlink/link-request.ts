import { Address, MacAddress } from '../net/index.js';
import {
  AF,
  IFF,
  IFLA,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_INFO,
  IFLA_VXLAN,
  VETH_INFO_PEER,
} from './constants.js';
import { NetlinkError } from './errors.js';
import { ADDR_GEN_MODES, type AddrGenMode, linkHeader } from './link.js';
import type { Mode } from './mode.js';
import type { Writer } from './wire.js';

export interface LinkOptions {
  name: string;
  mac?: MacAddress | string | undefined;
  mtu?: number | undefined;
  /** False: no address resolution on this link (IFF_NOARP). */
  arp?: boolean | undefined;
  addrGenMode?: AddrGenMode | undefined;
  up?: boolean | undefined;
  /** `replace` deletes a link of that name first. */
  mode?: Mode | undefined;
}

export interface VethOptions extends LinkOptions {
  peer: string;
  peerMac?: MacAddress | string | undefined;
  /** Default: `mtu` */
  peerMtu?: number | undefined;
  /** Default: `arp` */
  peerArp?: boolean | undefined;
  peerAddrGenMode?: AddrGenMode | undefined;
  peerUp?: boolean | undefined;
  /** A process in the namespace that gets the peer. */
  peerNamespacePid?: number | undefined;
  /** An open descriptor of the namespace that gets the peer. */
  peerNamespaceFd?: number | undefined;
}

export interface VxlanOptions extends LinkOptions {
  /** One device for all tunnels: the packet's metadata says where to (collect_md). */
  external?: boolean | undefined;
  /** Needed unless external. */
  vni?: number | undefined;
  /** Outer UDP port, default 4789 */
  dstPort?: number | undefined;
  /** Outer family of an external device, default true */
  ipv6?: boolean | undefined;
  local?: Address | string | undefined;
  remote?: Address | string | undefined;
  /** ifindex of the lower device */
  device?: number | undefined;
  learning?: boolean | undefined;
  udpZeroCsum6Rx?: boolean | undefined;
  udpZeroCsum6Tx?: boolean | undefined;
}

export interface LinkChange {
  up?: boolean | undefined;
  mtu?: number | undefined;
  name?: string | undefined;
  /** Free text, at most 255 bytes. */
  alias?: string | undefined;
  mac?: MacAddress | string | undefined;
  arp?: boolean | undefined;
  addrGenMode?: AddrGenMode | undefined;
  /** ifindex, 0 for none */
  master?: number | undefined;
  namespacePid?: number | undefined;
  namespaceFd?: number | undefined;
}

const macBytes = (mac: MacAddress | string | undefined): Uint8Array | undefined =>
  mac === undefined ? undefined : MacAddress.from(mac).toBytes();

/** The flags of an interface and which of them are meant. */
function flagsOf(up: boolean | undefined, arp: boolean | undefined): [flags: number, change: number] {
  const flags = (up ? IFF.UP : 0) | (arp === false ? IFF.NOARP : 0);
  const change = (up === undefined ? 0 : IFF.UP) | (arp === undefined ? 0 : IFF.NOARP);
  return [flags, change];
}

/** RTM_NEWLINK of a device that is still down; `writeData` writes the kind's own attributes. */
export function newLinkBody(
  options: LinkOptions,
  kind: string,
  writeData?: (data: Writer) => void,
): Uint8Array {
  return linkHeader(0, ...flagsOf(undefined, options.arp))
    .attributeString(IFLA.IFNAME, checkedName(options.name))
    .attributeU32(IFLA.MTU, options.mtu)
    .attribute(IFLA.ADDRESS, macBytes(options.mac))
    .nested(IFLA.LINKINFO, (info) => {
      info.attributeString(IFLA_INFO.KIND, kind);
      if (writeData !== undefined) info.nested(IFLA_INFO.DATA, writeData);
    })
    .finish();
}

export function newVethBody(options: VethOptions): Uint8Array {
  const foreign = options.peerNamespaceFd !== undefined || options.peerNamespacePid !== undefined;
  if (foreign && (options.peerAddrGenMode !== undefined || options.peerUp !== undefined)) {
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `Set the state and address generation of ${options.peer} inside its own namespace`,
    );
  }
  const peer = linkHeader(0, ...flagsOf(undefined, options.peerArp ?? options.arp))
    .attributeString(IFLA.IFNAME, checkedName(options.peer))
    .attributeU32(IFLA.MTU, options.peerMtu ?? options.mtu)
    .attribute(IFLA.ADDRESS, macBytes(options.peerMac))
    .attributeU32(IFLA.NET_NS_PID, options.peerNamespacePid)
    .attributeU32(IFLA.NET_NS_FD, options.peerNamespaceFd)
    .finish();
  return newLinkBody(options, 'veth', (data) => data.attribute(VETH_INFO_PEER, peer));
}

export function newVxlanBody(options: VxlanOptions): Uint8Array {
  const external = options.external === true;
  if (!external && options.vni === undefined) {
    throw new NetlinkError('NETLINK_ARGUMENT', `vxlan ${options.name} needs a vni, or external: true`);
  }
  const bit = (value: boolean | undefined): number | undefined =>
    value === undefined ? undefined : Number(value);
  // The family of an external device's socket is that of its unspecified local address.
  const local =
    options.local !== undefined
      ? Address.from(options.local)
      : external && options.ipv6 !== false
        ? Address.UNSPECIFIED
        : undefined;
  const remote = options.remote === undefined ? undefined : Address.from(options.remote);
  return newLinkBody(options, 'vxlan', (data) =>
    data
      .attributeU32(IFLA_VXLAN.ID, external ? undefined : options.vni)
      .attributeU32(IFLA_VXLAN.LINK, options.device)
      .attributeAddress(local?.family === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6, local)
      .attributeAddress(remote?.family === 4 ? IFLA_VXLAN.GROUP : IFLA_VXLAN.GROUP6, remote)
      .attributeU8(IFLA_VXLAN.LEARNING, bit(options.learning ?? (external ? false : undefined)))
      .attributeU8(IFLA_VXLAN.COLLECT_METADATA, external ? 1 : undefined)
      .attributeBe16(IFLA_VXLAN.PORT, options.dstPort ?? 4789)
      .attributeU8(IFLA_VXLAN.UDP_ZERO_CSUM6_TX, bit(options.udpZeroCsum6Tx))
      .attributeU8(IFLA_VXLAN.UDP_ZERO_CSUM6_RX, bit(options.udpZeroCsum6Rx)),
  );
}

/** The RTM_SETLINK bodies of a change, in the order to send them. */
export function setLinkBodies(ifindex: number, change: LinkChange): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  if (change.addrGenMode !== undefined) {
    const mode = ADDR_GEN_MODES[change.addrGenMode];
    // Before the link comes up, in a message of its own: the kernel applies flags first.
    bodies.push(
      linkHeader(ifindex)
        .nested(IFLA.AF_SPEC, (families) =>
          families.nested(AF.INET6, (inet6) => inet6.attributeU8(IFLA_INET6_ADDR_GEN_MODE, mode)),
        )
        .finish(),
    );
  }
  const { addrGenMode: _, ...rest } = change;
  if (Object.values(rest).some((value) => value !== undefined)) {
    bodies.push(
      linkHeader(ifindex, ...flagsOf(change.up, change.arp))
        .attributeString(IFLA.IFNAME, change.name === undefined ? undefined : checkedName(change.name))
        .attributeString(IFLA.IFALIAS, change.alias)
        .attributeU32(IFLA.MTU, change.mtu)
        .attribute(IFLA.ADDRESS, macBytes(change.mac))
        .attributeU32(IFLA.MASTER, change.master)
        .attributeU32(IFLA.NET_NS_PID, change.namespacePid)
        .attributeU32(IFLA.NET_NS_FD, change.namespaceFd)
        .finish(),
    );
  }
  return bodies;
}

/** The body that names one link, for RTM_GETLINK and RTM_DELLINK. */
export function oneLinkBody(which: number | string): Uint8Array {
  if (typeof which === 'number') return linkHeader(which).finish();
  const byteLength = Buffer.byteLength(which);
  return linkHeader()
    .attributeString(byteLength > 15 ? IFLA.ALT_IFNAME : IFLA.IFNAME, which)
    .finish();
}

function checkedName(name: string): string {
  if (name === '' || name === '.' || name === '..' || Buffer.byteLength(name) > 15 || /[\s/:\0]/.test(name)) {
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `'${name}' cannot name an interface: use 1 to 15 bytes without spaces, '/' and ':'`,
    );
  }
  return name;
}

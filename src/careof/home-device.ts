import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type ExternalConfig, encapsulationOf, largestInner } from '../config/index.js';
import type { Address, MacAddress } from '../net/index.js';
import { type Link, type Netlink, NetlinkError, turnOffFeatures } from '../netlink/index.js';
import { ControllerError } from './controller-error.js';

/**
 * Kinds of segmentation that no outer header fits on (`bpf_skb_adjust_room` refuses them): where our program
 * lets such a packet through, the device is to cut it up, and the program at its other end gets the segments.
 */
const CUT_UP = [
  'tx-sctp-segmentation',
  'tx-gre-segmentation',
  'tx-gre-csum-segmentation',
  'tx-ipxip4-segmentation',
  'tx-ipxip6-segmentation',
  'tx-udp_tnl-segmentation',
  'tx-udp_tnl-csum-segmentation',
];

const OWNER = 'coaxial ';

/** What the alias of a device of ours says: whose it is. */
export function ownerOf(instance: string): string {
  return `${OWNER}${instance}`;
}

/** The other instances of this network namespace, by their devices. */
export function otherOwners(links: readonly Link[], instance: string): Link[] {
  return links.filter((link) => link.alias?.startsWith(OWNER) && link.alias !== ownerOf(instance));
}

/** Name of the other end of the home interface. */
export function peerName(name: string): string {
  return `${name}p`;
}

/**
 * Makes the home interface if it is not there: one end of a veth pair, without neighbour discovery, whose
 * other end has nobody to talk to. An existing link of that name that is not ours is refused.
 */
export async function ensureHomeDevice(
  netlink: Netlink,
  owner: string,
  name: string,
  mac: MacAddress,
  mtu: number,
): Promise<{ home: Link; peer: Link }> {
  let home = await netlink.getLink(name);
  if (!home) {
    await netlink.createVeth({
      name,
      peer: peerName(name),
      mac,
      mtu,
      peerMtu: 65535,
      arp: false,
      addrGenMode: 'none',
      peerAddrGenMode: 'none',
    });
    quietDevice(peerName(name));
    home = await claim(netlink, name, owner);
  }
  if (home?.kind !== 'veth' || home.alias !== owner || !home.mac?.equals(mac)) {
    throw new ControllerError(
      'HOME_INTERFACE_TAKEN',
      `there is a link ${name} that is not our home interface${belongsTo(home)}`,
      'choose another name under home.interface, or remove that link',
    );
  }
  const peer = home.link === undefined ? undefined : await netlink.getLink(home.link);
  if (!peer) {
    throw new ControllerError(
      'HOME_INTERFACE_TAKEN',
      `the other end of ${name} is not in this network namespace`,
      `remove it with "ip link del ${name}"`,
    );
  }
  // No router advertisement or redirect is worth listening to on a link without neighbours.
  setSysctl(name, 'accept_ra', '0');
  setSysctl(name, 'accept_redirects', '0');
  quietDevice(peer.name);
  await cutUp(home.ifindex);
  if (!home.up) {
    await netlink.setLink(home.ifindex, { up: true });
  }
  if (!peer.up) {
    await netlink.setLink(peer.ifindex, { up: true });
  }
  return { home, peer };
}

/** Gives the home interface its MTU and, on a mobile router, the home address. */
export async function settleHomeDevice(
  netlink: Netlink,
  home: Link,
  mtu: number,
  address: Address | undefined,
): Promise<void> {
  if (home.mtu !== mtu) {
    await netlink.setLink(home.ifindex, { mtu });
  }
  if (address) {
    await netlink.addAddress({ ifindex: home.ifindex, address, prefixLength: 128, noDad: true });
  }
}

/** Makes the one device of external tunnels; those with link headers have the same MAC at both ends. */
export async function ensureTunnelDevice(
  netlink: Netlink,
  owner: string,
  config: ExternalConfig,
  mac: MacAddress,
): Promise<Link> {
  const { device: name, kind } = config;
  let link = await netlink.getLink(name);
  if (link?.alias === owner && !isExternal(link, config)) {
    // Of a former configuration.
    await netlink.deleteLink(link.ifindex);
    link = undefined;
  }
  if (!link) {
    await createExternal(netlink, config, mac);
    link = await claim(netlink, name, owner);
  }
  if (link?.alias !== owner || !isExternal(link, config)) {
    throw new ControllerError(
      'TUNNEL_DEVICE_TAKEN',
      `there is a link ${name} that is not our ${kind} device${belongsTo(link)}`,
      'choose another name under external.device, or remove that link',
    );
  }
  quietDevice(name);
  if (!link.up) {
    await netlink.setLink(link.ifindex, { up: true });
  }
  return link;
}

async function createExternal(
  netlink: Netlink,
  { device: name, kind, port }: ExternalConfig,
  mac: MacAddress,
): Promise<void> {
  // The largest there is: what a packet may be in the end depends on its binding.
  const mtu = largestInner(65535, encapsulationOf({ tunnel: 'external' }, kind));
  const common = { name, mtu, external: true, addrGenMode: 'none' } as const;
  switch (kind) {
    case 'vxlan':
      await netlink.createVxlan({ ...common, dstPort: port, mac });
      return;
    case 'ip6tnl':
      await netlink.createIp6Tunnel(common);
      return;
    case 'xfrm':
      await netlink.createXfrmInterface(common);
      return;
  }
}

function isExternal({ tunnel }: Link, { kind, port }: ExternalConfig): boolean {
  return tunnel?.kind === kind && tunnel.external && (tunnel.kind !== 'vxlan' || tunnel.port === port);
}

async function claim(netlink: Netlink, name: string, owner: string): Promise<Link | undefined> {
  await netlink.setLink(name, { alias: owner });
  return netlink.getLink(name);
}

function belongsTo(link: Link | undefined): string {
  return link?.alias ? ` (its alias says "${link.alias}")` : '';
}

async function cutUp(ifindex: number): Promise<void> {
  try {
    await turnOffFeatures(ifindex, CUT_UP);
  } catch (error) {
    // A kernel without this interface keeps them on: tunnels and SCTP over ours are then counted drops
    // (drop-encap-failed) when they use segmentation offload.
    if (!(error instanceof NetlinkError) || error.errnoName !== 'ENOENT') {
      throw error;
    }
  }
}

/** The kernel itself has nothing to say by such a device: no multicast reports, no solicitations. */
export function quietDevice(name: string): void {
  setSysctl(name, 'disable_ipv6', '1');
}

function setSysctl(link: string, name: string, value: string): void {
  const path = `/proc/sys/net/ipv6/conf/${link}/${name}`;
  if (existsSync(path) && readFileSync(path, 'utf8').trim() !== value) {
    writeFileSync(path, value);
  }
}

import type { Address, MacAddress } from '../net/index.js';
import type { Link, Neighbour, Netlink, NetlinkSnapshot } from '../netlink/index.js';
import { ARPHRD } from '../netlink/index.js';

/** A neighbour on the mobile network's side that decapsulated packets can be given to directly. */
export interface DirectNeighbour {
  address: Address;
  ifindex: number;
  mac: MacAddress;
  ownMac: MacAddress;
  mtu: number;
}

/** The neighbours that the fast path may use on the given links. */
export function directNeighbours(snapshot: NetlinkSnapshot, links: readonly Link[]): DirectNeighbour[] {
  const byIndex = new Map(
    links.filter((link) => link.type === ARPHRD.ETHER).map((link) => [link.ifindex, link]),
  );
  return snapshot.neighbours.flatMap((neighbour) => {
    const link = byIndex.get(neighbour.ifindex);
    const { address, mac, usable, proxy } = neighbour;
    return link?.mac && link.up && usable && !proxy && mac && !mac.isMulticast && address.isGlobal
      ? [{ address, ifindex: link.ifindex, mac, ownMac: link.mac, mtu: link.mtu }]
      : [];
  });
}

const key = (item: { ifindex: number; address: Address }): string => `${item.ifindex} ${item.address}`;

/**
 * Keeps neighbours fresh that the stack sees no traffic for: the kernel itself probes what is managed
 * (NTF_EXT_MANAGED, 5.16). One that failed is let go, unless it is a next hop of ours.
 */
export async function holdNeighbours(
  netlink: Netlink,
  snapshot: NetlinkSnapshot,
  wanted: { nextHops: readonly { ifindex: number; address: Address }[]; direct: readonly DirectNeighbour[] },
  protocol: number,
): Promise<void> {
  const known = new Map(snapshot.neighbours.filter((item) => !item.proxy).map((item) => [key(item), item]));
  const hold = new Map([...wanted.nextHops, ...wanted.direct].map((item) => [key(item), item]));
  for (const [name, { ifindex, address }] of hold) {
    if (!known.get(name)?.managed) {
      await netlink.addNeighbour({ ifindex, address, managed: true, use: true, protocol });
    }
  }
  for (const neighbour of ours(snapshot.neighbours, protocol)) {
    if (!hold.has(key(neighbour))) {
      await netlink.deleteNeighbour({ ifindex: neighbour.ifindex, address: neighbour.address });
    }
  }
}

/** Managed neighbours that were made so by us. */
export function ours(neighbours: readonly Neighbour[], protocol: number): Neighbour[] {
  return neighbours.filter((item) => item.managed && item.protocol === protocol);
}

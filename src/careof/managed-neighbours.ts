import type { Address, MacAddress } from '../net/index.js';
import type { Link, Neighbour, Netlink, NetlinkSnapshot } from '../netlink/index.js';
import { ARPHRD, NetlinkError, NUD } from '../netlink/index.js';

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
 * @returns what the kernel refused; it holds up nothing else
 */
export async function holdNeighbours(
  netlink: Pick<Netlink, 'addNeighbour' | 'deleteNeighbour'>,
  snapshot: NetlinkSnapshot,
  wanted: { nextHops: readonly { ifindex: number; address: Address }[]; direct: readonly DirectNeighbour[] },
  protocol: number,
): Promise<NetlinkError[]> {
  const failed: NetlinkError[] = [];
  const attempt = async (step: Promise<unknown>): Promise<void> => {
    try {
      await step;
    } catch (error) {
      if (!(error instanceof NetlinkError)) {
        throw error;
      }
      failed.push(error);
    }
  };
  const known = new Map(snapshot.neighbours.filter((item) => !item.proxy).map((item) => [key(item), item]));
  const hold = new Map([...wanted.nextHops, ...wanted.direct].map((item) => [key(item), item]));
  for (const [name, { ifindex, address }] of hold) {
    if (!known.get(name)?.managed) {
      await attempt(netlink.addNeighbour({ ifindex, address, managed: true, use: true, protocol }));
    }
  }
  for (const neighbour of ours(snapshot.neighbours, protocol)) {
    if (!hold.has(key(neighbour))) {
      await attempt(netlink.deleteNeighbour({ ifindex: neighbour.ifindex, address: neighbour.address }));
    }
  }
  return failed;
}

/** States in which the kernel trusts a neighbour without asking; it does not announce the last one. */
const PROBED = NUD.REACHABLE | NUD.STALE | NUD.DELAY;

/**
 * Asks neighbours whether they are still there. The kernel takes one that has answered once for reachable
 * for up to 45 s and then waits some more: too long where packets depend on it.
 */
export async function probeNeighbours(
  netlink: Pick<Netlink, 'addNeighbour'>,
  snapshot: NetlinkSnapshot,
  asked: readonly { ifindex: number; address: Address }[],
  protocol: number,
): Promise<void> {
  const wanted = new Set(asked.map(key));
  for (const { ifindex, address, usable, state } of snapshot.neighbours) {
    if (wanted.has(key({ ifindex, address })) && usable && (state & PROBED) !== 0) {
      // A managed entry takes no state from user space (__neigh_update(), net/core/neighbour.c).
      await netlink.addNeighbour({ ifindex, address, state: NUD.PROBE, protocol });
      await netlink.addNeighbour({ ifindex, address, managed: true, protocol });
    }
  }
}

/** Which of many neighbours are asked now, so that all have their turn. */
export class ProbeTurns {
  readonly #rounds: number;
  readonly #most: number;
  #next = 0;

  /**
   * @param rounds after how many rounds all have been asked, where they are few enough
   * @param most how many are asked in one round
   */
  constructor(rounds: number, most: number) {
    this.#rounds = rounds;
    this.#most = most;
  }

  take<T>(neighbours: readonly T[]): T[] {
    const count = Math.min(Math.ceil(neighbours.length / this.#rounds), this.#most);
    const from = this.#next % Math.max(1, neighbours.length);
    this.#next = from + count;
    return [...neighbours, ...neighbours].slice(from, from + count);
  }
}

/** Managed neighbours that were made so by us. */
export function ours(neighbours: readonly Neighbour[], protocol: number): Neighbour[] {
  return neighbours.filter((item) => item.managed && item.protocol === protocol);
}

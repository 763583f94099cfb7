import { type Neighbour, type Netlink, NetlinkError, NUD } from '../netlink/index.js';
import type { ProxyPlan } from './plan.js';

type Requests = Pick<Netlink, 'addNeighbour' | 'deleteNeighbour' | 'dumpNeighbours'>;

const key = ({ ifindex, address }: ProxyPlan): string => `${ifindex} ${address}`;

/**
 * Keeps the proxy entries by which the kernel answers neighbour solicitations for others (RFC 6275 section 10.4.1), where
 * `proxy_ndp` of the interface lets it. It does not announce them, and forgets them with the link: each run asks for them.
 */
export class ProxyNeighbours {
  readonly #netlink: Requests;
  /** An instance before this one may have left some. */
  #mayHaveSome = true;

  constructor(netlink: Requests) {
    this.#netlink = netlink;
  }

  /** Makes those of a protocol number as planned. Returns what the kernel refused; it holds up nothing else. */
  async sync(planned: readonly ProxyPlan[], protocol: number): Promise<NetlinkError[]> {
    if (planned.length === 0 && !this.#mayHaveSome) return [];
    const there = new Map((await proxiesOf(this.#netlink, protocol)).map((item) => [key(item), item]));
    const wanted = new Map(planned.map((item) => [key(item), item]));
    const failed: NetlinkError[] = [];
    const attempt = async (step: Promise<unknown>): Promise<void> => {
      try {
        await step;
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        failed.push(error);
      }
    };
    for (const [name, { ifindex, address }] of wanted) {
      if (there.has(name)) continue;
      await attempt(
        this.#netlink.addNeighbour({ ifindex, address, proxy: true, state: NUD.PERMANENT, protocol }),
      );
    }
    for (const [name, { ifindex, address }] of there) {
      if (!wanted.has(name)) {
        await attempt(this.#netlink.deleteNeighbour({ ifindex, address, proxy: true }));
      }
    }
    this.#mayHaveSome = planned.length > 0 || failed.length > 0;
    return failed;
  }
}

/** The proxy entries of a protocol number. */
export async function proxiesOf(
  netlink: Pick<Netlink, 'dumpNeighbours'>,
  protocol: number,
): Promise<Neighbour[]> {
  const all = await netlink.dumpNeighbours({ proxy: true });
  return all.filter((item) => item.proxy && item.family === 6 && item.protocol === protocol);
}

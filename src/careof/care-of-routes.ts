import { type Address, type Prefix, PrefixIndex } from '../net/index.js';
import { type Netlink, NetlinkError } from '../netlink/index.js';
import type { RouteAnswer } from './home-agent.js';

/** Questions that are on their way to the kernel at once. */
const ASKED_AT_ONCE = 64;

/**
 * The kernel's routes to care-of addresses: each is asked for once, and again when something has changed that the
 * answer may depend on. A home agent has tens of thousands of care-of addresses, and each question is a system call.
 */
export class CareOfRoutes {
  readonly #answers = new Map<
    string,
    { readonly address: Address; readonly route: RouteAnswer | undefined }
  >();
  #doubtful: Prefix[] = [];

  /** The answer for an address that was asked for. */
  route(careOf: Address): RouteAnswer | undefined {
    return this.#answers.get(careOf.key)?.route;
  }

  /** Asks the kernel for those of which the answer is not known. @throws NetlinkError when it cannot be asked */
  async ask(netlink: Pick<Netlink, 'getRoute'>, careOfs: Iterable<Address>, source: Address): Promise<void> {
    this.#forgetDoubtful();
    const unknown = new Map<string, Address>();
    for (const careOf of careOfs) {
      const { key } = careOf;
      if (!this.#answers.has(key)) unknown.set(key, careOf);
    }
    const addresses = [...unknown.values()];
    for (let at = 0; at < addresses.length; at += ASKED_AT_ONCE) {
      const some = addresses.slice(at, at + ASKED_AT_ONCE);
      await Promise.all(
        some.map(async (address) => {
          const route = await askRoute(netlink, address, source);
          this.#answers.set(address.key, { address, route });
        }),
      );
    }
  }

  /** Nothing that is known can be relied on. */
  forget(): void {
    this.#answers.clear();
    this.#doubtful = [];
  }

  /** A route to this prefix has changed. */
  doubt(destination: Prefix): void {
    this.#doubtful.push(destination);
  }

  /** Forgets addresses that nobody has any more. */
  keepOnly(careOfs: Iterable<Address>): void {
    const keep = new Set<string>();
    for (const careOf of careOfs) keep.add(careOf.key);
    for (const key of this.#answers.keys()) if (!keep.has(key)) this.#answers.delete(key);
  }

  #forgetDoubtful(): void {
    if (this.#doubtful.length === 0) return;
    const doubtful = new PrefixIndex(this.#doubtful.map((prefix) => [prefix, true]));
    this.#doubtful = [];
    for (const [key, { address }] of this.#answers) if (doubtful.find(address)) this.#answers.delete(key);
  }
}

async function askRoute(
  netlink: Pick<Netlink, 'getRoute'>,
  destination: Address,
  source: Address,
): Promise<RouteAnswer | undefined> {
  try {
    const route = await netlink.getRoute({ destination, source });
    return route.ifindex === undefined || route.type !== 'unicast'
      ? undefined
      : { ifindex: route.ifindex, gateway: route.gateway };
  } catch (error) {
    if (error instanceof NetlinkError && error.errnoName !== undefined) {
      return undefined;
    }
    throw error;
  }
}

import { type Address, type Prefix, PrefixIndex } from '../net/index.js';
import { type Netlink, NetlinkError, type Route, RT_TABLE, type Rule } from '../netlink/index.js';
import type { RouteAnswer } from './home-agent.js';

/** Questions that are on their way to the kernel at once. */
const ASKED_AT_ONCE = 64;

/** What is known of the kernel's routes without asking. */
export interface KnownRoutes {
  /** The routes of a table to the longest prefix that covers an address. */
  longestRoutes(address: Address, table: number): readonly Route[];
  readonly rules: readonly Rule[];
}

/**
 * The kernel's routes to care-of addresses: each is asked for once, and again when something has changed that the
 * answer may depend on. A home agent has tens of thousands of care-of addresses, and each question is a system call: of
 * those that take the same route for sure one is asked for.
 */
export class CareOfRoutes {
  readonly #answers = new Map<
    string,
    { readonly address: Address; readonly route: RouteAnswer | undefined }
  >();
  /** Of routes that are the answer for all whom they are the longest for. A route that changes is another object. */
  #shared = new WeakMap<Route, { readonly route: RouteAnswer | undefined }>();
  #doubtful: Prefix[] = [];

  /** The answer for an address that was asked for. */
  route(careOf: Address): RouteAnswer | undefined {
    return this.#answers.get(careOf.key)?.route;
  }

  /** Asks the kernel for those of which the answer is not known. @throws NetlinkError when it cannot be asked */
  async ask(
    netlink: Pick<Netlink, 'getRoute'>,
    known: KnownRoutes,
    careOfs: Iterable<Address>,
    source: Address,
  ): Promise<void> {
    this.#forgetDoubtful();
    const isPlain = known.rules.every(isOrdinary);
    const unknown = new Map<string, { readonly address: Address; readonly sole: Route | undefined }>();
    const asked = new Set<Route>();
    const others: { readonly address: Address; readonly sole: Route }[] = [];
    for (const address of careOfs) {
      const { key } = address;
      if (this.#answers.has(key) || unknown.has(key)) continue;
      const sole = isPlain ? soleRoute(known, address) : undefined;
      const shared = sole && this.#shared.get(sole);
      if (shared) {
        this.#answers.set(key, { address, route: shared.route });
      } else if (sole && asked.has(sole)) {
        others.push({ address, sole });
      } else {
        if (sole) asked.add(sole);
        unknown.set(key, { address, sole });
      }
    }
    const questions = [...unknown.values()];
    for (let at = 0; at < questions.length; at += ASKED_AT_ONCE) {
      const some = questions.slice(at, at + ASKED_AT_ONCE);
      await Promise.all(
        some.map(async ({ address, sole }) => {
          const route = await askRoute(netlink, address, source);
          this.#answers.set(address.key, { address, route });
          if (sole) this.#shared.set(sole, { route });
        }),
      );
    }
    for (const { address, sole } of others) {
      const shared = this.#shared.get(sole);
      if (shared) this.#answers.set(address.key, { address, route: shared.route });
    }
  }

  /** Nothing that is known can be relied on. */
  forget(): void {
    this.#answers.clear();
    this.#shared = new WeakMap();
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

/** Whether a rule is one of those that every kernel has from the beginning: the local table, then the main one. */
function isOrdinary({ priority, action, source, destination, ...rule }: Rule): boolean {
  const { fwmark, iif, oif, l3mdev, invert, suppressPrefixLength, ipProto, tos, table } = rule;
  const asks = source ?? destination ?? fwmark ?? iif ?? oif ?? suppressPrefixLength ?? ipProto;
  if (action !== 'table' || asks !== undefined || l3mdev || invert || tos !== 0) return false;
  return priority === 0 ? table === RT_TABLE.LOCAL : table === RT_TABLE.MAIN;
}

/**
 * The route that an address takes where that is beyond doubt, with no other rules than the ordinary ones: the only one to
 * its longest prefix, whoever sends, of one path that is well. Where the kernel chooses, it is to be asked.
 */
function soleRoute(known: KnownRoutes, address: Address): Route | undefined {
  if (known.longestRoutes(address, RT_TABLE.LOCAL).length > 0) return undefined;
  const [route, ...more] = known.longestRoutes(address, RT_TABLE.MAIN);
  if (route === undefined || more.length > 0) return undefined;
  const { source, nextHops, nexthopId, encapType, dead, linkDown, tos } = route;
  const isPlain = source === undefined && nextHops.length === 0 && nexthopId === undefined && tos === 0;
  return isPlain && encapType === undefined && !dead && !linkDown ? route : undefined;
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

import type { HomeAgentConfig, RouterConfig } from '../config/index.js';
import { type Address, type Prefix, PrefixIndex } from '../net/index.js';
import type { NetlinkSnapshot } from '../netlink/index.js';
import {
  type HomeAgentContext,
  type PlanPart,
  planOfParts,
  planRouter,
  routerPrefixes,
} from './home-agent.js';
import type { BindingPlan, Plan } from './plan.js';
import type { Scope } from './scope.js';

/**
 * The plan of a home agent, kept router by router: what one of ten thousand registers is planned for that one, and the
 * others stay as they were planned.
 */
export class HomeAgentPlans {
  readonly config: HomeAgentConfig;
  readonly #routers: ReadonlyMap<string, RouterConfig>;
  readonly #owners: PrefixIndex<RouterConfig>;
  /** By home address, in the order of the config. */
  readonly #parts = new Map<string, PlanPart>();
  /** How many bindings accept packets from an address; of nearly all it is one. */
  readonly #claims = new Map<string, number>();

  constructor(config: HomeAgentConfig) {
    this.config = config;
    this.#routers = new Map(config.routers.map((router) => [router.address.key, router]));
    this.#owners = new PrefixIndex(
      config.routers.flatMap((router) => routerPrefixes(router).map((prefix) => [prefix, router] as const)),
    );
  }

  /** Of these home addresses, those that the config has. */
  routersOf(homeAddresses: Iterable<Address>): RouterConfig[] {
    return [...homeAddresses].flatMap(({ key }) => this.#routers.get(key) ?? []);
  }

  planAll(snapshot: NetlinkSnapshot, context: HomeAgentContext): Plan {
    this.#claims.clear();
    for (const router of this.config.routers) {
      const part = planRouter(router, this.config, snapshot, context);
      this.#parts.set(router.address.key, part);
      this.#claim(part, 1);
    }
    return this.whole();
  }

  /**
   * Plans some routers anew, after `planAll`; undefined where this cannot be told apart from the others, or there is
   * something to report: then all have to be planned.
   */
  planSome(
    routers: readonly RouterConfig[],
    snapshot: NetlinkSnapshot,
    context: HomeAgentContext,
  ): Pick<Scope, 'plan' | 'before' | 'whole'> | undefined {
    const before: PlanPart[] = [];
    const after: PlanPart[] = [];
    let isShared = false;
    for (const router of routers) {
      const { key } = router.address;
      const earlier = this.#parts.get(key);
      if (earlier === undefined) return undefined;
      const part = keepSame(planRouter(router, this.config, snapshot, context), earlier);
      isShared = this.#claim(earlier, -1) || isShared;
      isShared = this.#claim(part, 1) || isShared;
      this.#parts.set(key, part);
      before.push(earlier);
      after.push(part);
    }
    if (isShared || [...before, ...after].some(({ problems }) => problems.length > 0)) return undefined;
    if (after.some(({ proxy }, at) => !isSameProxy(proxy, before[at]?.proxy))) return undefined;
    return { plan: planOfParts(after), before: planOfParts(before), whole: this.whole() };
  }

  whole(): Plan {
    return planOfParts(this.#parts.values());
  }

  /** Id of the router to whom packets to a prefix go, 0: to none. */
  ownerOf(prefix: Prefix): number {
    const router = this.#owners.find(prefix);
    const part = router && this.#parts.get(router.address.key);
    return part?.prefixes.find((owner) => owner.prefix.contains(prefix))?.router ?? 0;
  }

  /** Care-of addresses of all bindings. */
  *careOfs(): Generator<Address> {
    for (const { router } of this.#parts.values()) {
      for (const { careOf } of router.bindings) if (careOf) yield careOf;
    }
  }

  /** Counts the addresses of a part in or out; whether another binding has one of them. */
  #claim({ router }: PlanPart, by: 1 | -1): boolean {
    let isShared = false;
    for (const { accepts } of router.bindings) {
      for (const { remote } of accepts) {
        const { key } = remote;
        const count = (this.#claims.get(key) ?? 0) + by;
        if (count === 0) this.#claims.delete(key);
        else this.#claims.set(key, count);
        isShared ||= count > (by === 1 ? 1 : 0);
      }
    }
    return isShared;
  }
}

function isSameProxy(one: PlanPart['proxy'], other: PlanPart['proxy']): boolean {
  return one?.ifindex === other?.ifindex && String(one?.address) === String(other?.address);
}

/** The part with what is planned for a binding as before being the same object as before. */
function keepSame(part: PlanPart, before: PlanPart): PlanPart {
  const bindings = part.router.bindings.map((binding, at) => {
    const was = before.router.bindings[at];
    return was !== undefined && isSame(binding, was) ? was : binding;
  });
  return { ...part, router: { ...part.router, bindings } };
}

/** Of bindings of one router, whose home agent is the same, as long as the config is. */
function isSame(one: BindingPlan, other: BindingPlan): boolean {
  return (
    one.index === other.index &&
    one.priority === other.priority &&
    one.state === other.state &&
    one.mtu === other.mtu &&
    one.interface === other.interface &&
    String(one.careOf) === String(other.careOf) &&
    one.accepts.length === other.accepts.length &&
    one.accepts.every(({ remote }, at) => other.accepts[at]?.remote.equals(remote)) &&
    one.nextHop?.ifindex === other.nextHop?.ifindex &&
    String(one.nextHop?.address) === String(other.nextHop?.address) &&
    String(one.nextHop?.mac) === String(other.nextHop?.mac) &&
    String(one.nextHop?.ownMac) === String(other.nextHop?.ownMac)
  );
}

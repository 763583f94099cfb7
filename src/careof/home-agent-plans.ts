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
import { type BindingPlan, IPV6_MIN_MTU, type Plan } from './plan.js';
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
  /** How many routers have an MTU; there are few different ones. */
  readonly #mtus = new Map<number, number>();
  /** Of `whole`, until a part of it is another. */
  #whole: Plan | undefined;

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
    this.#mtus.clear();
    this.#whole = undefined;
    for (const router of this.config.routers) {
      const part = planRouter(router, this.config, snapshot, context);
      this.#parts.set(router.address.key, part);
      this.#claim(part, 1);
      this.#count(part, 1);
    }
    return this.whole();
  }

  /**
   * Plans some routers anew, after `planAll`, and answers with those of them of which the plan is another; undefined where
   * this cannot be told apart from the others, or there is something to report: then all have to be planned.
   */
  planSome(
    routers: readonly RouterConfig[],
    snapshot: NetlinkSnapshot,
    context: HomeAgentContext,
  ): Pick<Scope, 'plan' | 'before' | 'whole' | 'homeMtu'> | undefined {
    const before: PlanPart[] = [];
    const after: PlanPart[] = [];
    let isShared = false;
    for (const router of routers) {
      const { key } = router.address;
      const earlier = this.#parts.get(key);
      if (earlier === undefined) return undefined;
      const part = keepSame(planRouter(router, this.config, snapshot, context), earlier);
      if (part === earlier) continue;
      isShared = this.#claim(earlier, -1) || isShared;
      isShared = this.#claim(part, 1) || isShared;
      this.#count(earlier, -1);
      this.#count(part, 1);
      this.#parts.set(key, part);
      this.#whole = undefined;
      before.push(earlier);
      after.push(part);
    }
    if (isShared || [...before, ...after].some(({ problems }) => problems.length > 0)) return undefined;
    if (after.some(({ proxy }, at) => !isSameProxy(proxy, before[at]?.proxy))) return undefined;
    return {
      plan: planOfParts(after),
      before: planOfParts(before),
      whole: () => this.whole(),
      homeMtu: Math.max(IPV6_MIN_MTU, ...this.#mtus.keys()),
    };
  }

  /** The plan of all routers; made when it is first asked for. */
  whole(): Plan {
    this.#whole ??= planOfParts(this.#parts.values());
    return this.#whole;
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

  /** Counts the MTU of a part in or out. */
  #count({ mtu }: PlanPart, by: 1 | -1): void {
    if (mtu === undefined) return;
    const count = (this.#mtus.get(mtu) ?? 0) + by;
    if (count === 0) this.#mtus.delete(mtu);
    else this.#mtus.set(mtu, count);
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

/** The part of before if it is the same, else with what is planned for a binding as before being the object of before. */
function keepSame(part: PlanPart, before: PlanPart): PlanPart {
  const { bindings: earlier } = before.router;
  const bindings = part.router.bindings.map((binding, at) => {
    const was = earlier[at];
    return was !== undefined && isSame(binding, was) ? was : binding;
  });
  const isAll =
    bindings.length === earlier.length &&
    bindings.every((binding, at) => binding === earlier[at]) &&
    part.router.id === before.router.id &&
    part.router.policies === before.router.policies &&
    isSameProxy(part.proxy, before.proxy) &&
    isSameList(part.prefixes, before.prefixes, (one, other) => one.prefix.equals(other.prefix)) &&
    part.problems.length === 0 &&
    before.problems.length === 0;
  return isAll ? before : { ...part, router: { ...part.router, bindings } };
}

function isSameList<T>(one: readonly T[], other: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return (
    one.length === other.length &&
    one.every((item, at) => {
      const counterpart = other[at];
      return counterpart !== undefined && isSame(item, counterpart);
    })
  );
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

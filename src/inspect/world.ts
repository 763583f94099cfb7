import type { Config } from '../config/index.js';
import {
  type ActivePolicy,
  CxAction,
  type CxBinding,
  CxOtherwise,
  type Explainer,
} from '../datapath/index.js';
import type { Link } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';

/** A router as the configuration file has it. */
export interface ConfiguredRouter {
  /** Null on a mobile router, which is the only one. */
  readonly name: string | null;
  readonly policies: readonly Policy[];
  readonly bindings: readonly { readonly bid: number; readonly name: string; readonly priority: number }[];
}

/** A binding as the live maps have it. */
export interface LiveBinding {
  readonly index: number;
  readonly bid: number;
  /** Undefined while it is not usable. */
  readonly row: CxBinding | undefined;
}

/** A router of the active generation. */
export interface LiveRouter {
  /** Undefined when the file has none with its home address. */
  readonly configured: ConfiguredRouter | undefined;
  /** In the order of their ranks. */
  readonly policies: readonly ActivePolicy[];
  readonly bindings: readonly LiveBinding[];
}

/** Everything an explanation is made of: the file, the live maps and the interfaces. */
export class World {
  readonly config: Config;
  readonly explainer: Explainer;
  readonly #links: readonly Link[];
  /** State of a binding as its daemon says it, by router name and BID; empty when it does not answer. */
  readonly #states: ReadonlyMap<string, string>;

  constructor(
    config: Config,
    explainer: Explainer,
    links: readonly Link[],
    states: ReadonlyMap<string, string>,
  ) {
    this.config = config;
    this.explainer = explainer;
    this.#links = links;
    this.#states = states;
  }

  interfaceName(ifindex: number): string {
    return this.#links.find((link) => link.ifindex === ifindex)?.name ?? `interface ${ifindex}`;
  }

  bindingState(router: ConfiguredRouter | undefined, bid: number): string | undefined {
    return this.#states.get(stateKey(router?.name ?? null, bid));
  }

  /** The router with an id, as the kernel has it now. */
  router(id: number): LiveRouter {
    return {
      configured: this.#configured(id),
      policies: this.explainer.generations.policiesOf(id),
      bindings: this.explainer.bindings
        .identities()
        .filter(({ router }) => router === id)
        .map(({ index, bid }) => ({ index, bid, row: this.explainer.bindings.current(index) })),
    };
  }

  #configured(id: number): ConfiguredRouter | undefined {
    const { config } = this;
    if (config.role === 'mobile-router') return { ...config, name: null };
    const address = this.explainer.routerIds.homeAddress(id);
    return config.routers.find((router) => router.address.toString() === address);
  }
}

/** How the state of a binding is found; a mobile router is the only router of its daemon. */
export function stateKey(router: string | null, bid: number): string {
  return `${router ?? ''}/${bid}`;
}

/** Is a policy active with these of its bindings usable? */
export function isActive(policy: ActivePolicy, bindings: readonly { readonly row: number }[]): boolean {
  const always = policy.action === CxAction.DROP || policy.action === CxAction.BYPASS;
  return always || policy.otherwise !== CxOtherwise.NEXT || bindings.some(({ row }) => row !== 0);
}

/** BIDs that a policy of the kernel lists. */
export function listedBids(policy: ActivePolicy, bindings: readonly LiveBinding[]): number[] {
  return policy.bindings.map((index) => bindings.find((one) => one.index === index)?.bid ?? 0);
}

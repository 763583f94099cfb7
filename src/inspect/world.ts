import { type Config, defaultBindingName, type HomeAgentConfig, type RouterConfig } from '../config/index.js';
import {
  type ActivePolicy,
  CxAction,
  type CxBinding,
  CxOtherwise,
  type Explainer,
} from '../datapath/index.js';
import type { Link } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';
import { mergePolicies, policiesOfFlows, type Registration, wireFid } from '../registration/index.js';

/** A router as the configuration file has it, and at a home agent with what it has registered itself. */
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

/** What routers have registered, by the `key` of their home addresses. */
export type Registrations = ReadonlyMap<string, Registration>;

/** Everything an explanation is made of: the file, what is registered, the live maps and the interfaces. */
export class World {
  readonly config: Config;
  readonly explainer: Explainer;
  readonly #links: readonly Link[];
  /** State of a binding as its daemon says it, by router name and BID; empty when it does not answer. */
  readonly #states: ReadonlyMap<string, string>;
  readonly #registrations: Registrations;

  constructor(
    config: Config,
    explainer: Explainer,
    links: readonly Link[],
    states: ReadonlyMap<string, string>,
    registrations: Registrations,
  ) {
    this.config = config;
    this.explainer = explainer;
    this.#links = links;
    this.#states = states;
    this.#registrations = registrations;
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
    const router = config.routers.find((one) => one.address.toString() === address);
    if (router === undefined || !isRegistering(router, config)) return router;
    const registration = this.#registrations.get(router.address.key);
    return registration === undefined ? router : withRegistration(router, registration);
  }
}

/** Whether a router registers its care-of addresses itself. */
function isRegistering({ keyFile }: RouterConfig, { registration }: HomeAgentConfig): boolean {
  return registration !== undefined && (keyFile !== undefined || registration.unauthenticated === 'accept');
}

/** BID-PRI of a binding that neither the file nor the router gives one. */
const DEFAULT_PRIORITY = 10;

/** Bindings have the priority that the router gives them, and its flow bindings follow the policies of the file. */
export function withRegistration(router: RouterConfig, { bindings, flows }: Registration): ConfiguredRouter {
  const registered = new Map(bindings.map(({ bid, priority }) => [bid, priority || undefined]));
  const listed = router.bindings.map(({ bid, name, priority }) => ({
    ...{ bid, name },
    priority: registered.get(bid) ?? priority,
  }));
  const others = bindings
    .filter(({ bid }) => !router.bindings.some((binding) => binding.bid === bid))
    .map(({ bid, priority }) => ({
      ...{ bid, name: defaultBindingName(bid) },
      priority: priority || DEFAULT_PRIORITY,
    }));
  const known = new Set([...router.bindings, ...bindings].map(({ bid }) => bid));
  const own = policiesOfFlows(flows, known);
  return {
    name: router.name,
    policies: own.length === 0 ? router.policies : mergePolicies(router.policies, own),
    bindings: [...listed, ...others],
  };
}

/** What a policy of a router is called: by its name in the file, or as what the router has registered. */
export function policyName(router: ConfiguredRouter | undefined, fid: number): string {
  const flow = wireFid(fid);
  if (flow !== undefined) return `flow binding ${flow}${router?.name == null ? '' : ` of ${router.name}`}`;
  const policy = router?.policies.find((one) => one.fid === fid);
  return policy === undefined ? `policy with FID ${fid}` : `policy ${policy.name}`;
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

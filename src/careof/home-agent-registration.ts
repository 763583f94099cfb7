import type { HomeAgentConfig, RouterConfig, HomeAgentRegistration as Settings } from '../config/index.js';
import type { Datapath } from '../datapath/index.js';
import { KeyError, readRegistrationKey } from '../keys/index.js';
import type { Address } from '../net/index.js';
import { BINDINGS_PER_ROUTER, type Policy } from '../policy/index.js';
import {
  type AuthorisedRouter,
  type FlowBinding,
  MOST_FLOWS_OF_ROUTER,
  mergePolicies,
  policiesOfFlows,
  type RegistrarSettings,
  type Registration,
} from '../registration/index.js';
import { HomeAgentSignalling, Journal, journalPath, PacketSocket } from '../signalling/index.js';
import type { Log, ProblemView, RegistrationView } from '../views/index.js';
import { flowRuleOf } from './flow-bindings.js';
import type { RouterRegistration } from './home-agent.js';
import { lifetimeOf } from './mobile-router-registration.js';

/** What the registrations at a home agent work with. */
export interface RegistrationsContext {
  readonly datapath: Datapath;
  readonly log: Log;
  /** The care-of addresses of a router that does not register: of the file, or set by hand since. */
  setByHand(router: RouterConfig): readonly Address[];
  /** Makes kernel and datapath as the registrations of some routers are. */
  apply(homeAddresses: readonly Address[]): Promise<void>;
}

/** The registrations of mobile routers at this home agent (RFC 5648, RFC 3963, RFC 6089). */
export class HomeAgentRegistration implements AsyncDisposable {
  readonly #signalling: HomeAgentSignalling;
  readonly #datapath: Datapath;
  readonly #setByHand: RegistrationsContext['setByHand'];
  #config: HomeAgentConfig;
  #settings: Settings;
  #routers: Authorised;
  /** Policies are the same object as long as they are the same. */
  readonly #merged = new Map<
    string,
    { flows: readonly FlowBinding[]; bids: string; policies: readonly Policy[]; merged: readonly Policy[] }
  >();

  /**
   * Takes up what was written down before.
   * @throws SignallingError PACKET_SOCKET_REFUSED, RegistrationError
   */
  constructor(
    config: HomeAgentConfig,
    settings: Settings,
    { datapath, log, setByHand, apply }: RegistrationsContext,
  ) {
    this.#datapath = datapath;
    this.#setByHand = setByHand;
    this.#config = config;
    this.#settings = settings;
    this.#routers = authorised(config, settings);
    datapath.signalKeys.sync(spisOf(this.#routers));
    this.#signalling = new HomeAgentSignalling({
      address: config.home.agent,
      settings: registrarSettings(config, settings, setByHand),
      routers: this.#routers.list,
      source: datapath.signals(),
      socket: new PacketSocket(),
      journal: new Journal(journalPath(config)),
      log,
      apply,
    });
  }

  /** Begins to answer; the kernel is as the registrations are by now. */
  start(): void {
    this.#signalling.start();
  }

  /** @throws RegistrationError, and then nothing has changed */
  reconfigure(config: HomeAgentConfig, settings: Settings): void {
    const routers = authorised(config, settings);
    this.#signalling.reconfigure(registrarSettings(config, settings, this.#setByHand), routers.list);
    this.#datapath.signalKeys.sync(spisOf(routers));
    this.#config = config;
    this.#settings = settings;
    this.#routers = routers;
  }

  /** A care-of address was set by hand: nobody else may register it, and whoever has ends there. The kernel is the caller's. */
  followHand(): void {
    const settings = registrarSettings(this.#config, this.#settings, this.#setByHand);
    this.#signalling.reconfigure(settings, this.#routers.list);
  }

  /** What a router has registered; undefined for one that does not register itself. */
  of(router: RouterConfig): RouterRegistration | undefined {
    const registration = this.#registration(router);
    return (
      registration && {
        bindings: registration.bindings.map(({ bid, careOf, priority, linkAddress }) => ({
          ...{ bid, careOf, linkAddress },
          priority: priority === 0 ? undefined : priority,
        })),
        prefixes: registration.prefixes,
      }
    );
  }

  /** The policies of a router: those of the file, then the ones that it has registered. */
  policiesOf(router: RouterConfig): readonly Policy[] {
    const { flows = [], bindings = [] } = this.#registration(router) ?? {};
    const { policies, address } = router;
    if (flows.length === 0) return policies;
    const name = address.toString();
    const known = new Set([...router.bindings, ...bindings].map(({ bid }) => bid));
    const bids = [...known].join();
    const before = this.#merged.get(name);
    if (before?.flows === flows && before.bids === bids && before.policies === policies) return before.merged;
    const merged = mergePolicies(policies, policiesOfFlows(flows, known));
    this.#merged.set(name, { flows, bids, policies, merged });
    return merged;
  }

  /** Until when a binding of a router is registered. */
  view(homeAddress: Address, bid: number): RegistrationView | null {
    const binding = this.#signalling.registration(homeAddress)?.bindings.find((each) => each.bid === bid);
    if (binding === undefined) return null;
    const left = Math.max(0, binding.end - performance.now());
    return { state: 'registered', secondsLeft: Math.round(left / 1000), status: null };
  }

  /** What an operator should know. */
  problems(): readonly ProblemView[] {
    const { unwritten } = this.#signalling;
    if (unwritten === undefined) return this.#routers.problems;
    return [...this.#routers.problems, { code: unwritten.code, message: unwritten.message }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#signalling[Symbol.asyncDispose]();
  }

  #registration({ address }: RouterConfig): Registration | undefined {
    return this.#signalling.registration(address);
  }
}

/** Who may register, and who may not although the file says so. */
interface Authorised {
  readonly list: readonly AuthorisedRouter[];
  readonly problems: readonly ProblemView[];
}

/** A router whose key cannot be read does not become one that needs none. */
function authorised(config: HomeAgentConfig, settings: Settings): Authorised {
  const list: AuthorisedRouter[] = [];
  const problems: ProblemView[] = [];
  for (const router of config.routers) {
    if (isSetByHand(router, settings)) continue;
    const { name, address, prefixes, keyFile } = router;
    try {
      const key = keyFile === undefined ? undefined : readRegistrationKey(keyFile);
      list.push({ name, homeAddress: address, prefixes, key, mostBindings: BINDINGS_PER_ROUTER });
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      problems.push({ code: error.code, message: `${name} cannot register: ${error.message}` });
    }
  }
  return { list, problems };
}

/** Of the keys that registrations are authenticated with. */
function spisOf({ list }: Authorised): number[] {
  return list.flatMap(({ key }) => (key === undefined ? [] : [key.spi]));
}

/** Whether the care-of addresses of a router are in the file, or set by `coax binding set`. */
function isSetByHand({ keyFile }: RouterConfig, settings: Settings): boolean {
  return keyFile === undefined && settings.unauthenticated === 'refuse';
}

/** @param setByHand see `RegistrationsContext` */
export function registrarSettings(
  config: HomeAgentConfig,
  settings: Settings,
  setByHand: RegistrationsContext['setByHand'],
): Partial<RegistrarSettings> {
  return {
    unauthenticated: settings.unauthenticated === 'accept' ? 'accepted' : 'refused',
    longestLifetime: lifetimeOf(settings.lifetimeMs),
    bulk: settings.bulk === 'accept' ? 'accepted' : 'refused',
    homeAndForeign:
      settings.homeAndForeign === 'accept' && config.home.link !== undefined ? 'accepted' : 'refused',
    homePrefixes: config.routers.flatMap(({ prefixes }) => prefixes),
    fixedCareOf: config.routers.flatMap((router) => (isSetByHand(router, settings) ? setByHand(router) : [])),
    mostFlows: MOST_FLOWS_OF_ROUTER,
    flowRefusal: flowRuleOf(config),
  };
}

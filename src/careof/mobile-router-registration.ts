import { randomInt } from 'node:crypto';
import type { MobileRouterConfig, MobileRouterRegistration as Settings } from '../config/index.js';
import type { Datapath } from '../datapath/index.js';
import { readRegistrationKey } from '../keys/index.js';
import { Address } from '../net/index.js';
import type { Policy } from '../policy/index.js';
import {
  flowsOfBindings,
  flowsOfPolicies,
  MOST_FLOWS,
  MobileRouterRegistrar,
  type PolicyFlows,
} from '../registration/index.js';
import { MobileRouterSignalling, PacketSocket } from '../signalling/index.js';
import type { Log, PolicyView, RegistrationView } from '../views/index.js';
import type { Plan, RouterPlan } from './plan.js';
import type { Problem } from './problems.js';

/** What the registration of a mobile router works with. */
export interface RegistrationContext {
  readonly datapath: Datapath;
  readonly log: Log;
  /** Another run is to look at what the home agent has said. */
  changed(): void;
}

/** The care-of addresses and policies of this mobile router as its home agent is told them (RFC 5648, RFC 6089). */
export class MobileRouterRegistration implements AsyncDisposable {
  /** As the last plan has them: a reload may have added some. */
  #bindings: readonly { readonly bid: number; readonly name: string }[];
  readonly #signalling: MobileRouterSignalling;
  #translated: { policies: readonly Policy[]; flows: PolicyFlows } | undefined;

  /**
   * @param settings of the config
   * @param registered care-of addresses by BID that the home agent has taken already, as far as is known
   * @throws KeyError, SignallingError PACKET_SOCKET_REFUSED, RegistrationError
   */
  constructor(
    config: MobileRouterConfig,
    settings: Settings,
    registered: ReadonlyMap<number, Address>,
    { datapath, log, changed }: RegistrationContext,
  ) {
    this.#bindings = config.bindings;
    const { home } = config;
    const key = settings.keyFile === undefined ? undefined : readRegistrationKey(settings.keyFile);
    datapath.signalKeys.sync(key ? [key.spi] : []);
    const registrar = new MobileRouterRegistrar({
      homeAddress: home.address,
      homeAgent: home.agent,
      prefixes: home.prefixes,
      prefixMode: settings.prefixes,
      bulk: settings.mode === 'bulk',
      lifetime: lifetimeOf(settings.lifetimeMs),
      resumed: registered.size > 0,
      firstSequence: randomInt(0x1_0000),
      ...(key ? { key } : {}),
    });
    const socket = new PacketSocket();
    this.#signalling = new MobileRouterSignalling({
      registrar,
      socket,
      source: datapath.signals(),
      log,
      presumed: registered,
      presumedUntil: performance.now() + settings.lifetimeMs,
      changed,
    });
    this.#signalling.start();
  }

  /** The care-of address of a binding that the home agent takes packets from. */
  registered(bid: number): Address | undefined {
    return this.#signalling.registered(bid);
  }

  /** Of all bindings, for what comes after this. */
  get allRegistered(): ReadonlyMap<number, Address> {
    return new Map(
      this.#bindings.flatMap(({ bid }) => {
        const address = this.registered(bid);
        return address ? [[bid, address] as const] : [];
      }),
    );
  }

  /** How far the registration of a binding is. */
  view(bid: number): RegistrationView | null {
    const view = this.#signalling.view().bindings.find((binding) => binding.bid === bid);
    if (view === undefined) return null;
    const { state, lifetimeLeft, statusText = null } = view;
    return { state, secondsLeft: finite(lifetimeLeft), status: statusText };
  }

  /** What the home agent is told of a policy. */
  told(fid: number): Pick<PolicyView, 'flows' | 'remark'> {
    const { expressed, local, remarks } = this.#translated?.flows ?? NOTHING_TOLD;
    const remark =
      local.find((policy) => policy.fid === fid)?.reason ??
      remarks.find((policy) => policy.fid === fid)?.remark ??
      null;
    return { flows: [...(expressed.get(fid) ?? [])], remark };
  }

  /**
   * After a run: packets from the care-of addresses of the plan leave by their uplinks, and those to them are taken.
   * @throws RegistrationError
   */
  follow(plan: Plan): void {
    const [router] = plan.routers;
    if (!router) return;
    this.#bindings = router.bindings;
    const wanted = router.bindings.flatMap(({ bid, wanted: careOf, priority, tunnel, nextHop }) => {
      const home = tunnel === 'home';
      return careOf ? [{ bid, careOf, priority, home, linkAddress: home ? nextHop?.ownMac : undefined }] : [];
    });
    if (this.#translated?.policies !== router.policies) {
      this.#translated = { policies: router.policies, flows: translate(router) };
    }
    const bids = new Set(wanted.map(({ bid }) => bid));
    this.#signalling.follow(wanted, flowsOfBindings(this.#translated.flows.flows, bids));
  }

  /** Ends all registrations for good; answers whether the home agent has said that it knows. */
  end(): Promise<boolean> {
    return this.#signalling.end();
  }

  /** Whether `end` was called. */
  get isEnded(): boolean {
    return this.#signalling.isEnded;
  }

  /** What an operator should know of registrations. */
  problems(): Problem[] {
    const nameOf = (bid: number): string =>
      this.#bindings.find((binding) => binding.bid === bid)?.name ?? `with BID ${bid}`;
    const { bindings, mode, singleReason } = this.#signalling.view();
    const problems = bindings.flatMap(({ bid, state, statusText, attempts }): Problem[] => {
      if (state === 'refused') {
        const message = `the home agent refuses binding ${nameOf(bid)}: ${statusText ?? 'it does not say why'}`;
        return [{ code: 'REGISTRATION_REFUSED', message }];
      }
      if (attempts < MANY_ATTEMPTS) return [];
      const message = `the home agent has not answered ${attempts} Binding Updates for binding ${nameOf(bid)}`;
      return [{ code: 'REGISTRATION_UNANSWERED', message }];
    });
    if (mode === 'not-mobile-router') {
      const message = 'the home agent does not serve mobile routers';
      problems.push({ code: 'REGISTRATION_REFUSED', message });
    } else if (mode === 'single') {
      const why =
        singleReason === 'prohibited' ? 'prohibits several care-of addresses' : 'does not know several';
      problems.push({
        code: 'REGISTRATION_SINGLE',
        message: `the home agent ${why}: one binding is registered`,
      });
    }
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#signalling[Symbol.asyncDispose]();
  }
}

/** Bytes of all flows; they may take several Binding Updates. */
const FLOW_ROOM = 2000;

/** No more flows than a registrar takes, the most important policies first. */
function translate({ policies, bindings }: RouterPlan): PolicyFlows {
  for (let room = FLOW_ROOM; ; room = Math.floor((room * MOST_FLOWS) / (MOST_FLOWS + 1))) {
    const translated = flowsOfPolicies(policies, { bindings, room });
    if (translated.flows.length <= MOST_FLOWS) return translated;
  }
}

const NOTHING_TOLD: PolicyFlows = { flows: [], local: [], remarks: [], expressed: new Map() };

/** A time that ends. */
function finite(seconds: number | undefined): number | null {
  return seconds === undefined || !Number.isFinite(seconds) ? null : Math.round(seconds);
}

/** Unanswered, before it is a problem: loss alone makes two. */
const MANY_ATTEMPTS = 4;

/** Seconds, a multiple of four. */
export function lifetimeOf(milliseconds: number): number {
  return Math.floor(milliseconds / 4000) * 4;
}

/** The care-of addresses that packets use already, of a daemon before this one. */
export function addressesInUse(config: MobileRouterConfig, datapath: Datapath): Map<number, Address> {
  const router = datapath.routerIds.id(config.home.address.toString());
  return new Map(
    config.bindings.flatMap(({ bid }) => {
      const source = datapath.bindings.current(datapath.bindings.index({ router, bid }))?.outerSource;
      return source === undefined ? [] : [[bid, Address.parse(source)] as const];
    }),
  );
}

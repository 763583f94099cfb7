import type { Address } from '../../mobility/index.js';
import { PrefixIndex } from '../../net/index.js';
import type { Instant } from '../instant.js';
import type { OutgoingPacket } from './acknowledgement.js';
import type { RuleContext } from './care-of-rules.js';
import { Deadlines } from './deadlines.js';
import { permitted } from './permitted.js';
import { isRequestDue, nextDeadline, refreshRequest } from './refresh-request.js';
import {
  type CacheChange,
  changesBetween,
  NOTHING,
  type Registration,
  withBindings,
} from './registration.js';
import { RouterState } from './router-state.js';
import { type RouterRecord, recordOf, restore, type SavedState, savedState } from './saved-state.js';
import {
  type AuthorisedRouter,
  checkRouter,
  checkSettings,
  invalid,
  type RegistrarSettings,
} from './settings.js';

/** What time alone has brought about. */
export interface Expiry {
  readonly changes: readonly CacheChange[];
  /** Binding Refresh Requests. */
  readonly requests: readonly OutgoingPacket[];
}

/** What another configuration has brought about. */
export interface Reconfiguration {
  readonly changes: readonly CacheChange[];
  /** Home addresses of the routers whose records are other than before. */
  readonly recorded: readonly Address[];
}

/** Routers that are looked at in one call, so that it takes no longer than it may. */
const MOST_AT_ONCE = 1000;

/** The bindings of all routers: by home address (a hash), and by when something of them is due (a heap). */
export class BindingCache {
  readonly #agent: Address;
  readonly #routers = new Map<string, RouterState>();
  readonly #deadlines = new Deadlines();
  /** Who has registered a care-of address. */
  readonly #holders = new Map<string, RouterState>();
  #settings: RegistrarSettings;
  #homePrefixes: PrefixIndex<true>;
  /** Keys of care-of addresses that nobody may register. */
  #fixedCareOf: ReadonlySet<string>;

  /** @throws RegistrationError REGISTRATION_SETTINGS_INVALID */
  constructor(
    agent: Address,
    settings: RegistrarSettings,
    routers: readonly AuthorisedRouter[],
    now: Instant,
  ) {
    this.#agent = agent;
    this.#settings = settings;
    this.#homePrefixes = homePrefixesOf(settings);
    this.#fixedCareOf = fixedCareOfOf(settings);
    checkAll(settings, routers);
    for (const router of routers) this.#add(router, now);
  }

  get settings(): RegistrarSettings {
    return this.#settings;
  }

  /** When `expire` has something to do, monotonic milliseconds. */
  get nextEvent(): number | undefined {
    return this.#deadlines.first?.wake;
  }

  find(homeAddress: Address): RouterState | undefined {
    return this.#routers.get(homeAddress.key);
  }

  /** Of all routers that have any. */
  *registrations(): Generator<readonly [AuthorisedRouter, Registration]> {
    for (const { router, registration } of this.#routers.values()) {
      if (registration !== NOTHING) yield [router, registration];
    }
  }

  contextOf(state: RouterState): RuleContext {
    return {
      settings: this.#settings,
      agent: this.#agent,
      router: state.router,
      isHomeAddress: (address) => this.find(address) !== undefined,
      isTaken: (address) =>
        (this.#holders.get(address.key) ?? state) !== state || this.#fixedCareOf.has(address.key),
      isInHomePrefix: (address) => this.#homePrefixes.find(address) !== undefined,
    };
  }

  commit(state: RouterState, after: Registration): CacheChange[] {
    const changes = changesBetween(state.router, state.registration, after);
    this.#hold(state, after);
    state.registration = after;
    this.#schedule(state);
    return changes;
  }

  /** A binding that has ended must not be taken for one, even where `expire` comes late. */
  withoutEnded({ registration }: RouterState, now: number): Registration {
    const bindings = registration.bindings.filter(({ end }) => end > now);
    return bindings.length === registration.bindings.length
      ? registration
      : withBindings(registration, bindings);
  }

  /** Up to 1000 routers; call again while `nextEvent` is not in the future. */
  expire({ monotonic }: Instant): Expiry {
    const changes: CacheChange[] = [];
    const requests: OutgoingPacket[] = [];
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const state = this.#deadlines.first;
      if (state === undefined || state.wake > monotonic) break;
      const after = this.withoutEnded(state, monotonic);
      const due = after.bindings.filter((binding) => isRequestDue(binding, state.swept, monotonic));
      if (due.length > 0 && this.#settings.refreshRequests === 'sent') {
        requests.push(refreshRequest(this.#agent, state.router.homeAddress, due));
      }
      state.swept = monotonic;
      changes.push(...this.commit(state, after));
    }
    return { changes, requests };
  }

  /** @throws RegistrationError REGISTRATION_SETTINGS_INVALID, and then nothing has changed */
  reconfigure(
    settings: RegistrarSettings,
    routers: readonly AuthorisedRouter[],
    now: Instant,
  ): Reconfiguration {
    checkAll(settings, routers);
    this.#settings = settings;
    this.#homePrefixes = homePrefixesOf(settings);
    this.#fixedCareOf = fixedCareOfOf(settings);
    const changes: CacheChange[] = [];
    const recorded: Address[] = [];
    const keep = new Set(routers.map(({ homeAddress }) => homeAddress.key));
    for (const [key, state] of this.#routers) {
      if (keep.has(key)) continue;
      if (state.sequence !== undefined) recorded.push(state.router.homeAddress);
      changes.push(...this.commit(state, NOTHING));
      this.#routers.delete(key);
    }
    for (const router of routers) {
      const state = this.find(router.homeAddress) ?? this.#add(router, now);
      state.router = router;
    }
    // Now that all home addresses are known: none of them is a care-of address.
    for (const state of this.#routers.values()) {
      const after = permitted(state.registration, this.contextOf(state), now.monotonic);
      if (after !== state.registration) recorded.push(state.router.homeAddress);
      changes.push(...this.commit(state, after));
    }
    return { changes, recorded };
  }

  /** What is remembered of a router; of one that is not known: that nothing is. */
  record(homeAddress: Address, now: Instant): RouterRecord {
    return recordOf(homeAddress, this.find(homeAddress), now);
  }

  /** The routers of `save` one by one, each as it is when it is asked for. */
  *records(now: () => Instant): Generator<RouterRecord> {
    for (const state of this.#routers.values()) {
      if (state.sequence !== undefined) yield recordOf(state.router.homeAddress, state, now());
    }
  }

  save(now: Instant): SavedState {
    return savedState([...this.records(() => now)]);
  }

  /**
   * Takes what was saved, as far as it is authorised now.
   * @param saved of `save`, or with records that were appended to it
   * @throws RegistrationError REGISTRATION_STATE_INVALID, and then nothing is taken
   */
  restore(saved: unknown, now: Instant): void {
    for (const { homeAddress, sequence, timestamp, registration } of restore(saved, now)) {
      const state = this.find(homeAddress);
      if (state === undefined) continue;
      state.sequence = sequence;
      state.timestamp = timestamp;
      this.commit(state, permitted(registration, this.contextOf(state), now.monotonic));
    }
  }

  /** Its care-of addresses are those of the registration that is to come. */
  #hold(state: RouterState, { bindings }: Registration): void {
    for (const { careOf } of state.registration.bindings) {
      const key = careOf.key;
      if (this.#holders.get(key) === state) this.#holders.delete(key);
    }
    for (const { careOf } of bindings) this.#holders.set(careOf.key, state);
  }

  #add(router: AuthorisedRouter, now: Instant): RouterState {
    const state = new RouterState(router, now.monotonic);
    this.#routers.set(router.homeAddress.key, state);
    return state;
  }

  #schedule(state: RouterState): void {
    const requests = this.#settings.refreshRequests === 'sent';
    let wake = Number.POSITIVE_INFINITY;
    for (const binding of state.registration.bindings) {
      wake = Math.min(wake, nextDeadline(binding, state.swept, requests));
    }
    this.#deadlines.set(state, wake);
  }
}

function homePrefixesOf({ homePrefixes }: RegistrarSettings): PrefixIndex<true> {
  return new PrefixIndex(homePrefixes.map((prefix) => [prefix, true]));
}

function fixedCareOfOf({ fixedCareOf }: RegistrarSettings): ReadonlySet<string> {
  return new Set(fixedCareOf.map(({ key }) => key));
}

function checkAll(settings: RegistrarSettings, routers: readonly AuthorisedRouter[]): void {
  checkSettings(settings);
  const names = new Map<string, string>();
  for (const router of routers) {
    checkRouter(router);
    const key = router.homeAddress.key;
    const other = names.get(key);
    if (other !== undefined) {
      throw invalid(`routers ${other} and ${router.name} have the same home address ${router.homeAddress}`);
    }
    names.set(key, router.name);
  }
}

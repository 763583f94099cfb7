import { randomInt } from 'node:crypto';
import {
  type Address,
  type BindingUpdate,
  decodeMobilityHeader,
  FIRST_REFUSAL,
  MessageType,
  MobilityError,
  type MobilityPacket,
} from '../../mobility/index.js';
import type { Instant } from '../instant.js';
import { type AnswerContent, acknowledge, type OutgoingPacket } from './acknowledgement.js';
import { type Authenticity, authenticate, suspect } from './authentication.js';
import { BindingCache, type Expiry, type Reconfiguration } from './binding-cache.js';
import { isRoutable } from './care-of-rules.js';
import { type Stale, staleness, timestampFor } from './freshness.js';
import { bindingError, otherOutcome } from './other-messages.js';
import { outcomeOf } from './outcome.js';
import { admits, afterOneMore, type Pace } from './pace.js';
import { dropped, type Reception } from './reception.js';
import type { Registration } from './registration.js';
import type { RouterState } from './router-state.js';
import type { RouterRecord, SavedState } from './saved-state.js';
import { type AuthorisedRouter, DEFAULT_SETTINGS, invalid, type RegistrarSettings } from './settings.js';
import { Status } from './status.js';
import { readUpdate, type UpdateRequest } from './update-request.js';
import { judge, refused, type Verdict } from './update-rules.js';

export interface RegistrarOptions {
  /** Of the home agent: messages come to it, answers from it. */
  readonly address: Address;
  /** What is not given is as in `DEFAULT_SETTINGS`. */
  readonly settings?: Partial<RegistrarSettings>;
  readonly routers: readonly AuthorisedRouter[];
  /** Of `save`, or with records that were appended to it. */
  readonly saved?: unknown;
  readonly now: Instant;
}

/** Messages of a router that is authentic; more change the kernel more often than makes sense. */
const UPDATES: Pace = { interval: 100, burst: 20 };
/** Answers for one router to what nobody can prove to have sent. */
const REFUSALS: Pace = { interval: 1000, burst: 4 };
/** Binding Errors for all. */
const ERRORS: Pace = { interval: 100, burst: 10 };

const STALE_STATUS: Readonly<Record<Stale, number>> = {
  'timestamp-missing': Status.ID_REQUIRED,
  'timestamp-old': Status.ID_MISMATCH,
  'timestamp-new': Status.ID_MISMATCH,
  replayed: Status.ID_MISMATCH,
  sequence: Status.SEQUENCE,
};

/**
 * The home agent's side of registration (RFC 6275, 3963, 5648, 6089, 4285): packets in, changes and answers out. It has no
 * socket and no clock. What must be kept over a restart: `save`, then a `record` of each router whose reception was
 * `recorded`.
 */
export class HomeAgentRegistrar {
  readonly #agent: Address;
  readonly #cache: BindingCache;
  /** Strangers do not know which of them share an allowance. */
  readonly #salt = randomInt(2 ** 32);
  /** See `pace.ts`. */
  #errors = Number.NEGATIVE_INFINITY;

  /** @throws RegistrationError REGISTRATION_SETTINGS_INVALID, REGISTRATION_STATE_INVALID */
  constructor({ address, settings = {}, routers, saved, now }: RegistrarOptions) {
    if (!isRoutable(address))
      throw invalid(`the home agent's address ${address} is not a global IPv6 address`);
    this.#agent = address;
    this.#cache = new BindingCache(address, { ...DEFAULT_SETTINGS, ...settings }, routers, now);
    if (saved !== undefined) this.#cache.restore(saved, now);
  }

  /** When `expire` has something to do, monotonic milliseconds; undefined: not as things are. */
  nextEvent(): number | undefined {
    return this.#cache.nextEvent;
  }

  /** Bindings that have ended and routers to be reminded, 1000 at most: again while `nextEvent` is not in the future. */
  expire(now: Instant): Expiry {
    return this.#cache.expire(now);
  }

  /**
   * What is not authorised any more goes, the rest stays.
   * @throws RegistrationError REGISTRATION_SETTINGS_INVALID, and then nothing has changed
   */
  reconfigure(
    settings: Partial<RegistrarSettings>,
    routers: readonly AuthorisedRouter[],
    now: Instant,
  ): Reconfiguration {
    return this.#cache.reconfigure({ ...DEFAULT_SETTINGS, ...settings }, routers, now);
  }

  /** What a router has registered; undefined for a router that is not known. */
  registration(homeAddress: Address): Registration | undefined {
    return this.#cache.find(homeAddress)?.registration;
  }

  /** Of all routers that have any, such as after a restart. */
  registrations(): Iterable<readonly [AuthorisedRouter, Registration]> {
    return this.#cache.registrations();
  }

  /** For `saved`, as JSON. */
  save(now: Instant): SavedState {
    return this.#cache.save(now);
  }

  /** The routers of `save` one by one, each as it is when it is asked for: there may be thousands. */
  records(now: () => Instant): Iterable<RouterRecord> {
    return this.#cache.records(now);
  }

  /** One router's part of it, to be appended to `routers` of what was saved; it is there for every home address. */
  record(homeAddress: Address, now: Instant): RouterRecord {
    return this.#cache.record(homeAddress, now);
  }

  /**
   * Never throws for what a packet holds. Cheap checks come first; what is not authentic changes nothing, and is answered
   * at a bounded rate. A home address that is not known gets no answer (RFC 6275 section 10.3.1 has status 133 for it):
   * the source of such a message can be anybody's.
   */
  receive(packet: MobilityPacket, now: Instant): Reception {
    if (packet.checksum !== 'right') return dropped('checksum');
    if (!packet.destination.equals(this.#agent)) return dropped('not-for-us');
    if (!isRoutable(packet.source) || packet.source.equals(this.#agent)) return dropped('source-invalid');
    if (packet.header[2] !== MessageType.BINDING_UPDATE) return this.#receiveOther(packet, now);
    // RFC 6275 section 6.1: that header is for acknowledgements.
    if (packet.routing !== undefined) return dropped('malformed');
    const state = this.#cache.find(packet.homeAddress ?? packet.source);
    if (state === undefined) return dropped('unknown-router');
    const authenticity = decoded(() => {
      return authenticate(packet, state, this.#cache.settings, this.#salt, now.monotonic);
    });
    if (authenticity === undefined) return dropped('malformed');
    if (authenticity !== 'authenticated' && authenticity !== 'trusted') {
      return this.#refuseStranger(packet, state, authenticity, now);
    }
    const request = requestOf(packet);
    if (request === undefined) return dropped('malformed');
    return this.#receiveUpdate(packet, request, state, authenticity === 'authenticated', now);
  }

  #receiveUpdate(
    packet: MobilityPacket,
    request: UpdateRequest,
    state: RouterState,
    authenticated: boolean,
    now: Instant,
  ): Reception {
    const { router } = state;
    const { monotonic } = now;
    const before = this.#cache.withoutEnded(state, monotonic);
    // It is not the message that does this, so it is done whatever the message is.
    const ended = before === state.registration ? [] : this.#cache.commit(state, before);
    const stale = staleness(request, state, authenticated, this.#cache.settings, now.real);
    if (stale !== undefined) {
      const answer = this.#answerStale(packet, request, state, stale, authenticated, now);
      return { outcome: stale, router, changes: ended, answer, recorded: false };
    }
    if (!admits(state.updates, monotonic, UPDATES)) {
      return { outcome: 'rate', router, changes: ended, answer: undefined, recorded: false };
    }
    state.updates = afterOneMore(state.updates, monotonic, UPDATES);
    // RFC 6275 section 9.1: the number of the last message, whatever became of it; so none can come again.
    state.sequence = request.sequence;
    if (authenticated && request.timestamp !== undefined) state.timestamp = request.timestamp;
    const verdict = judge(request, packet.source, before, this.#cache.contextOf(state), monotonic);
    const changes = [...ended, ...this.#cache.commit(state, verdict.after)];
    const outcome = outcomeOf(verdict.status, verdict.removes);
    const answer = isAnswered(request, verdict)
      ? this.#answer(packet, state, authenticated, { ...request, ...verdict })
      : undefined;
    return { outcome, router, changes, answer, recorded: true };
  }

  /**
   * Status 144 or 145 with a time to set the router's clock by, or 135 with the last number. Examining messages that turn
   * out stale is bounded, and so are these answers; without keys only they are.
   */
  #answerStale(
    packet: MobilityPacket,
    request: UpdateRequest,
    state: RouterState,
    stale: Stale,
    authenticated: boolean,
    { monotonic, real }: Instant,
  ): OutgoingPacket | undefined {
    if (authenticated) suspect(packet, state, this.#salt, monotonic);
    else if (!this.#mayRefuse(state, monotonic)) return undefined;
    const isSequence = stale === 'sequence';
    return this.#answer(packet, state, authenticated, {
      ...request,
      ...refused(STALE_STATUS[stale], request, state.registration),
      ...(isSequence ? { sequence: state.sequence ?? request.sequence } : {}),
      timestamp: isSequence ? request.timestamp : timestampFor(state, real),
    });
  }

  /**
   * Status 146 (RFC 4285 section 5.1), not signed: we would sign a refusal of the router's own message for whoever saw it
   * and sent another with its number.
   */
  #refuseStranger(
    packet: MobilityPacket,
    state: RouterState,
    outcome: Exclude<Authenticity, 'authenticated' | 'trusted'>,
    { monotonic }: Instant,
  ): Reception {
    if (outcome === 'authentication-limit' || !this.#mayRefuse(state, monotonic)) return dropped(outcome);
    const request = requestOf(packet);
    if (request === undefined) return dropped('malformed');
    const verdict = refused(Status.AUTHENTICATION, request, state.registration);
    return dropped(outcome, this.#answer(packet, state, false, { ...request, ...verdict }));
  }

  #receiveOther(packet: MobilityPacket, { monotonic }: Instant): Reception {
    if (decoded(() => decodeMobilityHeader(packet.header)) === undefined) return dropped('malformed');
    const outcome = otherOutcome(packet);
    if (outcome !== 'unknown-type' || !admits(this.#errors, monotonic, ERRORS)) return dropped(outcome);
    this.#errors = afterOneMore(this.#errors, monotonic, ERRORS);
    return dropped(outcome, bindingError(packet));
  }

  #mayRefuse(state: RouterState, now: number): boolean {
    const may = admits(state.refusals, now, REFUSALS);
    if (may) state.refusals = afterOneMore(state.refusals, now, REFUSALS);
    return may;
  }

  #answer(
    packet: MobilityPacket,
    { router }: RouterState,
    signed: boolean,
    content: AnswerContent,
  ): OutgoingPacket {
    return acknowledge(content, {
      agent: this.#agent,
      careOf: packet.source,
      homeAddress: router.homeAddress,
      key: signed ? router.key : undefined,
    });
  }
}

/** RFC 6275 section 9.5.4: when it asks for it, and always when not all of it was done. */
function isAnswered({ acknowledge: asked }: UpdateRequest, { status }: Verdict): boolean {
  return asked || status >= FIRST_REFUSAL || status === Status.NOT_COMPLETE;
}

function requestOf({ header }: MobilityPacket): UpdateRequest | undefined {
  const message = decoded(() => decodeMobilityHeader(header, { tolerant: true }));
  return message === undefined ? undefined : readUpdate(message as BindingUpdate);
}

/** What comes of it; undefined if the message cannot be decoded. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MobilityError) return undefined;
    throw error;
  }
}

/** The mobile router's side of registration: when which Binding Update leaves, and what answers mean. Pure. */
import type {
  BindingAcknowledgement,
  FlowIdentificationOption,
  MobilityPacket,
} from '../../mobility/index.js';
import type { Instant } from '../instant.js';
import { type Arrived, answeredBy, arrivedOf, requestedBids, timestampOf } from './acceptance.js';
import { applyAnswer } from './answer.js';
import { type OutgoingPacket, packetOf, roomForFlows } from './binding-update.js';
import { BindingUpdateList } from './binding-update-list.js';
import { type Candidate, candidates, choose, type Situation } from './candidate.js';
import type { Exchange, Item } from './exchange.js';
import { FlowList, NO_FLOWS } from './flow-list.js';
import { HomeAgentLimits } from './home-agent-limits.js';
import {
  checkBindings,
  type RegistrarOptions,
  type Settings,
  settingsOf,
  type WantedBinding,
} from './options.js';
import { Paths } from './path.js';
import { ignored, type Poll, type Reception, type RegistrationChange, understood } from './reception.js';
import { ReplayClock } from './replay-clock.js';
import { SendBudget } from './send-budget.js';
import { isAhead, nextSequence } from './sequence.js';
import { verdictOf } from './status-verdict.js';
import { QUICK_ANSWERS, REMOVAL_ATTEMPTS, SUSPECT_TURN, TURN } from './timing.js';
import { bindingViews, flowViews, type RegistrationView } from './view.js';

/**
 * Keeps the bindings of one mobile router at one home agent as they should be (RFC 5648, 3963, 6089, 4285). It has no
 * socket and no timer: `setBindings` and `receive` may make something due, `nextEvent` says when, `poll` does it.
 */
export class MobileRouterRegistrar {
  readonly #settings: Settings;
  readonly #list = new BindingUpdateList();
  readonly #paths = new Paths();
  readonly #flows = new FlowList();
  readonly #limits = new HomeAgentLimits();
  readonly #clock = new ReplayClock();
  readonly #budget = new SendBudget();
  /** The last one from each address, while its answer may come. */
  readonly #exchanges = new Map<string, Exchange>();
  /** The one that keeps others waiting. */
  #turn: Exchange | undefined;
  #phase: 'running' | 'closing' | 'closed' = 'running';
  #sequence: number;
  #firstSequence: number | undefined;
  #quickAnswers = 0;
  #removals = 0;
  /** The latest moment that was seen, monotonic. */
  #now = Number.NEGATIVE_INFINITY;
  /** For the next poll. */
  #changes: RegistrationChange[] = [];

  /** @throws RegistrationError */
  constructor(options: RegistrarOptions) {
    this.#settings = settingsOf(options);
    this.#limits.overwrite = !options.resumed;
    this.#sequence = options.firstSequence;
    this.#firstSequence = options.firstSequence;
  }

  /**
   * What the uplinks have now; a BID that is not in the list is de-registered. The same list again changes nothing.
   * @throws RegistrationError, and changes nothing
   */
  setBindings(wanted: readonly WantedBinding[], now: Instant): void {
    checkBindings(wanted, this.#settings.homeAddress);
    for (const key of this.#paths.follow(wanted)) {
      if (this.#turn?.source.toString() === key) this.#turn = undefined;
      this.#exchanges.delete(key);
    }
    this.#list.follow(wanted);
    this.#tick(now.monotonic);
  }

  /**
   * Flow bindings, each with its selector and its BIDs; statuses in them do not matter.
   * @throws RegistrationError, and changes nothing
   */
  setFlows(flows: readonly FlowIdentificationOption[], now: Instant): void {
    this.#flows.set(flows);
    this.#tick(now.monotonic);
  }

  /** Ends all bindings (RFC 5648 section 5.4); `view` and a change `closed` say when that is done. */
  shutdown(now: Instant): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'closing';
    this.#turn = undefined;
    this.#removals = 0;
    this.#tick(now.monotonic);
  }

  /** What is due: a packet at most. */
  poll(now: Instant): Poll {
    this.#tick(now.monotonic);
    if (this.#phase === 'closing' && this.#isOver) this.#changes.push(this.#close(false));
    const changes = this.#changes;
    this.#changes = [];
    if (this.#turn !== undefined || this.#budget.freeAt > now.monotonic) return { packets: [], changes };
    const candidate = choose(candidates(this.#situation), now.monotonic);
    return { packets: candidate ? [this.#send(candidate, now)] : [], changes };
  }

  /** Monotonic, milliseconds, not before the last call. Undefined: nothing is due until somebody calls. */
  nextEvent(): number | undefined {
    const isClosing = this.#phase === 'closing' && this.#isOver;
    if (isClosing || this.#changes.length > 0) return this.#now;
    if (this.#phase === 'closed') return undefined;
    const send = Math.min(...candidates(this.#situation).map(({ at }) => at), Number.POSITIVE_INFINITY);
    const free = Math.max(this.#budget.freeAt, this.#turn?.turnEnds ?? Number.NEGATIVE_INFINITY);
    const next = Math.min(
      Math.max(send, free),
      this.#turn?.turnEnds ?? Number.POSITIVE_INFINITY,
      this.#list.nextEvent,
      this.#limits.nextEvent,
      this.#flows.nextEvent,
      ...this.#paths.all.map(({ forgivenAt }) => forgivenAt),
    );
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(next, this.#now);
  }

  /** Never throws: what is wrong with a packet is in the outcome. */
  receive(packet: MobilityPacket, now: Instant): Reception {
    this.#tick(now.monotonic);
    const arrived = arrivedOf(packet, this.#settings);
    if (typeof arrived === 'string') return ignored(arrived);
    const { message } = arrived;
    switch (message.type) {
      case 'binding-acknowledgement':
        return this.#acknowledged(arrived, message, packet.header, now.monotonic);
      case 'binding-refresh-request':
        this.#list.refreshSoon(requestedBids(message.options), now.monotonic);
        return understood('refresh-requested', []);
      case 'binding-error':
        if (!message.homeAddress.equals(this.#settings.homeAddress)) return ignored('other-destination');
        this.#list.refreshSoon(undefined, now.monotonic);
        return understood('binding-error', []);
      default:
        return ignored('other-message');
    }
  }

  view(now: Instant): RegistrationView {
    const limits = this.#limits;
    return {
      phase: this.#phase,
      mode: limits.withoutRouters ? 'not-mobile-router' : limits.single ? 'single' : 'multiple',
      singleReason: limits.single,
      bulk: this.#settings.bulk && !limits.individualOnly && !limits.single,
      sequence: this.#sequence,
      outstanding: this.#turn !== undefined,
      clockOffset: this.#clock.offset,
      bindings: bindingViews(this.#situation, now.monotonic),
      flows: flowViews(this.#situation),
    };
  }

  get #situation(): Situation {
    return {
      phase: this.#phase,
      entries: this.#list.entries,
      paths: this.#paths,
      flows: this.#flows,
      limits: this.#limits,
      bulk: this.#settings.bulk,
    };
  }

  /** Ends what has ended. */
  #tick(now: number): void {
    this.#now = Math.max(this.#now, now);
    for (const path of this.#paths.all) path.tick(now);
    if (this.#turn && now >= this.#turn.turnEnds) {
      this.#paths.get(this.#turn.source)?.failed(now);
      this.#turn = undefined;
    }
    if (this.#limits.cleanup && this.#isOver) {
      this.#limits.cleanup = false;
      this.#removals = 0;
    }
    this.#limits.tick(now);
    this.#flows.tick(now);
    this.#changes.push(...this.#list.tick(now));
  }

  #send(candidate: Candidate, { monotonic: now, real }: Instant): OutgoingPacket {
    const { form, kind, path } = candidate;
    const entries = candidate.entries.filter(({ heldUntil }) => heldUntil <= now);
    const items = entries.map((entry): Item => {
      const { careOf, priority, home, linkAddress } = entry.wanted ?? {
        ...{ careOf: path.address, priority: 1, home: false, linkAddress: undefined },
      };
      return { kind, bid: entry.bid, careOf, priority, home, linkAddress };
    });
    const isReturn = form === 'single' && items.some(({ home }) => home);
    if (this.#firstSequence === undefined) this.#sequence = nextSequence(this.#sequence);
    this.#firstSequence = undefined;
    const content = {
      form,
      sequence: this.#sequence,
      source: path.address,
      items,
      overwrite: form === 'bindings' && kind === 'register' && this.#limits.overwrite,
      lifetime: kind === 'remove' || isReturn ? 0 : this.#settings.lifetime,
      timestamp: this.#settings.key && this.#clock.stamp(real),
    };
    if (content.overwrite) this.#flows.forget();
    // Answers to what was sent before say nothing about what is there after it.
    if (content.overwrite || form !== 'bindings') this.#exchanges.clear();
    const turn = path.failures > 0 ? SUSPECT_TURN : TURN;
    const isFirst = entries.every(({ registered }) => registered === undefined);
    path.sent(now, isFirst);
    const exchange = {
      ...content,
      flows: form === 'bindings' ? this.#flowsFor(content, now) : NO_FLOWS,
      sentAt: now,
      turnEnds: Math.min(now + turn, path.notBefore),
    };
    for (const [at, entry] of entries.entries()) entry.sent(items[at] as Item, exchange);
    if (form === 'single') {
      for (const entry of this.#list.entries) if (!entries.includes(entry)) entry.doubt();
    }
    if (form === 'everything') this.#removals += 1;
    this.#exchanges.set(path.address.toString(), exchange);
    this.#turn = exchange;
    this.#budget.spend(now);
    return packetOf(this.#settings, exchange);
  }

  #flowsFor(content: Parameters<typeof roomForFlows>[1], now: number): Exchange['flows'] {
    const there = this.#list.entries.filter((entry) => entry.isRight('bindings') && !content.overwrite);
    const bids = new Set([...there, ...content.items].map(({ bid }) => bid));
    const room = roomForFlows(this.#settings, content);
    return this.#flows.update(content.lifetime > 0 ? bids : undefined, room, now);
  }

  #acknowledged(
    arrived: Arrived,
    message: BindingAcknowledgement,
    header: Uint8Array,
    now: number,
  ): Reception {
    const exchange = answeredBy(arrived, message, header, this.#exchanges, this.#settings);
    if (typeof exchange === 'string') return ignored(exchange, message.status);
    this.#exchanges.delete(exchange.source.toString());
    if (this.#turn === exchange) this.#turn = undefined;
    const quick = this.#adopt(exchange, message);
    const path = this.#paths.get(exchange.source);
    if (quick !== undefined) {
      this.#quickAnswers += 1;
      if (this.#quickAnswers <= QUICK_ANSWERS) path?.again(now);
      else path?.failed(now);
      return understood(quick, [], message.status);
    }
    this.#quickAnswers = 0;
    if (exchange.form === 'everything') return this.#removed(message);
    path?.answered(now);
    const isLatest = exchange.sequence === this.#sequence;
    const knowledge = { list: this.#list, flows: this.#flows, limits: this.#limits };
    return applyAnswer(knowledge, { message, exchange, isLatest }, now);
  }

  /** Statuses that change how every Binding Update is written. */
  #adopt(
    { timestamp }: Exchange,
    message: BindingAcknowledgement,
  ): 'sequence-adopted' | 'clock-adopted' | undefined {
    const verdict = verdictOf(message.status);
    if (verdict === 'sequence') {
      if (isAhead(message.sequence, this.#sequence)) this.#sequence = message.sequence;
      return 'sequence-adopted';
    }
    const answered = timestampOf(message);
    if (verdict !== 'clock' || answered === undefined || timestamp === undefined) return undefined;
    this.#clock.adopt(answered, timestamp);
    return 'clock-adopted';
  }

  /** The answer to the end of everything; a refusal is asked again in time. */
  #removed({ status }: BindingAcknowledgement): Reception {
    const verdict = verdictOf(status);
    if (verdict !== 'accepted' && verdict !== 'unknown-here') return understood('refused', [], status);
    this.#limits.cleanup = false;
    this.#removals = 0;
    return understood('accepted', this.#phase === 'closing' ? [this.#close(true)] : [], status);
  }

  /** Nobody waits for an answer any more, or there is nothing to ask or no way to ask it. */
  get #isOver(): boolean {
    if (this.#firstSequence !== undefined || this.#paths.all.length === 0) return true;
    return this.#turn === undefined && this.#removals >= REMOVAL_ATTEMPTS;
  }

  #close(answered: boolean): RegistrationChange {
    this.#phase = 'closed';
    this.#turn = undefined;
    this.#exchanges.clear();
    this.#list.forgetAll();
    this.#flows.forget();
    return { type: 'closed', answered };
  }
}

import type { Address, MobilityPacket } from '../mobility/index.js';
import {
  type AuthorisedRouter,
  type CacheChange,
  HomeAgentRegistrar,
  OUTCOMES,
  type OutgoingPacket,
  type Reception,
  type RegistrarSettings,
  type Registration,
  RegistrationError,
  SAVED_VERSION,
} from '../registration/index.js';
import type { Log } from '../views/index.js';
import { Alarm } from './alarm.js';
import { now } from './clock.js';
import type { Journal } from './journal.js';
import type { PacketSocket } from './packet-socket.js';
import { readSignals, type SignalSource } from './reader.js';
import { SignallingError } from './signalling-error.js';
import { Tally } from './tally.js';

/** What a home agent's signalling works with; it owns source, socket and journal. */
export interface HomeAgentSignallingOptions {
  /** Of the home agent. */
  readonly address: Address;
  readonly settings: Partial<RegistrarSettings>;
  readonly routers: readonly AuthorisedRouter[];
  readonly source: SignalSource;
  readonly socket: PacketSocket;
  readonly journal: Journal;
  readonly log: Log;
  /**
   * Makes the kernel as the registrations are: answers leave when it has resolved.
   * @param homeAddresses of the routers whose registrations are others
   */
  apply(homeAddresses: readonly Address[]): Promise<void>;
}

/** When what could not be made so is tried again, milliseconds. */
const RETRY_MS = 1000;
/** The same for what could not be written down while nobody says anything. */
const REWRITE_MS = 10_000;

/** Mobility headers in, registrations and answers out: the registrar of a home agent with its sockets and clocks. */
export class HomeAgentSignalling implements AsyncDisposable {
  readonly #options: HomeAgentSignallingOptions;
  readonly #registrar: HomeAgentRegistrar;
  readonly #alarm: Alarm;
  readonly #tally: Tally;
  #reading: Promise<void> | undefined;
  /** What was done last; the next thing waits for it. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Of the journal; it is over when nobody waits for it any more. */
  #compacting: Promise<void> = Promise.resolve();
  #unwritten: SignallingError | undefined;

  /** Takes up what was written down. @throws RegistrationError REGISTRATION_SETTINGS_INVALID */
  constructor(options: HomeAgentSignallingOptions) {
    this.#options = options;
    this.#tally = new Tally(options.log);
    this.#registrar = restore(options);
    this.#alarm = new Alarm(() => void this.#enqueue(() => this.#expire()));
  }

  /** Messages by what became of them. */
  get counts(): ReadonlyMap<string, number> {
    return this.#tally.counts;
  }

  /** Why registrations hold, but not over a restart; undefined: they do. */
  get unwritten(): SignallingError | undefined {
    return this.#unwritten;
  }

  /** What a router has registered; undefined for one that may not. */
  registration(homeAddress: Address): Registration | undefined {
    return this.#registrar.registration(homeAddress);
  }

  /** Begins to answer. The kernel is as the registrations that were restored say by now. */
  start(): void {
    const { source, log } = this.#options;
    this.#save(() => this.#options.journal.rewrite(this.#registrar.save(now())));
    this.#reading = readSignals(
      source,
      (packets) => this.#enqueue(() => this.#receive(packets)),
      (reason) => this.#tally.warn('malformed', 'a mobility header cannot be decoded', { reason }),
    ).catch((error: unknown) => log.error({ err: error }, 'mobility headers are not read any more'));
    this.#schedule();
  }

  /**
   * What is not authorised any more goes; the kernel is the caller's to change.
   * @throws RegistrationError REGISTRATION_SETTINGS_INVALID, and then nothing has changed
   */
  reconfigure(settings: Partial<RegistrarSettings>, routers: readonly AuthorisedRouter[]): void {
    const { changes, recorded } = this.#registrar.reconfigure(settings, routers, now());
    this.#tell(changes);
    this.#write(recorded);
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    const { source, socket, journal } = this.#options;
    this.#alarm[Symbol.dispose]();
    source.close();
    await this.#reading;
    await this.#turn;
    this.#alarm[Symbol.dispose]();
    socket.close();
    journal[Symbol.dispose]();
    await this.#compacting;
  }

  /** One thing after the other: answers leave in the order of the messages. */
  async #enqueue(job: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!this.#stopped) await job();
    });
    this.#turn = turn.catch((error: unknown) =>
      this.#options.log.error({ err: error }, 'registrations could not be handled'),
    );
    return this.#turn;
  }

  async #receive(packets: Iterable<MobilityPacket>): Promise<void> {
    const recorded: Address[] = [];
    const changes: CacheChange[] = [];
    const answers: OutgoingPacket[] = [];
    for (const packet of packets) {
      const reception = this.#registrar.receive(packet, now());
      this.#count(packet, reception);
      if (reception.recorded && reception.router) recorded.push(reception.router.homeAddress);
      changes.push(...reception.changes);
      if (reception.answer) answers.push(reception.answer);
    }
    await this.#commit(changes, recorded);
    for (const answer of answers) this.#send(answer);
    this.#schedule();
  }

  async #expire(): Promise<void> {
    if (this.#unwritten) this.#save(() => this.#options.journal.rewrite(this.#registrar.save(now())));
    const { changes, requests } = this.#registrar.expire(now());
    await this.#commit(changes, [...new Set(changes.map(({ router }) => router.homeAddress))]);
    for (const request of requests) {
      this.#tally.count('refresh-requested');
      this.#send(request);
    }
    this.#schedule();
  }

  /** Written down, then in the kernel, then answered: what a router was told holds. */
  async #commit(changes: readonly CacheChange[], recorded: readonly Address[]): Promise<void> {
    this.#tell(changes);
    this.#write(recorded);
    if (changes.length === 0) return;
    try {
      await this.#options.apply(changes.map(({ router }) => router.homeAddress));
    } catch (error) {
      // The reconciler tries again by itself, and tells what is wrong.
      this.#options.log.error({ err: error }, 'registrations are not in the kernel yet');
      this.#alarm.set(performance.now() + RETRY_MS);
      throw error;
    }
  }

  #send({ packet, destination }: OutgoingPacket): void {
    const refused = this.#options.socket.send(packet);
    if (refused !== undefined) {
      this.#tally.warn('not-sent', 'the kernel did not send an answer', {
        to: destination.toString(),
        reason: refused,
      });
    }
  }

  #count(packet: MobilityPacket, { outcome, router }: Reception): void {
    if (outcome === 'registered' || outcome === 'deregistered') {
      this.#tally.count(outcome);
      return;
    }
    this.#tally.warn(outcome, OUTCOMES[outcome], {
      router: router?.name ?? null,
      source: packet.source.toString(),
      homeAddress: packet.homeAddress?.toString() ?? null,
    });
  }

  #tell(changes: readonly CacheChange[]): void {
    for (const change of changes) {
      if (!('binding' in change)) continue;
      const { bid, careOf } = change.binding;
      const fields = { router: change.router.name, bid, careOf: careOf.toString() };
      this.#options.log.info(fields, TEXTS[change.type]);
    }
  }

  #write(recorded: readonly Address[]): void {
    if (recorded.length === 0) return;
    const { journal } = this.#options;
    this.#save(() => {
      if (journal.append(recorded.map((address) => this.#registrar.record(address, now())))) {
        journal.rewrite(this.#registrar.save(now()));
      }
    });
    if (journal.isLong) this.#compacting = this.#compact();
  }

  /** What fails here leaves the file as it is, which is whole. */
  async #compact(): Promise<void> {
    try {
      await this.#options.journal.compact(SAVED_VERSION, this.#registrar.records(now));
    } catch (error) {
      if (!(error instanceof SignallingError)) throw error;
      this.#tally.warn('not-written', error.message, { code: error.code, hint: error.hint });
    }
  }

  /** What cannot be written down holds all the same, but not over a restart. */
  #save(write: () => void): void {
    try {
      write();
      this.#unwritten = undefined;
    } catch (error) {
      if (!(error instanceof SignallingError)) throw error;
      this.#unwritten = error;
      this.#tally.warn('not-written', error.message, { code: error.code, hint: error.hint });
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    const next = this.#registrar.nextEvent();
    const rewrite = this.#unwritten && performance.now() + REWRITE_MS;
    this.#alarm.set(rewrite === undefined ? next : Math.min(rewrite, next ?? rewrite));
  }
}

const TEXTS = {
  'binding-added': 'a binding was registered',
  'binding-changed': 'a binding has another care-of address or priority',
  'binding-removed': 'a binding has ended',
} as const;

/** A journal that cannot be used is put aside: routers register again. */
function restore({
  address,
  settings,
  routers,
  journal,
  log,
}: HomeAgentSignallingOptions): HomeAgentRegistrar {
  const options = { address, settings, routers, now: now() };
  try {
    const saved = journal.read();
    return new HomeAgentRegistrar({ ...options, saved });
  } catch (error) {
    const isOfJournal =
      (error instanceof SignallingError && error.code === 'JOURNAL_UNREADABLE') ||
      (error instanceof RegistrationError && error.code === 'REGISTRATION_STATE_INVALID');
    if (!isOfJournal) throw error;
    log.error({ code: error.code, aside: journal.putAside() ?? null }, error.message);
    return new HomeAgentRegistrar(options);
  }
}

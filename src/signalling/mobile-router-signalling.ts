import type { Address, FlowIdentificationOption, MobilityPacket } from '../mobility/index.js';
import type {
  MobileRouterRegistrar,
  RegistrationChange,
  RegistrationView,
  WantedBinding,
} from '../registration/index.js';
import type { Log } from '../views/index.js';
import { Alarm } from './alarm.js';
import { now } from './clock.js';
import type { PacketSocket } from './packet-socket.js';
import { readSignals, type SignalSource } from './reader.js';
import { Tally } from './tally.js';

/** What a mobile router's signalling works with; it owns source and socket. */
export interface MobileRouterSignallingOptions {
  readonly registrar: MobileRouterRegistrar;
  readonly source: SignalSource;
  readonly socket: PacketSocket;
  readonly log: Log;
  /**
   * Care-of addresses by BID that packets use already, of a daemon before this one: they count as registered until the
   * home agent has said what it knows.
   */
  readonly presumed: ReadonlyMap<number, Address>;
  /** When that ends in any case, `performance.now()`. */
  readonly presumedUntil: number;
  /** Called when the home agent has accepted, refused or forgotten a binding. */
  changed(): void;
}

/** Care-of addresses in, registrations out: the registrar of a mobile router with its sockets and clocks. */
export class MobileRouterSignalling implements AsyncDisposable {
  readonly #options: MobileRouterSignallingOptions;
  readonly #presumed: Map<number, Address>;
  readonly #alarm = new Alarm(() => this.#poll());
  readonly #tally: Tally;
  #reading: Promise<void> | undefined;
  #stopped = false;
  /** Whether the home agent has confirmed the end of everything, once that was asked for. */
  #end: PromiseWithResolvers | undefined;

  constructor(options: MobileRouterSignallingOptions) {
    this.#options = options;
    this.#presumed = new Map(options.presumed);
    this.#tally = new Tally(options.log);
  }

  /** Messages by what became of them. */
  get counts(): ReadonlyMap<string, number> {
    return this.#tally.counts;
  }

  /** Begins to read answers; nothing is sent before `want`. */
  start(): void {
    const { source, log } = this.#options;
    this.#reading = readSignals(
      source,
      async (packets) => this.#receive(packets),
      (reason) => this.#tally.warn('malformed', 'a mobility header cannot be decoded', { reason }),
    ).catch((error: unknown) => log.error({ err: error }, 'mobility headers are not read any more'));
  }

  /**
   * The care-of addresses that there are now, and the flows for them; what is sent from these addresses leaves by their
   * uplinks, and what is sent to them is taken.
   * @throws RegistrationError REGISTRATION_SETTINGS_INVALID
   */
  follow(bindings: readonly WantedBinding[], flows: readonly FlowIdentificationOption[]): void {
    const { registrar } = this.#options;
    registrar.setBindings(bindings, now());
    registrar.setFlows(flows, now());
    this.#poll();
  }

  /** Ends all registrations for good; answers whether the home agent has said that it knows. */
  end(): Promise<boolean> {
    if (this.#end === undefined) {
      this.#end = withResolvers();
      this.#options.registrar.shutdown(now());
      this.#poll();
    }
    return this.#end.promise;
  }

  /** Whether `end` was called. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** The care-of address of a binding that the home agent takes packets from. */
  registered(bid: number): Address | undefined {
    const { bindings } = this.view();
    const registered = bindings.find((binding) => binding.bid === bid)?.registered;
    if (registered || performance.now() >= this.#options.presumedUntil) return registered;
    return this.#presumed.get(bid);
  }

  view(): RegistrationView {
    return this.#options.registrar.view(now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#end?.resolve(false);
    this.#alarm[Symbol.dispose]();
    this.#options.source.close();
    await this.#reading;
    this.#options.socket.close();
  }

  #receive(packets: Iterable<MobilityPacket>): void {
    for (const packet of packets) {
      const { outcome, text, status, changes } = this.#options.registrar.receive(packet, now());
      if (outcome === 'accepted') this.#tally.count(outcome);
      else this.#tally.warn(outcome, text, { source: packet.source.toString(), status: status ?? null });
      this.#tell(changes);
    }
    this.#poll();
  }

  /** Sends what is due, and comes back when something is. */
  #poll(): void {
    if (this.#stopped) return;
    const { registrar, socket } = this.#options;
    const { packets, changes } = registrar.poll(now());
    this.#tell(changes);
    for (const { packet, source } of packets) {
      this.#tally.count('sent');
      const refused = socket.send(packet);
      if (refused !== undefined) {
        this.#tally.warn('not-sent', 'the kernel did not send a Binding Update', {
          from: source.toString(),
          reason: refused,
        });
      }
    }
    this.#alarm.set(registrar.nextEvent());
  }

  #tell(changes: readonly RegistrationChange[]): void {
    for (const change of changes) {
      if (change.type === 'closed') {
        this.#presumed.clear();
        this.#options.log.info({ answered: change.answered }, 'all registrations have ended');
        this.#end?.resolve(change.answered);
        continue;
      }
      this.#presumed.delete(change.bid);
      const { type, ...fields } = change;
      const text = TEXTS[type];
      if (type === 'registered') {
        this.#options.log.info({ ...fields, careOf: String(change.careOf) }, text);
      } else this.#options.log.warn(fields, text);
    }
    if (changes.length > 0) this.#options.changed();
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<boolean>;
  resolve(answered: boolean): void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: (answered: boolean) => void = () => undefined;
  const promise = new Promise<boolean>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const TEXTS = {
  registered: 'the home agent has accepted a care-of address',
  refused: 'the home agent has refused a binding',
  removed: 'the home agent has removed a binding',
  lapsed: 'a registration has ended without an answer',
} as const;

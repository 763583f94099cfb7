/** A small home agent for tests, written from the RFCs alone: a binding cache without anything around it. */
import {
  type Address,
  type BindingIdentifierOption,
  type BindingUpdate,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeMobilityPacket,
  type MobilityOption,
} from '../../src/mobility/index.js';
import { AGENT, HOME } from './registration-desk.js';

interface Cached {
  readonly careOf: Address;
  readonly home: boolean;
  /** Monotonic, milliseconds. */
  readonly until: number;
}

export interface HomeAgentHabits {
  /** RFC 3963 only. */
  readonly plain: boolean;
  readonly bulk: boolean;
}

/** The answer to a Binding Update, and the address that it goes to. */
export interface ScriptedAnswer {
  readonly destination: Address;
  readonly packet: Uint8Array;
}

export class ScriptedHomeAgent {
  /** By BID; the one without a BID is 0. */
  cache = new Map<number, Cached>();
  /** Of the last Binding Update that counted. */
  sequence: number | undefined;
  readonly #habits: HomeAgentHabits;

  constructor(habits: HomeAgentHabits) {
    this.#habits = habits;
  }

  restart(): void {
    this.cache = new Map();
    this.sequence = undefined;
  }

  expire(now: number): void {
    for (const [bid, { until }] of this.cache) if (until <= now) this.cache.delete(bid);
  }

  receive(bytes: Uint8Array, now: number): ScriptedAnswer {
    this.expire(now);
    const packet = decodeMobilityPacket(bytes);
    const update = packet && decodeMobilityHeader(packet.header);
    if (packet === undefined || update?.type !== 'binding-update') throw new Error('no Binding Update');
    const answer = this.#answer(update, packet.source, now);
    const options: MobilityOption[] = answer.options;
    const message = {
      type: 'binding-acknowledgement',
      status: answer.status,
      flags: ['mobile-router' as const],
      sequence: answer.status === 135 ? (this.sequence ?? 0) : update.sequence,
      lifetime: answer.status < 128 ? update.lifetime : 0,
      options,
    } as const;
    const isHome = packet.source.equals(HOME);
    const envelope = { source: AGENT, destination: packet.source, routedTo: isHome ? undefined : HOME };
    return { destination: packet.source, packet: encodeMobilityPacket(envelope, message) };
  }

  #answer(
    update: BindingUpdate,
    source: Address,
    now: number,
  ): { status: number; options: MobilityOption[] } {
    const { sequence, lifetime, flags } = update;
    const last = this.sequence;
    // RFC 6275 section 9.5.1: the last one and the 32768 before it.
    if (this.cache.size > 0 && last !== undefined && (last - sequence + 0x10000) % 0x10000 <= 0x8000) {
      return { status: 135, options: [] };
    }
    const identifiers = this.#habits.plain
      ? []
      : update.options.filter(
          (option): option is BindingIdentifierOption => option.type === 'binding-identifier',
        );
    const until = now + lifetime * 1000;
    if (identifiers.length === 0) {
      this.sequence = sequence;
      this.cache.clear();
      if (lifetime > 0) this.cache.set(0, { careOf: source, home: false, until });
      return { status: 0, options: [] };
    }
    const copies = (status: (bid: number) => number): MobilityOption[] =>
      identifiers.map((one) => ({ ...one, status: status(one.bid), home: false, careOf: undefined }));
    if (identifiers.length > 1 && !this.#habits.bulk) return { status: 168, options: copies(() => 0) };
    if (lifetime > 0 && !flags.includes('overwrite') && this.cache.has(0)) {
      return { status: 165, options: copies(() => 0) };
    }
    this.sequence = sequence;
    if (lifetime > 0 && flags.includes('overwrite')) this.cache.clear();
    const statuses = new Map<number, number>();
    for (const { bid, careOf, home } of identifiers) {
      if (lifetime > 0 && careOf) this.cache.set(bid, { careOf, home, until });
      else if (lifetime > 0) statuses.set(bid, 167);
      else if (!this.cache.delete(bid)) statuses.set(bid, 133);
    }
    return { status: statuses.size > 0 ? 4 : 0, options: copies((bid) => statuses.get(bid) ?? 0) };
  }
}

/** A mobile router's registrar with a clock that the test moves, and answers that the test writes. */
import type { ExecutionContext } from 'ava';
import {
  Address,
  type AuthenticationKey,
  type BindingAcknowledgement,
  type BindingUpdate,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeAuthenticated,
  encodeMobilityHeader,
  encodeMobilityPacket,
  type FlowIdentificationOption,
  type MobilityMessage,
  type MobilityOption,
  type MobilityPacket,
  Prefix,
} from '../../src/mobility/index.js';
import type { Instant } from '../../src/registration/instant.js';
import {
  type BindingState,
  type BindingView,
  MobileRouterRegistrar,
  type OutgoingPacket,
  type Poll,
  type Reception,
  type RegistrarOptions,
  type RegistrationChange,
  type RegistrationView,
  type WantedBinding,
} from '../../src/registration/mobile-router/index.js';
import { hexBytes } from './mobility-messages.js';

export const HOME = Address.parse('2001:db8:77::1');
export const AGENT = Address.parse('2001:db8:ffff::1');
export const PREFIX = Prefix.parse('2001:db8:77:100::/56');
export const KEY: AuthenticationKey = { spi: 0x1000, key: hexBytes('000102030405060708090a0b0c0d0e0f') };
/** Of the real clock when the monotonic one shows 0: 2026-11-30. */
const EPOCH = 1_796_000_000_000_000_000n;
export const FIRST = 100;

export const OPTIONS: RegistrarOptions = {
  homeAddress: HOME,
  homeAgent: AGENT,
  prefixes: [PREFIX],
  firstSequence: FIRST,
};

/** A care-of address of an uplink, such as `a`, and which of its addresses. */
export function careOf(uplink: string, host = 2): Address {
  return Address.parse(`2001:db8:${uplink}::${host}`);
}

/** BID 1 has care-of address 2001:db8:a::2 and priority 10, BID 2 :b: and 20, and so on. */
export function wanted(bid: number, more: Partial<WantedBinding> = {}): WantedBinding {
  return { bid, careOf: careOf((9 + bid).toString(16)), priority: 10 * bid, home: false, ...more };
}

export function atHome(bid: number, priority = 5): WantedBinding {
  return { bid, careOf: HOME, priority, home: true };
}

export function flow(fid: number, bids: readonly number[], port = 5000 + fid): FlowIdentificationOption {
  const none = { source: undefined, destination: undefined, spi: undefined, sourcePort: undefined };
  return {
    type: 'flow-identification',
    fid,
    priority: fid,
    status: 0,
    bids,
    selector: {
      type: 'ipv6',
      ...none,
      destinationPort: { low: port, high: port },
      dscp: undefined,
      protocol: undefined,
      flowLabel: undefined,
    },
    others: [],
  };
}

/** A Binding Update as it left. */
export interface Sent {
  /** Monotonic, milliseconds. */
  readonly at: number;
  readonly packet: MobilityPacket;
  /** The packet from its IPv6 header on. */
  readonly bytes: Uint8Array;
  readonly update: BindingUpdate;
}

/** How an answer differs from one that accepts everything. */
export interface AnswerSpec {
  readonly status?: number;
  /** Of BIDs; null: the BID is not named. */
  readonly statuses?: Readonly<Record<number, number | null>>;
  readonly identifiers?: boolean;
  readonly lifetime?: number;
  readonly sequence?: number;
  readonly flags?: BindingAcknowledgement['flags'];
  /** Of FIDs; `none`: no flow options at all. */
  readonly flows?: Readonly<Record<number, number>> | 'none';
  readonly more?: readonly MobilityOption[];
  readonly source?: Address;
  readonly destination?: Address;
  readonly routedTo?: Address | undefined;
  readonly key?: AuthenticationKey | undefined;
  readonly timestamp?: bigint | undefined;
}

export class Desk {
  readonly registrar: MobileRouterRegistrar;
  /** Monotonic, milliseconds. */
  time = 1_000_000;
  /** Nanoseconds that the real clock is off. */
  off = 0n;
  readonly sent: Sent[] = [];
  readonly changes: RegistrationChange[] = [];
  readonly #t: ExecutionContext;
  readonly #options: RegistrarOptions;

  constructor(t: ExecutionContext, options: Partial<RegistrarOptions> = {}) {
    this.#t = t;
    this.#options = { ...OPTIONS, ...options };
    this.registrar = new MobileRouterRegistrar(this.#options);
  }

  get now(): Instant {
    return { monotonic: this.time, real: EPOCH + BigInt(Math.round(this.time * 1000)) * 1000n + this.off };
  }

  want(...bindings: WantedBinding[]): void {
    this.registrar.setBindings(bindings, this.now);
  }

  /** The Binding Update that is due at this moment. */
  poll(): Sent | undefined {
    const { packets, changes }: Poll = this.registrar.poll(this.now);
    this.changes.push(...changes);
    const next = this.registrar.nextEvent();
    if (next !== undefined && next <= this.time) {
      // A second call at the same moment finds something only where the first one ended something.
      this.#t.true(changes.length > 0, `the next event ${next} is not after ${this.time}`);
    }
    const one: OutgoingPacket | undefined = packets[0];
    if (one === undefined) return undefined;
    this.#t.is(packets.length, 1);
    const packet = decodeMobilityPacket(one.packet);
    if (packet === undefined) throw new Error('a packet without a mobility header');
    this.#t.true(packet.source.equals(one.source) && packet.destination.equals(one.destination));
    this.#t.is(packet.checksum, 'right');
    const update = decodeMobilityHeader(packet.header);
    if (update.type !== 'binding-update') throw new Error(`a ${update.type} was sent`);
    const sent = { at: this.time, packet, bytes: one.packet, update };
    this.sent.push(sent);
    return sent;
  }

  /** One has to be due. */
  take(): Sent {
    const sent = this.poll();
    if (sent === undefined) throw new Error(`nothing is due at ${this.time}`);
    return sent;
  }

  /** Moves the clock to the next Binding Update; it has to come within so many milliseconds. */
  next(within = 3_600_000): Sent {
    const end = this.time + within;
    for (;;) {
      const sent = this.poll();
      if (sent) return sent;
      const at = this.registrar.nextEvent();
      if (at === undefined || at > end) throw new Error(`nothing is sent within ${within} ms`);
      this.time = Math.max(this.time, at);
    }
  }

  /** Lets time pass without an answer. @returns what was sent */
  idle(milliseconds: number): Sent[] {
    const from = this.sent.length;
    const end = this.time + milliseconds;
    for (;;) {
      this.poll();
      const at = this.registrar.nextEvent();
      if (at === undefined || at > end) break;
      this.time = Math.max(this.time, at);
    }
    this.time = end;
    return this.sent.slice(from);
  }

  answer(sent: Sent, spec: AnswerSpec = {}): Reception {
    return this.receive(this.answerTo(sent, spec));
  }

  /** Answers everything that is sent until nothing is due for so many milliseconds. */
  settle(spec: AnswerSpec = {}, quiet = 1500): void {
    for (let count = 0; count < 100; count++) {
      const from = this.sent.length;
      const sent = this.poll();
      if (sent) {
        this.answer(sent, spec);
        continue;
      }
      const at = this.registrar.nextEvent();
      if (at === undefined || at > this.time + quiet) return;
      this.time = Math.max(this.time, at);
      this.#t.true(this.sent.length >= from);
    }
    throw new Error('it does not come to rest');
  }

  receive(packet: Uint8Array): Reception {
    const decoded = decodeMobilityPacket(packet);
    if (decoded === undefined) throw new Error('a packet without a mobility header');
    const reception = this.registrar.receive(decoded, this.now);
    this.changes.push(...reception.changes);
    return reception;
  }

  answerTo({ packet, update }: Sent, spec: AnswerSpec = {}): Uint8Array {
    const { status = 0, lifetime = update.lifetime, sequence = update.sequence } = spec;
    const { flags = ['mobile-router'], more = [] } = spec;
    const key = 'key' in spec ? spec.key : this.#options.key;
    const stamp = update.options.find((option) => option.type === 'replay-protection')?.timestamp;
    const timestamp = 'timestamp' in spec ? spec.timestamp : stamp;
    const options: MobilityOption[] = [...answerOptions(update, spec), ...more];
    if (timestamp !== undefined) options.push({ type: 'replay-protection', timestamp });
    const message = { type: 'binding-acknowledgement', status, flags, sequence, lifetime, options } as const;
    const destination = spec.destination ?? packet.source;
    const isHome = packet.source.equals(HOME);
    const routedTo = 'routedTo' in spec ? spec.routedTo : isHome ? undefined : HOME;
    return encodeMobilityPacket({ source: spec.source ?? AGENT, destination, routedTo }, (addresses) =>
      key
        ? encodeAuthenticated(message, { careOf: destination, homeAddress: HOME }, key, addresses)
        : encodeMobilityHeader(message, addresses),
    );
  }

  /** Another message from the home agent, by way of a type 2 routing header. */
  receiveMessage(message: MobilityMessage, to: Address = careOf('a')): Reception {
    return this.receive(encodeMobilityPacket({ source: AGENT, destination: to, routedTo: HOME }, message));
  }

  view(bid: number): BindingView {
    const found = this.registrar.view(this.now).bindings.find((one) => one.bid === bid);
    if (found === undefined) throw new Error(`no BID ${bid} in the view`);
    return found;
  }

  /** Words of each binding: BID, state, addresses wanted and registered. */
  get words(): string[] {
    const text = (address: Address | undefined): string => address?.toString() ?? '-';
    const { bindings }: RegistrationView = this.registrar.view(this.now);
    const words = (state: BindingState, one: BindingView): string =>
      `${one.bid} ${state} ${text(one.wanted)} ${text(one.registered)}`;
    return bindings.map((one) => words(one.state, one));
  }
}

/** BIDs of a Binding Update. */
export function bidsOf({ update }: Sent): number[] {
  return update.options.flatMap((option) => (option.type === 'binding-identifier' ? [option.bid] : []));
}

/** FIDs of a Binding Update: those in full, and those in summaries. */
export function fidsOf({ update }: Sent): { inFull: number[]; summed: number[] } {
  return {
    inFull: update.options.flatMap((option) => (option.type === 'flow-identification' ? [option.fid] : [])),
    summed: update.options.flatMap((option) => (option.type === 'flow-summary' ? option.fids : [])),
  };
}

/** BIDs and flags in one line, such as `1,2 O`; lifetime 0 is `1 removed`. */
export function wordsOf(sent: Sent): string {
  const { flags, lifetime } = sent.update;
  const words = [bidsOf(sent).join(',') || 'plain'];
  if (flags.includes('overwrite')) words.push('O');
  if (lifetime === 0) words.push('removed');
  return `${words.join(' ')} from ${sent.packet.source}`;
}

function answerOptions(update: BindingUpdate, spec: AnswerSpec): MobilityOption[] {
  return update.options.flatMap((option): MobilityOption[] => {
    if (option.type === 'binding-identifier' && spec.identifiers !== false) {
      const status = spec.statuses?.[option.bid] ?? 0;
      if (spec.statuses?.[option.bid] === null) return [];
      return [{ ...option, status, home: false, careOf: undefined }];
    }
    if (option.type === 'flow-identification' && spec.flows !== 'none') {
      return [{ ...option, status: spec.flows?.[option.fid] ?? 0, selector: undefined, bids: undefined }];
    }
    if (option.type === 'flow-summary' && spec.flows !== 'none' && spec.flows !== undefined) {
      const statuses = spec.flows;
      return option.fids.flatMap((fid): MobilityOption[] => {
        const status = statuses[fid];
        if (status === undefined) return [];
        const none = { priority: 0, bids: undefined, selector: undefined, others: [] };
        return [{ type: 'flow-identification', fid, status, ...none }];
      });
    }
    return [];
  });
}

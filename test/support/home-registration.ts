/** A home agent's registrar with a clock, and mobile routers that write to it in whole packets. */
import {
  Address,
  type AuthenticationKey,
  type BindingAcknowledgement,
  type BindingIdentifierOption,
  type BindingUpdate,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeAuthenticated,
  encodeMobilityPacket,
  type MobilityOption,
  type MobilityPacket,
  ntpTimestamp,
  Prefix,
  type UpdateFlag,
  verifyAuthentication,
} from '../../src/mobility/index.js';
import {
  type AuthorisedRouter,
  type CacheChange,
  HomeAgentRegistrar,
  type OutgoingPacket,
  type Reception,
  type RegistrarOptions,
  type RegistrarSettings,
} from '../../src/registration/home-agent/index.js';
import type { Instant } from '../../src/registration/instant.js';

export const AGENT = Address.parse('2001:db8:ffff::1');
export const HOME = Address.parse('2001:db8:ffff::77');
export const NETWORK = Prefix.parse('2001:db8:77::/48');
export const A = Address.parse('2001:db8:a::2');
export const B = Address.parse('2001:db8:b::2');
export const C = Address.parse('2001:db8:c::2');
export const KEY: AuthenticationKey = { spi: 0x1000, key: new Uint8Array(16).fill(7) };
export const ROUTER: AuthorisedRouter = {
  name: 'bus',
  homeAddress: HOME,
  prefixes: [NETWORK],
  key: KEY,
  mostBindings: 3,
};
const FLAGS: readonly UpdateFlag[] = ['acknowledge', 'home', 'mobile-router'];

/** What a message has beside, or instead of, what messages usually have. */
export interface Sent {
  readonly source?: Address;
  readonly homeAddress?: Address | undefined;
  readonly destination?: Address;
  readonly sequence?: number;
  /** Default: A, H and R. */
  readonly flags?: readonly UpdateFlag[];
  /** Default: 60 s. */
  readonly lifetime?: number;
  readonly options?: readonly MobilityOption[];
  /** NTP; null: none. Default: the clock's. */
  readonly timestamp?: bigint | null;
  /** null: none. */
  readonly key?: AuthenticationKey | null;
}

/** An answer taken apart, checked as its receiver would. */
export interface Answer {
  readonly packet: MobilityPacket;
  readonly message: BindingAcknowledgement;
  readonly status: number;
  /** BIDs and their statuses. */
  readonly bids: readonly (readonly [number, number])[];
  /** FIDs and their statuses. */
  readonly flows: readonly (readonly [number, number])[];
  readonly timestamp: bigint | undefined;
  readonly isSigned: boolean;
}

export function bid(
  number: number,
  careOf?: Address,
  more: Partial<BindingIdentifierOption> = {},
): BindingIdentifierOption {
  return { type: 'binding-identifier', bid: number, status: 0, home: false, priority: 0, careOf, ...more };
}

export function network(text: string): MobilityOption {
  return { type: 'mobile-network-prefix', prefix: Prefix.parse(text) };
}

export class TestAgent {
  registrar: HomeAgentRegistrar;
  sequence = 0;
  #monotonic = 1_000_000;
  #real = 1_700_000_000_000_000_000n;

  constructor(settings: Partial<RegistrarSettings> = {}, routers = [ROUTER], saved?: unknown) {
    this.registrar = registrar({ settings, routers, saved, now: this.now });
  }

  get now(): Instant {
    return { monotonic: this.#monotonic, real: this.#real };
  }

  /** Lets time go by. */
  wait(seconds: number): void {
    this.#monotonic += seconds * 1000;
    this.jump(seconds);
  }

  /** Sets the clock of the day, and that alone. */
  jump(seconds: number): void {
    this.#real += BigInt(Math.round(seconds * 1000)) * 1_000_000n;
  }

  /** Another daemon with the same clock, or one that was not there for some time. */
  restart(saved: unknown, settings: Partial<RegistrarSettings> = {}, routers = [ROUTER]): void {
    this.registrar = registrar({ settings, routers, saved, now: this.now });
  }

  packet(sent: Sent = {}): MobilityPacket {
    const source = sent.source ?? A;
    const homeAddress = 'homeAddress' in sent ? sent.homeAddress : HOME;
    this.sequence = sent.sequence ?? (this.sequence + 1) % 0x1_0000;
    const timestamp = sent.timestamp === undefined ? ntpTimestamp(this.#real) : sent.timestamp;
    const message: BindingUpdate = {
      type: 'binding-update',
      sequence: this.sequence,
      flags: sent.flags ?? FLAGS,
      lifetime: sent.lifetime ?? 60,
      options: [
        ...(sent.options ?? []),
        ...(timestamp === null ? [] : [{ type: 'replay-protection', timestamp } as const]),
      ],
    };
    const key = sent.key === undefined ? KEY : sent.key;
    const parties = { careOf: source, homeAddress: homeAddress ?? source };
    return received(
      encodeMobilityPacket(
        { source, destination: sent.destination ?? AGENT, homeAddress },
        key === null ? message : (addresses) => encodeAuthenticated(message, parties, key, addresses),
      ),
    );
  }

  /** One message, 200 ms after what was before. */
  send(sent: Sent = {}): Reception & { readonly reply: Answer | undefined } {
    this.wait(0.2);
    return this.take(this.packet(sent));
  }

  take(packet: MobilityPacket): Reception & { readonly reply: Answer | undefined } {
    const reception = this.registrar.receive(packet, this.now);
    return { ...reception, reply: reception.answer && answerOf(reception.answer) };
  }

  /** BIDs with their care-of addresses, as text. */
  bindings(homeAddress = HOME): string[] {
    const bindings = this.registrar.registration(homeAddress)?.bindings ?? [];
    return bindings.map((binding) => `${binding.bid} ${binding.careOf}`);
  }

  prefixes(): string[] {
    return (this.registrar.registration(HOME)?.prefixes ?? []).map(String);
  }
}

function registrar(options: Omit<RegistrarOptions, 'address'>): HomeAgentRegistrar {
  return new HomeAgentRegistrar({ address: AGENT, ...options });
}

export function received(bytes: Uint8Array): MobilityPacket {
  const packet = decodeMobilityPacket(bytes);
  if (packet === undefined) throw new Error('there is no mobility header');
  return packet;
}

/** In words: what is to be done in the kernel. */
export function changesOf({ changes }: Pick<Reception, 'changes'>): string[] {
  return changes.map(textOf);
}

function textOf(change: CacheChange): string {
  switch (change.type) {
    case 'binding-added':
    case 'binding-removed':
      return `${change.type} ${change.binding.bid} ${change.binding.careOf}`;
    case 'binding-changed':
      return `${change.type} ${change.binding.bid} ${change.before.careOf} > ${change.binding.careOf}`;
    case 'prefixes-changed':
      return `${change.type} ${change.prefixes.join(' ')}`.trim();
    case 'flows-changed':
      return `${change.type} ${change.flows.map(({ fid }) => fid).join(' ')}`.trim();
  }
}

function answerOf({ source, destination, packet: bytes }: OutgoingPacket): Answer {
  const packet = received(bytes);
  const message = decodeMobilityHeader(packet.header);
  if (message.type !== 'binding-acknowledgement') throw new Error(`the answer is a ${message.type}`);
  if (!packet.source.equals(source) || !packet.destination.equals(destination)) throw new Error('addresses');
  if (packet.checksum !== 'right') throw new Error('the checksum of the answer is wrong');
  const homeAddress = packet.routing?.address ?? packet.destination;
  const parties = { careOf: packet.destination, homeAddress };
  const verdict = verifyAuthentication(packet.header, parties, (spi) => {
    return spi === KEY.spi ? KEY.key : undefined;
  });
  if (verdict !== 'valid' && verdict !== 'missing') throw new Error(`the authentication is ${verdict}`);
  return {
    packet,
    message,
    status: message.status,
    bids: message.options.flatMap((option) =>
      option.type === 'binding-identifier' ? [[option.bid, option.status] as const] : [],
    ),
    flows: message.options.flatMap((option) =>
      option.type === 'flow-identification' ? [[option.fid, option.status] as const] : [],
    ),
    timestamp: message.options.find((option) => option.type === 'replay-protection')?.timestamp,
    isSigned: verdict === 'valid',
  };
}

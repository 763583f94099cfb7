/** What a registrar is told, and whether it makes sense. */
import {
  type Address,
  type AuthenticationKey,
  encodeMobilityHeader,
  type FlowIdentificationOption,
  type MacAddress,
  MobilityError,
  type Prefix,
} from '../../mobility/index.js';
import { RegistrationError } from '../registration-error.js';
import {
  DEFAULT_LIFETIME,
  LIFETIME_UNIT,
  LONGEST_FLOW,
  LONGEST_LIFETIME,
  MOST_BINDINGS,
  MOST_FLOWS,
  MOST_PREFIXES,
} from './timing.js';

export interface RegistrarOptions {
  /** IPv6. */
  readonly homeAddress: Address;
  /** IPv6. */
  readonly homeAgent: Address;
  /** Mobile network prefixes, IPv6. */
  readonly prefixes: readonly Prefix[];
  /** Default `explicit`: the home agent is told the prefixes; `implicit`: it knows them (RFC 3963 section 5.2). */
  readonly prefixMode?: 'explicit' | 'implicit';
  /** All bindings in one Binding Update (RFC 5648 section 5.3); default: one for each. */
  readonly bulk?: boolean;
  /** Seconds, a multiple of 4 up to 262140; default 600. */
  readonly lifetime?: number;
  /** RFC 4285. With it only answers that are authenticated count; without it IPsec has to protect them. */
  readonly key?: AuthenticationKey;
  /** Registrations of a process before this one may hold, so that they are not to be overwritten as after a start. */
  readonly resumed?: boolean;
  /** 0..65535, at random: nothing is saved over a restart. */
  readonly firstSequence: number;
}

/** A binding that an uplink has now. */
export interface WantedBinding {
  /** 1..65535, always the same for this uplink. */
  readonly bid: number;
  /** IPv6; the home address where `home` is true. */
  readonly careOf: Address;
  /** BID-PRI, 1..127, lower wins (RFC 6089 section 4.1). */
  readonly priority: number;
  /** H: by way of the home link, while others are abroad (RFC 5648 section 5.6); one of them at most. */
  readonly home: boolean;
  /** Of the interface at the home link, where the home agent is to send to (RFC 5648 section 5.6.3). */
  readonly linkAddress?: MacAddress | undefined;
}

/** Options with their defaults. */
export interface Settings {
  readonly homeAddress: Address;
  readonly homeAgent: Address;
  readonly prefixes: readonly Prefix[];
  readonly bulk: boolean;
  /** Seconds. */
  readonly lifetime: number;
  readonly key: AuthenticationKey | undefined;
}

/** @throws RegistrationError */
export function settingsOf(options: RegistrarOptions): Settings {
  const { homeAddress, homeAgent, prefixes, prefixMode = 'explicit', bulk = false, key } = options;
  const { lifetime = DEFAULT_LIFETIME, firstSequence } = options;
  demand(isIpv6(homeAddress), `home address ${homeAddress}: give a global IPv6 address`);
  demand(isIpv6(homeAgent), `home agent ${homeAgent}: give a global IPv6 address`);
  demand(!homeAgent.equals(homeAddress), `home agent ${homeAgent} is the home address, too; give its own`);
  demand(prefixes.length <= MOST_PREFIXES, `${prefixes.length} prefixes: ${MOST_PREFIXES} is the most`);
  const wrong = prefixes.find(({ family }) => family !== 6);
  demand(wrong === undefined, `prefix ${wrong}: mobile network prefixes are IPv6`);
  demand(
    Number.isInteger(lifetime / LIFETIME_UNIT) && lifetime > 0 && lifetime <= LONGEST_LIFETIME,
    `lifetime ${lifetime}: give a multiple of 4 seconds up to ${LONGEST_LIFETIME}`,
  );
  demand(
    Number.isInteger(firstSequence) && firstSequence >= 0 && firstSequence <= 0xffff,
    `first sequence number ${firstSequence}: give one of 0..65535`,
  );
  if (key !== undefined) {
    demand(key.key.length >= 16, `the key has ${key.key.length} bytes: give 16 or more`);
    demand(
      Number.isInteger(key.spi) && key.spi >= 256 && key.spi <= 0xffff_ffff,
      `SPI ${key.spi}: give one of 256..4294967295`,
    );
  }
  return {
    homeAddress,
    homeAgent,
    prefixes: prefixMode === 'explicit' ? [...prefixes] : [],
    bulk,
    lifetime,
    key,
  };
}

/** @throws RegistrationError */
export function checkBindings(wanted: readonly WantedBinding[], homeAddress: Address): void {
  demand(wanted.length <= MOST_BINDINGS, `${wanted.length} bindings: ${MOST_BINDINGS} is the most`);
  const bids = new Set<number>();
  for (const { bid, careOf, priority, home } of wanted) {
    demand(Number.isInteger(bid) && bid >= 1 && bid <= 0xffff, `BID ${bid}: give one of 1..65535`);
    demand(!bids.has(bid), `BID ${bid} is there twice: give each binding its own`);
    bids.add(bid);
    demand(
      Number.isInteger(priority) && priority >= 1 && priority <= 127,
      `BID ${bid} has priority ${priority}: give one of 1..127`,
    );
    demand(isIpv6(careOf), `BID ${bid} has care-of address ${careOf}: give a global IPv6 address`);
    demand(
      careOf.equals(homeAddress) === home,
      `BID ${bid} has care-of address ${careOf}: the home address is that of a binding at home, and of no other`,
    );
  }
  demand(
    wanted.filter(({ home }) => home).length <= 1,
    'several bindings are at home: there may be one (RFC 5648 section 5.6.3)',
  );
}

/** @returns bytes that each flow takes in a message @throws RegistrationError */
export function checkFlows(flows: readonly FlowIdentificationOption[]): number[] {
  demand(flows.length <= MOST_FLOWS, `${flows.length} flows: ${MOST_FLOWS} is the most`);
  const fids = new Set<number>();
  const priorities = new Set<number>();
  return flows.map((flow) => {
    const { fid, priority, selector, bids } = flow;
    demand(!fids.has(fid), `FID ${fid} is there twice: give each flow its own`);
    fids.add(fid);
    demand(priority !== 0 && !priorities.has(priority), `FID ${fid}: give a priority of its own, not 0`);
    priorities.add(priority);
    demand(
      selector !== undefined && bids !== undefined && bids.length > 0,
      `FID ${fid}: give a traffic selector and bindings (RFC 6089 section 5.2.2.1)`,
    );
    const size = sizeOf(flow);
    demand(size <= LONGEST_FLOW, `FID ${fid} takes ${size} bytes: ${LONGEST_FLOW} is the most`);
    return size;
  });
}

/** Bytes of a flow: somewhat more than it takes, as its padding depends on its place. */
function sizeOf(flow: FlowIdentificationOption): number {
  const message = { type: 'binding-update', sequence: 0, flags: [], lifetime: 0 } as const;
  try {
    return encodeMobilityHeader({ ...message, options: [{ ...flow, status: 0 }] }).length;
  } catch (error) {
    if (!(error instanceof MobilityError)) throw error;
    throw new RegistrationError(
      'REGISTRATION_SETTINGS_INVALID',
      `FID ${flow.fid} cannot be encoded: ${error.message}`,
    );
  }
}

function isIpv6(address: Address): boolean {
  return address.family === 6 && address.isGlobal;
}

function demand(right: boolean, message: string): asserts right {
  if (!right) throw new RegistrationError('REGISTRATION_SETTINGS_INVALID', message);
}

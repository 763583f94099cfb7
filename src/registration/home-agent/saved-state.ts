/** What outlives the daemon: one record for each router, so that a journal of records is enough. */
import * as z from 'zod';
import {
  Address,
  decodeMobilityHeader,
  encodeMobilityHeader,
  type FlowIdentificationOption,
  MacAddress,
  Prefix,
} from '../../mobility/index.js';
import type { Instant } from '../instant.js';
import { RegistrationError } from '../registration-error.js';
import type { Binding, FlowBinding, Registration } from './registration.js';
import { NOTHING } from './registration.js';
import type { RouterState } from './router-state.js';

export const SAVED_VERSION = 1;
const MILLISECOND = 1_000_000n;

const decimal = z.string().regex(/^(0|[1-9]\d{0,19})$/);
const binding = z
  .strictObject({
    bid: z.int().min(0).max(0xffff),
    careOf: z.string(),
    priority: z.int().min(0).max(127),
    /** Seconds. */
    lifetime: z.int().min(4).max(262_140).multipleOf(4),
    /** Of it, when the record was made; milliseconds. */
    left: z.number().min(0),
    /** Of a binding at home. */
    linkAddress: z.string().optional(),
  })
  .refine(({ lifetime, left }) => left <= lifetime * 1000, 'more is left than was granted');
const record = z
  .strictObject({
    homeAddress: z.string(),
    /** When it was made, nanoseconds since 1970. */
    at: decimal,
    sequence: z.int().min(0).max(0xffff).optional(),
    /** NTP, all 64 bits. */
    timestamp: decimal.optional(),
    mobileRouter: z.boolean(),
    prefixes: z.array(z.string()).max(128),
    implicit: z.boolean(),
    bindings: z.array(binding).max(64),
    /** Each a mobility header with its Flow Identification option, in hex digits. */
    flows: z.array(z.string().regex(/^([\da-f]{16}){1,40}$/)).max(100),
  })
  .refine(({ bindings }) => areDistinct(bindings.map(({ bid }) => bid)), 'a BID is there twice')
  .refine(
    ({ bindings }) => bindings.length < 2 || bindings.every(({ bid }) => bid !== 0),
    'a binding without BID is not alone',
  )
  .refine(
    ({ bindings, sequence }) => bindings.length === 0 || sequence !== undefined,
    'bindings have no sequence number',
  );
const saved = z.strictObject({ version: z.literal(SAVED_VERSION), routers: z.array(z.unknown()) });

/** JSON of one router: no key and no secret is in it. */
export type RouterRecord = z.infer<typeof record>;

/** JSON of all; of several records of a home address the last one holds, so that a journal can be appended. */
export interface SavedState {
  readonly version: typeof SAVED_VERSION;
  readonly routers: readonly RouterRecord[];
}

/** What a record says, its times made those of this run. */
export interface RestoredRouter {
  readonly homeAddress: Address;
  readonly sequence: number | undefined;
  readonly timestamp: bigint | undefined;
  readonly registration: Registration;
}

export function savedState(routers: readonly RouterRecord[]): SavedState {
  return { version: SAVED_VERSION, routers };
}

export function recordOf(homeAddress: Address, state: RouterState | undefined, now: Instant): RouterRecord {
  const { bindings, mobileRouter, implicit, prefixes, flows } = state?.registration ?? NOTHING;
  return {
    homeAddress: homeAddress.toString(),
    at: now.real.toString(),
    ...(state?.sequence === undefined ? {} : { sequence: state.sequence }),
    ...(state?.timestamp === undefined ? {} : { timestamp: state.timestamp.toString() }),
    mobileRouter,
    // All that it is authorised for is not written down: that may change.
    prefixes: implicit ? [] : prefixes.map(String),
    implicit,
    bindings: bindings.map(({ bid, careOf, priority, lifetime, end, linkAddress }) => {
      const left = Math.min(lifetime * 1000, Math.max(0, end - now.monotonic));
      const saved = { bid, careOf: careOf.toString(), priority, lifetime, left };
      return linkAddress === undefined ? saved : { ...saved, linkAddress: linkAddress.toString() };
    }),
    flows: flows.map(flowText),
  };
}

/** @throws RegistrationError REGISTRATION_STATE_INVALID */
export function restore(state: unknown, now: Instant): RestoredRouter[] {
  const { routers } = parse(saved, state, 'the state');
  return routers.map((one, at) => {
    const where = `record ${at + 1}`;
    return restoreRouter(parse(record, one, where), where, now);
  });
}

/**
 * What routers have registered by what was saved, by the `key` of their home addresses, without what has ended.
 * @throws RegistrationError REGISTRATION_STATE_INVALID
 */
export function savedRegistrations(state: unknown, now: Instant): ReadonlyMap<string, Registration> {
  return new Map(restore(state, now).map(({ homeAddress, registration }) => [homeAddress.key, registration]));
}

function restoreRouter(from: RouterRecord, where: string, now: Instant): RestoredRouter {
  try {
    const elapsed = elapsedSince(BigInt(from.at), now.real);
    const bindings = from.bindings
      .filter(({ left }) => left > elapsed)
      .map(({ bid, careOf, priority, lifetime, left, linkAddress }): Binding => {
        const end = now.monotonic + left - elapsed;
        const binding = { bid, careOf: ipv6(careOf), priority, lifetime, end };
        return linkAddress === undefined
          ? binding
          : { ...binding, linkAddress: MacAddress.parse(linkAddress) };
      })
      .sort((a, b) => a.bid - b.bid);
    const prefixes = from.prefixes.map(Prefix.parse);
    const flows = from.flows.map(flowOf);
    if (!areDistinct(flows.map(({ fid }) => fid)) || !areDistinct(flows.map(({ priority }) => priority))) {
      throw new Error('a FID or FID-PRI is there twice');
    }
    const { mobileRouter, implicit, sequence, timestamp } = from;
    return {
      homeAddress: ipv6(from.homeAddress),
      sequence,
      timestamp: timestamp === undefined ? undefined : BigInt.asUintN(64, BigInt(timestamp)),
      registration: bindings.length === 0 ? NOTHING : { bindings, mobileRouter, prefixes, implicit, flows },
    };
  } catch (error) {
    throw stateInvalid(where, error instanceof Error ? error.message : String(error));
  }
}

/**
 * Milliseconds that have gone by. A clock that jumped back says nothing of them: then the time goes on from where it was,
 * so that no binding has more left than when it was saved.
 */
function elapsedSince(at: bigint, real: bigint): number {
  return real > at ? Number((real - at) / MILLISECOND) : 0;
}

/** As the codec writes it, so that it is also the codec that checks what is read. */
function flowText({ fid, priority, bids, selector }: FlowBinding): string {
  const option = {
    type: 'flow-identification',
    fid,
    priority,
    status: 0,
    bids,
    selector,
    others: [],
  } as const;
  return Buffer.from(encodeMobilityHeader({ type: 'binding-refresh-request', options: [option] })).toString(
    'hex',
  );
}

function flowOf(text: string): FlowBinding {
  const message = decodeMobilityHeader(Buffer.from(text, 'hex'));
  const options = message.type === 'binding-refresh-request' ? message.options : [];
  const flow = options.find((option): option is FlowIdentificationOption => {
    return option.type === 'flow-identification';
  });
  if (flow?.bids === undefined || flow.selector === undefined) throw new Error('a flow is not complete');
  const { fid, priority, bids, selector } = flow;
  return { fid, priority, bids, selector };
}

function ipv6(text: string): Address {
  const address = Address.parse(text);
  if (address.family !== 6) throw new Error(`${text} is not an IPv6 address`);
  return address;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw stateInvalid(where, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`);
}

function stateInvalid(where: string, what: string): RegistrationError {
  return new RegistrationError(
    'REGISTRATION_STATE_INVALID',
    `${where} of the saved binding cache cannot be used: ${what}`,
  );
}

function areDistinct(numbers: readonly number[]): boolean {
  return new Set(numbers).size === numbers.length;
}

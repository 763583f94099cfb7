/** Mobility messages for tests: any there may be, and words of them that can be compared. */
import fc from 'fast-check';
import { plain } from '../../src/cli/plain.js';
import {
  ACKNOWLEDGEMENT_FLAGS,
  Address,
  type AddressRange,
  type BindingUpdate,
  MacAddress,
  type MobilityMessage,
  type MobilityOption,
  Prefix,
  type Range,
  type TrafficSelector,
  UPDATE_FLAGS,
} from '../../src/mobility/index.js';

/** What deepEqual can compare: addresses keep their bytes in private fields, which it does not see. */
export function comparable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(plain(value)));
}

export function hexBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const identifier = fc.integer({ min: 1, max: 0xffff });
const bytes = (max: number) => fc.uint8Array({ maxLength: max });
const ofBytes = (length: 4 | 16) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Address.fromBytes(one));
const ipv4 = ofBytes(4);
export const ipv6 = ofBytes(16);
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

function range(max: number): fc.Arbitrary<Range> {
  return fc
    .tuple(fc.integer({ min: 0, max }), fc.integer({ min: 0, max }), fc.boolean())
    .map(([a, b, single]) => (single ? { low: a, high: a } : { low: Math.min(a, b), high: Math.max(a, b) }));
}

function addressRange(address: fc.Arbitrary<Address>): fc.Arbitrary<AddressRange> {
  return fc.tuple(address, address, fc.boolean()).map(([a, b, single]) => {
    if (single) return { low: a, high: a };
    return a.compare(b) <= 0 ? { low: a, high: b } : { low: b, high: a };
  });
}

const common = {
  spi: maybe(range(0xffff_ffff)),
  sourcePort: maybe(range(0xffff)),
  destinationPort: maybe(range(0xffff)),
  dscp: maybe(range(63)),
  protocol: maybe(range(255)),
};

const selector: fc.Arbitrary<TrafficSelector> = fc.oneof(
  fc.record({
    type: fc.constant('ipv4' as const),
    source: maybe(addressRange(ipv4)),
    destination: maybe(addressRange(ipv4)),
    ...common,
  }),
  fc.record({
    type: fc.constant('ipv6' as const),
    source: maybe(addressRange(ipv6)),
    destination: maybe(addressRange(ipv6)),
    ...common,
    flowLabel: maybe(range(0xf_ffff)),
  }),
  fc.record({
    type: fc.constant('other' as const),
    format: u8.filter((format) => format !== 1 && format !== 2),
    data: bytes(20),
  }),
);

const known = [0, 1, 3, 4, 6, 7, 9, 10, 35, 44, 45];

/** Every option that may stand anywhere; the care-of address of a Binding Identifier is for a Binding Update only. */
function options(update: boolean): Record<string, fc.Arbitrary<MobilityOption>> {
  const careOf = update ? maybe(fc.oneof(ipv4, ipv6)) : fc.constant(undefined);
  return {
    'binding-identifier': fc.record({
      type: fc.constant('binding-identifier' as const),
      bid: identifier,
      status: u8,
      home: fc.boolean(),
      priority: fc.integer({ min: 0, max: 127 }),
      careOf,
    }),
    'mobile-network-prefix': fc.record({
      type: fc.constant('mobile-network-prefix' as const),
      prefix: fc
        .tuple(ipv6, fc.integer({ min: 0, max: 128 }))
        .map(([address, length]) => Prefix.covering(address, length)),
    }),
    'alternate-care-of': fc.record({ type: fc.constant('alternate-care-of' as const), address: ipv6 }),
    'link-layer-address': fc.record({
      type: fc.constant('link-layer-address' as const),
      code: u8,
      mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((six) => MacAddress.fromBytes(six)),
    }),
    'nonce-indices': fc.record({ type: fc.constant('nonce-indices' as const), home: u16, careOf: u16 }),
    'flow-summary': fc.record({
      type: fc.constant('flow-summary' as const),
      fids: fc.array(identifier, { minLength: 1, maxLength: 127 }),
    }),
    'flow-identification': fc.record({
      type: fc.constant('flow-identification' as const),
      fid: identifier,
      priority: u16,
      status: u8,
      bids: maybe(fc.array(identifier, { minLength: 1, maxLength: 12 })),
      selector: maybe(selector),
      others: fc.array(fc.record({ number: fc.integer({ min: 4, max: 255 }), data: bytes(20) }), {
        maxLength: 2,
      }),
    }),
    'replay-protection': fc.record({
      type: fc.constant('replay-protection' as const),
      timestamp: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    }),
    other: fc.record({
      type: fc.constant('other' as const),
      number: u8.filter((number) => !known.includes(number)),
      data: bytes(255),
    }),
  };
}

const authentication: fc.Arbitrary<MobilityOption> = fc.record({
  type: fc.constant('authentication' as const),
  subtype: u8,
  spi: fc.integer({ min: 256, max: 0xffff_ffff }),
  data: bytes(40),
});

function optionList(update: boolean): fc.Arbitrary<MobilityOption[]> {
  return fc
    .tuple(
      fc.array(fc.oneof(...Object.values(options(update))), { maxLength: 5 }),
      fc.array(authentication, { maxLength: 2 }),
    )
    .map(([some, last]) => [...some, ...last]);
}

const lifetime = u16.map((units) => units * 4);

const update: fc.Arbitrary<BindingUpdate> = fc
  .record({
    type: fc.constant('binding-update' as const),
    sequence: u16,
    flags: fc.subarray(Object.keys(UPDATE_FLAGS) as (keyof typeof UPDATE_FLAGS)[]),
    lifetime,
    options: optionList(true),
  })
  .map((message) => {
    const may =
      !message.flags.includes('proxy') && message.options.some(({ type }) => type === 'binding-identifier');
    return may ? message : { ...message, flags: message.flags.filter((flag) => flag !== 'overwrite') };
  });

/** Any message, by its type. */
export const MESSAGES: Readonly<Record<MobilityMessage['type'], fc.Arbitrary<MobilityMessage>>> = {
  'binding-update': update,
  'binding-acknowledgement': fc.record({
    type: fc.constant('binding-acknowledgement' as const),
    status: u8,
    flags: fc.subarray(Object.keys(ACKNOWLEDGEMENT_FLAGS) as (keyof typeof ACKNOWLEDGEMENT_FLAGS)[]),
    sequence: u16,
    lifetime,
    options: optionList(false),
  }),
  'binding-refresh-request': fc.record({
    type: fc.constant('binding-refresh-request' as const),
    options: optionList(false),
  }),
  'binding-error': fc.record({
    type: fc.constant('binding-error' as const),
    status: u8,
    homeAddress: ipv6,
    options: optionList(false),
  }),
  other: fc.record({
    type: fc.constant('other' as const),
    number: u8.filter((number) => ![0, 5, 6, 7].includes(number)),
    data: fc
      .integer({ min: 0, max: 4 })
      .chain((units) => fc.uint8Array({ minLength: 2 + units * 8, maxLength: 2 + units * 8 })),
  }),
};

export const anyMessage: fc.Arbitrary<MobilityMessage> = fc.oneof(...Object.values(MESSAGES));

/** Every option with one of its kind in a Binding Update. */
export const OPTIONS: Readonly<Record<string, fc.Arbitrary<MobilityOption>>> = {
  ...options(true),
  authentication,
};

/** A seed for one run; it is printed, and `SEED=` has the run again. */
export function seedOf(log: (text: string) => void): number {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  log(`SEED=${seed}`);
  return seed;
}

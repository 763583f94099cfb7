import test from 'ava';
import fc from 'fast-check';
import {
  type BindingUpdate,
  decodeMobilityHeader,
  encodeMobilityHeader,
  type MobilityOption,
} from '../../../src/mobility/index.js';
import { rawOptionsOf } from '../../support/mobility-bytes.js';
import { comparable, hexText, MESSAGES, OPTIONS, seedOf } from '../../support/mobility-messages.js';

const RUNS = 400;

for (const [type, message] of Object.entries(MESSAGES)) {
  test(`${type}: what was encoded is decoded, and encoded again it has the same bytes`, (t) => {
    const seed = seedOf((text) => t.log(text));
    fc.assert(
      fc.property(message, (one) => {
        const bytes = encodeMobilityHeader(one);
        const back = decodeMobilityHeader(bytes);
        t.deepEqual(comparable(back), comparable(one));
        t.is(hexText(encodeMobilityHeader(back)), hexText(bytes));
        t.is(bytes.length % 8, 0);
        t.is(bytes.length, ((bytes[1] ?? 0) + 1) * 8);
      }),
      { seed, numRuns: RUNS },
    );
  });
}

/** RFC 6275 section 6.2, RFC 3963 4.3, RFC 4285 5 and 6, RFC 5648 4.3, RFC 6089 4.2 and 4.3: xn+y. */
const ALIGNMENTS: Readonly<Record<string, (option: MobilityOption) => [number, number]>> = {
  'binding-identifier': (option) =>
    option.type === 'binding-identifier' && option.careOf !== undefined ? [8, 2] : [2, 0],
  'mobile-network-prefix': () => [8, 4],
  'alternate-care-of': () => [8, 6],
  'link-layer-address': () => [1, 0],
  'nonce-indices': () => [2, 0],
  'flow-summary': () => [2, 0],
  'flow-identification': () => [2, 0],
  authentication: () => [4, 1],
  'replay-protection': () => [8, 2],
  other: () => [1, 0],
};

const UPDATE: BindingUpdate = { type: 'binding-update', sequence: 1, flags: [], lifetime: 4, options: [] };

for (const [type, option] of Object.entries(OPTIONS)) {
  test(`${type}: round trip behind any other option, at its alignment`, (t) => {
    const seed = seedOf((text) => t.log(text));
    // Wherever the first one ends, the second one must be moved to where it may start.
    const filler = fc.uint8Array({ maxLength: 9 });
    fc.assert(
      fc.property(option, filler, (one, data) => {
        const options: MobilityOption[] = [{ type: 'other', number: 200, data }, one];
        const bytes = encodeMobilityHeader({ ...UPDATE, options });
        const back = decodeMobilityHeader(bytes);
        t.deepEqual(comparable(back), comparable({ ...UPDATE, options }));
        const [, second] = rawOptionsOf(bytes, 12);
        const [multiple, plus] = ALIGNMENTS[type]?.(one) ?? [0, 0];
        t.is((second?.offset ?? 0) % multiple, plus, hexText(bytes));
      }),
      { seed, numRuns: RUNS },
    );
  });
}

test('every option and every message has a round trip', (t) => {
  t.deepEqual(Object.keys(ALIGNMENTS).sort(), Object.keys(OPTIONS).sort());
  t.is(Object.keys(MESSAGES).length, 5);
});

/** RFC 6088 section 3: the widest field decides. */
const SELECTORS = [
  { type: 'ipv6', field: 'source', multiple: 8 },
  { type: 'ipv6', field: 'flowLabel', multiple: 4 },
  { type: 'ipv6', field: 'sourcePort', multiple: 2 },
  { type: 'ipv4', field: 'destination', multiple: 4 },
  { type: 'ipv4', field: 'spi', multiple: 4 },
  { type: 'ipv4', field: 'destinationPort', multiple: 2 },
] as const;

for (const { type, field, multiple } of SELECTORS) {
  test(`a traffic selector of ${type} with ${field} starts at a multiple of ${multiple}`, (t) => {
    const seed = seedOf((text) => t.log(text));
    const flow = OPTIONS['flow-identification'] as fc.Arbitrary<MobilityOption>;
    const fitting = flow.filter((option) => {
      if (option.type !== 'flow-identification' || option.selector?.type !== type) return false;
      const present = new Map<string, unknown>(Object.entries(option.selector));
      const widest = SELECTORS.find((one) => {
        return one.type === type && present.get(one.field) !== undefined;
      });
      return widest?.field === field;
    });
    let seen = 0;
    for (const option of fc.sample(fitting, { seed, numRuns: 50 })) {
      const filler = { type: 'other', number: 200, data: new Uint8Array(seen % 8) } as const;
      const bytes = encodeMobilityHeader({ ...UPDATE, options: [filler, option] });
      const [, raw] = rawOptionsOf(bytes, 12);
      const start = (raw?.offset ?? 0) + 8;
      const end = (raw?.offset ?? 0) + 2 + (raw?.length ?? 0);
      const sub = rawOptionsOf(bytes, start, end).find(({ number }) => number === 3);
      t.is((sub?.offset ?? 1) % multiple, 0, hexText(bytes));
      seen += 1;
    }
    t.is(seen, 50);
  });
}

/** Bytes that nobody meant: a message, a MobilityError, and nothing else, in time. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Random } from '../../../lab/random.js';
import {
  Address,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeMobilityHeader,
  encodeMobilityPacket,
  MobilityError,
  type MobilityMessage,
  verifyAuthentication,
} from '../../../src/mobility/index.js';
import { anyMessage, comparable, hexText, seedOf } from '../../support/mobility-messages.js';

const ROUNDS = 10_000;
const PARTIES = { careOf: Address.parse('2001:db8:a::2'), homeAddress: Address.parse('2001:db8:77::1') };
const KEY = new Uint8Array(16);

interface Tally {
  decoded: number;
  refused: number;
  /** Decoded, but only a bad sender could send it: encoding refuses it. */
  unwritable: number;
}

/** Decodes and encodes again until nothing changes. */
function tryHeader(t: ExecutionContext, bytes: Uint8Array, tally: Tally): void {
  let message: MobilityMessage;
  try {
    decodeMobilityHeader(bytes, { tolerant: true });
    verifyAuthentication(bytes, PARTIES, () => KEY);
    message = decodeMobilityHeader(bytes);
  } catch (error) {
    refuse(t, error, bytes, tally);
    return;
  }
  tally.decoded += 1;
  let canonical: Uint8Array;
  try {
    canonical = encodeMobilityHeader(message);
  } catch (error) {
    if (!(error instanceof MobilityError)) throw error;
    tally.unwritable += 1;
    return;
  }
  const back = decodeMobilityHeader(canonical);
  if (JSON.stringify(comparable(back)) !== JSON.stringify(comparable(message))) {
    t.deepEqual(comparable(back), comparable(message), hexText(bytes));
  }
  if (hexText(encodeMobilityHeader(back)) !== hexText(canonical)) t.fail(hexText(bytes));
}

function refuse(t: ExecutionContext, error: unknown, bytes: Uint8Array, tally: Tally): void {
  if (!(error instanceof MobilityError)) {
    t.log(hexText(bytes));
    throw error;
  }
  if (error.offset < 0 || error.offset > bytes.length || error.rule === '') t.fail(hexText(bytes));
  tally.refused += 1;
}

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most + 1) }, () => random.below(256)));
}

/** Changed bytes, cut ends, a byte more or less; lengths are hit more often than chance would. */
function mutated(random: Random, original: Uint8Array): Buffer {
  let bytes = Buffer.from(original);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(bytes.length);
    switch (random.below(5)) {
      case 0:
        if (bytes.length > 0) bytes.writeUInt8(random.below(256), at);
        break;
      case 1:
        if (bytes.length > 0) bytes.writeUInt8(random.of([0, 1, 2, 4, 8, 20, 127, 128, 254, 255]), at);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(random.below(256)), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    }
  }
  return bytes;
}

test('random bytes', (t) => {
  const random = new Random(seedOf((text) => t.log(text)));
  const tally: Tally = { decoded: 0, refused: 0, unwritable: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = randomBytes(random, 80);
    // Every second one gets past the fixed fields.
    if (round % 2 === 1 && bytes.length >= 8) {
      bytes.set([59, Math.floor(bytes.length / 8) - 1, random.of([0, 1, 5, 6, 7])]);
    }
    tryHeader(t, bytes, tally);
  }
  t.log(tally);
  t.is(tally.decoded + tally.refused, ROUNDS);
  t.true(tally.decoded > 100 && tally.refused > 1000);
});

test('messages that were damaged', (t) => {
  const seed = seedOf((text) => t.log(text));
  const random = new Random(seed);
  const tally: Tally = { decoded: 0, refused: 0, unwritable: 0 };
  const messages = fc.sample(anyMessage, { seed, numRuns: 500 });
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(random, encodeMobilityHeader(random.of(messages)));
    // With its length right the damage reaches the options.
    if (round % 2 === 1 && bytes.length >= 8) bytes.writeUInt8(Math.floor(bytes.length / 8) - 1, 1);
    tryHeader(t, bytes, tally);
  }
  t.log(tally);
  t.is(tally.decoded + tally.refused, ROUNDS);
  t.true(tally.decoded > 1000 && tally.refused > 1000);
});

test('a message with every byte set to the ends of its range, and cut at every byte', (t) => {
  const seed = seedOf((text) => t.log(text));
  const tally: Tally = { decoded: 0, refused: 0, unwritable: 0 };
  let tried = 0;
  for (const message of fc.sample(anyMessage, { seed, numRuns: 20 })) {
    const bytes = encodeMobilityHeader(message);
    for (let at = 0; at < Math.min(bytes.length, 200); at++) {
      for (const value of [0, 1, 127, 128, 255]) {
        tryHeader(t, Buffer.from(bytes).fill(value, at, at + 1), tally);
        tried += 1;
      }
      tryHeader(t, bytes.subarray(0, at), tally);
      tried += 1;
    }
  }
  t.is(tally.decoded + tally.refused, tried);
  t.true(tried > 1000, `${tried}`);
});

test('packets that were damaged', (t) => {
  const seed = seedOf((text) => t.log(text));
  const random = new Random(seed);
  const messages = fc.sample(anyMessage, { seed, numRuns: 200 });
  const counts = { found: 0, none: 0, refused: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const packet = encodeMobilityPacket(
      {
        source: Address.parse('2001:db8:a::2'),
        destination: Address.parse('2001:db8:ffff::1'),
        homeAddress: round % 2 === 0 ? PARTIES.homeAddress : undefined,
        routedTo: round % 3 === 0 ? PARTIES.homeAddress : undefined,
      },
      random.of(messages),
    );
    // The headers in front are hit most.
    const head = mutated(random, packet.subarray(0, 96));
    const bytes = Buffer.concat([head, packet.subarray(96)]);
    try {
      const found = decodeMobilityPacket(bytes);
      if (found === undefined) counts.none += 1;
      else counts.found += 1;
    } catch (error) {
      refuse(t, error, bytes, { decoded: 0, refused: 0, unwritable: 0 });
      counts.refused += 1;
    }
  }
  t.log(counts);
  t.is(counts.found + counts.none + counts.refused, ROUNDS);
  t.true(counts.found > 100 && counts.none > 100 && counts.refused > 100);
});

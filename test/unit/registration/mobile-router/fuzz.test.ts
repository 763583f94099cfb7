/** Packets that nobody meant: `receive` never throws, and what is sent afterwards can be decoded. */
import test from 'ava';
import fc from 'fast-check';
import { Random } from '../../../../lab/random.js';
import {
  decodeMobilityPacket,
  encodeMobilityPacket,
  MobilityError,
  type MobilityMessage,
} from '../../../../src/mobility/index.js';
import {
  IGNORED_TEXTS,
  type IgnoredReason,
  OUTCOME_TEXTS,
  type Outcome,
} from '../../../../src/registration/mobile-router/index.js';
import { MESSAGES, seedOf } from '../../../support/mobility-messages.js';
import { AGENT, careOf, Desk, flow, HOME, KEY, wanted } from '../../../support/registration-desk.js';

for (const key of [undefined, KEY]) {
  test(`damaged answers and messages of all kinds, ${key ? 'with' : 'without'} a key`, (t) => {
    const seed = seedOf((text) => t.log(text));
    const random = new Random(seed);
    const messages = [
      ...fc.sample(fc.oneof(...Object.values(MESSAGES)), { seed, numRuns: 200 }),
      ...fc.sample(MESSAGES['binding-acknowledgement'], { seed, numRuns: 300 }),
    ];
    const outcomes = new Map<Outcome | IgnoredReason, number>();
    for (let round = 0; round < 40; round++) {
      const desk = new Desk(t, { bulk: round % 2 === 0, ...(key ? { key } : {}) });
      desk.want(wanted(1), wanted(2));
      desk.registrar.setFlows([flow(1, [1]), flow(2, [2])], desk.now);
      for (let step = 0; step < 50; step++) {
        const sent = desk.poll();
        if (sent === undefined) desk.time += random.below(2000);
        const last = sent ?? desk.sent.at(-1);
        const bytes =
          last && random.chance(0.5) ? desk.answerTo(last, answerSpec(random)) : message(random, messages);
        const damaged = Buffer.from(bytes);
        if (random.chance(0.5)) damaged.writeUInt8(random.below(256), random.below(damaged.length));
        try {
          const packet = decodeMobilityPacket(damaged);
          if (packet === undefined) continue;
          // Past the checksum every second time.
          const seen = random.chance(0.5) ? packet : ({ ...packet, checksum: 'right' } as const);
          const { outcome, text } = desk.registrar.receive(seen, desk.now);
          t.true(text !== '' && (outcome in IGNORED_TEXTS || outcome in OUTCOME_TEXTS));
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        } catch (error) {
          if (!(error instanceof MobilityError) || error.stack?.includes('registrar')) throw error;
        }
      }
    }
    t.log(Object.fromEntries(outcomes));
    t.true(outcomes.size >= 8, [...outcomes.keys()].join());
  });
}

function answerSpec(random: Random): Parameters<Desk['answerTo']>[1] {
  const status = random.of([0, 1, 4, 5, 128, 133, 135, 144, 146, 164, 165, 166, 167, 168, 169, 250]);
  return {
    status,
    statuses: { [1 + random.below(2)]: random.of([0, 1, 130, 167, 169, null]) },
    ...(status === 135 ? { sequence: random.below(0x10000) } : {}),
    lifetime: 4 * random.below(300),
    flags: random.chance(0.9) ? ['mobile-router'] : [],
    identifiers: random.chance(0.9),
    flows: random.of([{}, { 1: 132 }, { 2: 131 }, 'none'] as const),
  };
}

function message(random: Random, messages: readonly MobilityMessage[]): Uint8Array {
  const envelope = { source: AGENT, destination: careOf(random.of(['a', 'b'])), routedTo: HOME };
  return encodeMobilityPacket(envelope, random.of(messages));
}

import test from 'ava';
import fc from 'fast-check';
import { type Numbered, numberFlows } from '../../../../src/registration/flows/flow-numbers.js';
import { seedOf } from '../../../support/mobility-messages.js';

const RUNS = 300;

function numbered(highest: number, maxLength: number): fc.Arbitrary<Numbered[]> {
  const number = fc.oneof(fc.integer({ min: 1, max: highest }), fc.integer({ min: 1, max: 30 }));
  const one = fc.record({ fid: number, priority: number, count: fc.integer({ min: 1, max: 16 }) });
  return fc.uniqueArray(one, { maxLength, selector: ({ fid }) => fid }).map((list) => {
    const priorities = new Set<number>();
    return list.filter(({ priority }) => !priorities.has(priority) && priorities.add(priority));
  });
}

const fidsOf = (list: readonly { readonly fid: number }[]) => new Set(list.map(({ fid }) => fid));

test('FIDs and FID-PRIs are 1..65535 and there once (RFC 6089 section 4.2), in the order of the policies', (t) => {
  const seed = seedOf((text) => t.log(text));
  const near = fc.constantFrom(65_535, 65_534, 65_533, 32_768, 32_784, 2048, 2047, 4096);
  const edges = fc.uniqueArray(near, { maxLength: 8 });
  fc.assert(
    fc.property(numbered(0xffff, 60), edges, (some, high) => {
      const list = [
        ...some,
        ...high
          .filter((value) => !some.some(({ fid, priority }) => fid === value || priority === value))
          .map((value) => ({ fid: value, priority: value, count: 16 })),
      ];
      const numbers = numberFlows(list, fidsOf(list));
      const inOrder = [...list].sort((a, b) => a.priority - b.priority);
      const fids = inOrder.flatMap(({ fid }) => numbers.get(fid)?.fids ?? []);
      const priorities = inOrder.flatMap(({ fid }) => numbers.get(fid)?.priorities ?? []);
      const total = list.reduce((sum, { count }) => sum + count, 0);
      for (const all of [fids, priorities]) {
        t.is(new Set(all).size, total);
        t.true(all.every((value) => Number.isInteger(value) && value >= 1 && value <= 0xffff));
      }
      t.deepEqual(
        priorities,
        [...priorities].sort((a, b) => a - b),
      );
      for (const { fid, count } of list) {
        t.is(numbers.get(fid)?.fids[0], fid);
        t.is(numbers.get(fid)?.fids.length, count);
      }
      t.deepEqual(numberFlows([...list].reverse(), fidsOf(list)), numbers);
    }),
    { seed, numRuns: RUNS },
  );
});

test('a policy keeps its numbers whatever others there are, while FIDs and priorities are below 2048', (t) => {
  const seed = seedOf((text) => t.log(text));
  fc.assert(
    fc.property(numbered(2047, 80), fc.infiniteStream(fc.integer({ min: 0, max: 16 })), (list, edit) => {
      // 0: it is gone; another number: it has that many flows now.
      const edited = list.flatMap((one) => {
        const count = edit.next().value ?? 0;
        return count === 0 ? [] : [{ ...one, count }];
      });
      const before = numberFlows(list, fidsOf(list));
      const after = numberFlows(edited, fidsOf(edited));
      for (const { fid } of edited) {
        const [was, is] = [before.get(fid), after.get(fid)];
        const shorter = Math.min(was?.fids.length ?? 0, is?.fids.length ?? 0);
        t.true(shorter > 0);
        t.deepEqual(is?.fids.slice(0, shorter), was?.fids.slice(0, shorter));
        t.deepEqual(is?.priorities.slice(0, shorter), was?.priorities.slice(0, shorter));
      }
    }),
    { seed, numRuns: RUNS },
  );
});

test('a FID that a policy has is not given to another, and what is behind 65535 begins at 1', (t) => {
  const last = { fid: 2047, priority: 1, count: 16 };
  t.deepEqual(
    numberFlows([last], new Set([1, 2, 2047, 65_534, 65_535]))
      .get(2047)
      ?.fids.slice(12),
    [65_532, 65_533, 3, 4],
  );
  const rest = { fid: 65_535, priority: 65_535, count: 2 };
  t.deepEqual(numberFlows([rest], new Set([65_535])).get(65_535), {
    fids: [65_535, 0x8000 + 16 * 2047 + 1],
    priorities: [64_511, 64_512],
  });
});

test('of two policies with the same block the one of lower FID has it', (t) => {
  const low = { fid: 5, priority: 9, count: 3 };
  const high = { fid: 5 + 2048, priority: 1, count: 3 };
  const numbers = numberFlows([high, low], fidsOf([high, low]));
  t.deepEqual(numbers.get(5)?.fids, [5, 32_849, 32_850]);
  t.deepEqual(numbers.get(2053)?.fids, [2053, 32_851, 32_852]);
});

test('priorities of 2048 and more make room for those before them', (t) => {
  const list = [2048, 2049, 2050].map((priority) => ({ fid: priority - 2047, priority, count: 3 }));
  const numbers = numberFlows(list, fidsOf(list));
  t.deepEqual(numbers.get(1)?.priorities, [32_768, 32_769, 32_770]);
  t.deepEqual(numbers.get(2)?.priorities, [32_771, 32_772, 32_773]);
  t.deepEqual(numbers.get(3)?.priorities, [32_774, 32_775, 32_776]);
});

test('without a free FID it says so', (t) => {
  const all = new Set(Array.from({ length: 0xffff }, (_, at) => at + 1));
  t.throws(() => numberFlows([{ fid: 1, priority: 1, count: 2 }], all), {
    instanceOf: RangeError,
    message: 'All 65535 FIDs are taken',
  });
});

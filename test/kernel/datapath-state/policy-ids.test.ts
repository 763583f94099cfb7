// Policy ids over changes of large sets: who stays keeps its id, and nothing holds up the process for long.
import test from 'ava';
import { FreeNumbers } from '../../../src/datapath/free-numbers.js';
import { CxPolicyKeySize, CxPolicyStatsSize } from '../../../src/datapath/generated.js';
import { PolicyIds } from '../../../src/datapath/policy-ids.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';

const POLICIES = 100_000;
const MOST_WRITTEN = 512;

class Fixture implements Disposable {
  readonly keys: BpfMap;
  readonly counters: BpfMap;
  /** Rows of each batch that was written. */
  readonly batches: number[] = [];

  constructor(ids: number) {
    this.keys = BpfMap.create({ type: 'array', keySize: 4, valueSize: CxPolicyKeySize, maxEntries: ids });
    this.counters = BpfMap.create({
      type: 'percpu_array',
      keySize: 4,
      valueSize: CxPolicyStatsSize,
      maxEntries: ids,
    });
    for (const map of [this.keys, this.counters]) {
      const write = map.setBatch.bind(map);
      map.setBatch = (entries, flags) => {
        const rows = [...entries];
        this.batches.push(rows.length);
        return write(rows, flags);
      };
    }
  }

  open(): PolicyIds {
    return new PolicyIds(this.keys, this.counters);
  }

  [Symbol.dispose](): void {
    this.keys.close();
    this.counters.close();
  }
}

const fids = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

test.serial(
  '100,000 policies keep their ids over reloads and restarts, and are written in pieces',
  async (t) => {
    using fixture = new Fixture(2 * POLICIES + 1);
    const ids = fixture.open();
    const first = fids(1, POLICIES).map((fid) => ids.id(1, fid));
    await ids.save();
    t.deepEqual(first, fids(1, POLICIES), 'the lowest that is free');

    // Every tenth goes, as many others come.
    const stay = fids(1, POLICIES).filter((fid) => fid % 10 !== 0);
    const fresh = fids(POLICIES + 1, POLICIES / 10);
    const now = [...stay, ...fresh].map((fid) => ids.id(1, fid));
    await ids.save();
    await ids.keepOnly(new Set(now));
    t.deepEqual(
      stay.map((fid) => ids.find(1, fid)),
      stay,
    );
    t.is(ids.find(1, 10), undefined);
    t.true(Math.max(...fixture.batches) <= MOST_WRITTEN);
    t.is(ids.id(2, 1), 10, 'what was given back is used again');

    const again = fixture.open();
    t.deepEqual(
      [...stay, ...fresh].map((fid) => again.id(1, fid)),
      now,
    );
    t.is(again.find(2, 1), undefined, 'an id that was not saved is nobody’s');
  },
);

test.serial('an id is saved with its counters at zero, those of others stay', async (t) => {
  using fixture = new Fixture(4);
  const { counters } = fixture;
  const ids = fixture.open();
  const some = new Uint8Array(counters.valueBytes).fill(7);
  for (const id of [1, 2]) counters.set(encodeWord(id), some);
  ids.id(1, 5);
  t.deepEqual(counters.get(encodeWord(1)), some, 'nothing is written before it is saved');
  await ids.save();
  t.deepEqual(counters.get(encodeWord(1)), new Uint8Array(counters.valueBytes));
  t.deepEqual(counters.get(encodeWord(2)), some);
  counters.set(encodeWord(1), some);
  ids.id(1, 5);
  await ids.save();
  t.deepEqual(counters.get(encodeWord(1)), some);
});

test.serial('numbers are taken from the lowest, and there is an end', (t) => {
  const numbers = new FreeNumbers(5, [2]);
  t.deepEqual([numbers.take(), numbers.take(), numbers.take(), numbers.take()], [1, 3, 4, undefined]);
  numbers.free(3);
  numbers.free(2);
  t.deepEqual([numbers.take(), numbers.take(), numbers.take()], [2, 3, undefined]);
});

/** One minute of everything at once: `make soak` in short. */
import test from 'ava';
import { describeEvents, describeSoak } from '../../../lab/soak/result.js';
import { soak } from '../../../lab/soak/run.js';

test.serial(
  'a minute of kills, address changes, cut links, reloads and shortages costs no packet',
  async (t) => {
    t.timeout(300_000);
    const result = await soak(1);
    for (const line of [...describeEvents(result), describeSoak(result)]) t.log(line);
    t.is(result.lost, 0, `seed ${result.seed}`);
    t.is(result.torn, 0, `seed ${result.seed}`);
    t.deepEqual(result.leaks, [], `seed ${result.seed}`);
    t.true(result.tally.kills + result.tally.flaps + result.tally.upgrades > 5);
  },
);

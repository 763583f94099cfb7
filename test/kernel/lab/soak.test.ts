/** One minute of everything at once: `make soak` in short. */
import test from 'ava';
import { describeSoak, soak } from '../../../lab/soak.js';

test.serial('a minute of kills, address changes, reloads and lost messages costs no packet', async (t) => {
  t.timeout(300_000);
  const result = await soak(1);
  t.log(`seed ${result.seed}: ${describeSoak(result)}`);
  t.is(result.lost, 0, `seed ${result.seed}`);
  t.is(result.torn, 0, `seed ${result.seed}`);
  t.deepEqual(result.leaks, [], `seed ${result.seed}`);
  t.true(result.kills + result.flaps + result.upgrades > 5);
});

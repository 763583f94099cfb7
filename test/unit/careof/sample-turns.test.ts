import test from 'ava';
import type { Plan, RouterPlan } from '../../../src/careof/plan.js';
import { SampleTurns } from '../../../src/careof/sample.js';

/** As many routers, each with three bindings. */
function planOf(count: number): Plan {
  const routers = Array.from(
    { length: count },
    (_, id) => ({ id, bindings: [1, 2, 3] }) as unknown as RouterPlan,
  );
  return { routers } as unknown as Plan;
}

test('a few bindings are looked at every time', (t) => {
  const turns = new SampleTurns();
  const plan = planOf(10);
  t.deepEqual(turns.take(plan), { routers: plan.routers });
  t.deepEqual(turns.take(plan), { routers: plan.routers });
  t.deepEqual(turns.take(planOf(0)), { routers: [] });
});

test('of many each router has its turn once in a round', (t) => {
  const turns = new SampleTurns();
  const plan = planOf(2000);
  for (const round of [1, 2]) {
    const seen: number[] = [];
    let part: string | undefined = 'some';
    for (let turn = 0; part === 'some' && turn < 10; turn++) {
      const taken = turns.take(plan);
      seen.push(...taken.routers.map(({ id }) => id));
      part = taken.part;
    }
    t.is(part, 'last');
    t.deepEqual(
      seen,
      plan.routers.map(({ id }) => id),
      `round ${round}`,
    );
  }
});

test('where routers have gone meanwhile, the round begins anew', (t) => {
  const turns = new SampleTurns();
  t.is(turns.take(planOf(2000)).part, 'some');
  const few = planOf(5);
  t.deepEqual(turns.take(few), { routers: few.routers });
});

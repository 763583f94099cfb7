import test from 'ava';
import { Random } from '../../../../lab/random.js';
import { Deadlines } from '../../../../src/registration/home-agent/deadlines.js';
import { RouterState } from '../../../../src/registration/home-agent/router-state.js';
import { ROUTER } from '../../../support/home-registration.js';
import { seedOf } from '../../../support/mobility-messages.js';

test('the first is always the one that is due first, however times are set, moved and taken away', (t) => {
  const random = new Random(seedOf((text) => t.log(text)));
  const deadlines = new Deadlines();
  const states = Array.from({ length: 40 }, () => new RouterState(ROUTER, 0));
  for (let round = 0; round < 6000; round++) {
    const state = random.of(states);
    if (random.chance(0.3)) deadlines.set(state, Number.POSITIVE_INFINITY);
    else deadlines.set(state, random.below(1000));
    const earliest = Math.min(...states.map(({ wake }) => wake));
    t.is(deadlines.first?.wake ?? Number.POSITIVE_INFINITY, earliest);
    if (round % 60 !== 59) continue;
    // All that are there come in order.
    const all = states.map(({ wake }) => wake).filter(Number.isFinite);
    const order: number[] = [];
    for (let first = deadlines.first; first !== undefined; first = deadlines.first) {
      order.push(first.wake);
      deadlines.set(first, Number.POSITIVE_INFINITY);
    }
    t.deepEqual(
      order,
      all.sort((a, b) => a - b),
    );
  }
  t.is(deadlines.first, undefined);
});

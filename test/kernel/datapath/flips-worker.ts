/** Flips between the two policy tables of a pair as fast as it goes; a message with a number is the next pair. */
import { readFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { deserialize } from 'node:v8';
import { type Generation, GenerationTable } from '../../../src/datapath/generation-table.js';
import { Settings } from '../../../src/datapath/settings.js';
import type { FlipsOrder, FlipsReport } from './flips.js';
import { sharedMap } from './updater.js';

const [folder = '', file = ''] = process.argv.slice(2);
const pairs = deserialize(readFileSync(file)) as (readonly [Generation, Generation])[];
const table = new GenerationTable(
  {
    blocks: sharedMap(folder, 'cx_blocks'),
    policies: sharedMap(folder, 'cx_policies'),
    policySets: sharedMap(folder, 'cx_policy_sets'),
    routers: sharedMap(folder, 'cx_routers'),
    cgroups: sharedMap(folder, 'cx_cgroups'),
  },
  new Settings(sharedMap(folder, 'cx_settings')),
);

let order: FlipsOrder = 'pause';
const ordered = (): FlipsOrder => order;
process.on('message', (message) => {
  order = message as FlipsOrder;
});
const say = (report: FlipsReport): void => {
  process.send?.(report);
};

/** Flips until another order comes. */
async function flip(number: number): Promise<void> {
  const [old, next] = pairs[number] ?? [];
  if (old === undefined || next === undefined) throw new RangeError(`there is no pair ${number}`);
  // From here on packets follow one of the two.
  await table.activate(old);
  say({ flips: 0 });
  let flips = 0;
  while (ordered() === number) {
    await table.activate(flips % 2 === 0 ? next : old);
    flips += 1;
    await turn();
  }
  say({ flips });
}

say({ flips: 0 });
for (;;) {
  const next = ordered();
  if (next === 'stop') break;
  if (next === 'pause') await wait(1);
  else await flip(next);
}
process.disconnect();

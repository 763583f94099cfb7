/** Makes compiled policy tables active one after the other; it begins with the second one. */
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { type Generation, GenerationTable } from '../../../src/datapath/generation-table.js';
import { Settings } from '../../../src/datapath/settings.js';
import { sharedMap, stepUntilStopped } from './updater.js';

const [folder = '', file = ''] = process.argv.slice(2);
const generations = deserialize(readFileSync(file)) as Generation[];
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

await stepUntilStopped(async (number) => {
  await table.activate(generations[(number + 1) % generations.length] as Generation);
});

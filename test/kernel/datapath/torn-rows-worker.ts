/** Switches two bindings in turn between two rows each, with the project's own writer. */
import { BindingTable } from '../../../src/datapath/binding-table.js';
import { ROWS } from './torn-rows-world.js';
import { sharedMap, stepUntilStopped } from './updater.js';
import { BID } from './worlds.js';

const [folder = ''] = process.argv.slice(2);
const table = new BindingTable({
  slots: sharedMap(folder, 'cx_binding_slot'),
  rows: sharedMap(folder, 'cx_binding_rows'),
  keys: sharedMap(folder, 'cx_binding_keys'),
  counters: sharedMap(folder, 'cx_binding_count'),
});

await stepUntilStopped(async (number) => {
  const uplink = number % 2 === 0 ? 'A' : 'B';
  const next = ROWS[uplink][(number >> 1) % 2 === 0 ? 1 : 0];
  await table.set(table.index({ router: 1, bid: BID[uplink] }), next);
});

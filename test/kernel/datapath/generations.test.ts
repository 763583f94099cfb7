/** New policy tables under traffic: packets follow the active one, and counts go on from table to table. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import test from 'ava';
import { CxSetting } from '../../../src/datapath/index.js';
import { Address } from '../../../src/net/index.js';
import { withBpffs } from '../libbpf-ts/support.js';
import { CARRIERS, PORTS, STEADY_FID, STEADY_PORT, TABLES, world } from './generations-world.js';
import { TestDatapath } from './test-datapath.js';
import { shareMaps, Updater } from './updater.js';
import { CARE_OF, type Uplink, up } from './worlds.js';

const ROUNDS = 40_000;
const LEAST_ACTIVATIONS = 50;

const UPLINKS = new Map(
  Object.entries(CARE_OF).map(([uplink, address]) => [
    Buffer.from(Address.parse(address).toBytes()).toString('latin1'),
    uplink as Uplink,
  ]),
);

function uplinkOf(data: Uint8Array): Uplink | 'none' {
  return UPLINKS.get(Buffer.from(data).toString('latin1', 22, 38)) ?? 'none';
}

test.serial('every packet follows the old policy table or the new one, whole', async (t) => {
  using datapath = await TestDatapath.load('MOBILE_ROUTER');
  await datapath.become(world);
  const first = datapath.generations.activeId;
  const generations = TABLES.map((table) => datapath.compile([table]));
  const packet = (port: number): Uint8Array =>
    up().udp({ destinationPort: port }).payload(32).onEthernet().bytes();
  const flows = PORTS.map(packet);
  const steady = packet(STEADY_PORT);
  // The number on both sides of the slot: two tables later the same slot is active again.
  const state = (): string => {
    const id = datapath.settings.get(CxSetting.GENERATION_ID);
    const slot = datapath.settings.get(CxSetting.GENERATION);
    return datapath.settings.get(CxSetting.GENERATION_ID) === id ? `${id}/${slot}` : 'changing';
  };
  const slotOfFirst = datapath.settings.get(CxSetting.GENERATION);
  const expectedState = (id: number): string => `${id}/${(slotOfFirst + id - first) % 2}`;

  const scratch = mkdtempSync(join(tmpdir(), 'coaxial-generations-'));
  t.teardown(() => rmSync(scratch, { recursive: true }));
  const file = join(scratch, 'generations.bin');
  writeFileSync(file, serialize(generations));
  await withBpffs(async (folder) => {
    shareMaps(datapath, folder, [
      'cx_blocks',
      'cx_policies',
      'cx_policy_sets',
      'cx_routers',
      'cx_cgroups',
      'cx_settings',
    ]);
    await using updater = await Updater.start('./generations-worker.js', [folder, file]);
    const seen = new Map<string, number>();
    const wrong: string[] = [];
    let certain = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = state();
      const carriers = flows.map((flow) => uplinkOf(datapath.send('coax_ingress', flow).data));
      const kept = uplinkOf(datapath.send('coax_ingress', steady).data);
      const id = datapath.settings.get(CxSetting.GENERATION_ID);
      for (const carrier of carriers) {
        seen.set(carrier, (seen.get(carrier) ?? 0) + 1);
      }
      if (kept !== 'D') {
        wrong.push(`the policy that does not change: ${kept}`);
      }
      // When the table was the same before and after, it was the one that the packets had to follow.
      if (before === expectedState(id) && before === state()) {
        certain += 1;
        const carrier = CARRIERS[(id - first) % CARRIERS.length];
        if (carriers.some((each) => each !== carrier)) {
          wrong.push(`table ${id} sends by ${carrier}, packets left by ${carriers.join(', ')}`);
        }
      }
    }
    const activations = await updater.stop();
    t.log(`${ROUNDS * 4} packets, ${activations} activations, ${certain} of ${ROUNDS} rounds in one table`);
    t.true(activations > LEAST_ACTIVATIONS, `only ${activations} activations`);
    t.deepEqual(wrong.slice(0, 10), []);
    t.deepEqual(
      [...seen.keys()].sort(),
      [...CARRIERS],
      'no packet took the default, and every table was seen',
    );
    t.true(certain > ROUNDS / 2 && certain < ROUNDS, `${certain} rounds in one table`);
  });
  t.is(datapath.policyHits(1, STEADY_FID), ROUNDS, 'the count of a policy that does not change');
  PORTS.forEach((port, at) => {
    t.is(datapath.policyHits(1, at + 1), ROUNDS, `the count of the policy for port ${port}, in every table`);
  });
});

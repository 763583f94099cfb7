// The two slots of the policy table: what is active stays whole until the next one is, and when that fails.
import test from 'ava';
import { type Generation, GenerationTable } from '../../../src/datapath/generation-table.js';
import {
  type CxPolicy,
  type CxRouter,
  CxSetting,
  encodeCxPolicy,
  encodeCxRouter,
} from '../../../src/datapath/index.js';
import { Settings } from '../../../src/datapath/settings.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { anyPolicy } from '../../support/policies.js';

const POLICIES = 3;
const ROUTERS = 2;

const policy = (fid: number): CxPolicy => ({
  ...anyPolicy,
  fid,
  id: fid,
  bindings: new Array<number>(8).fill(0),
});
const router = (policyCount: number): CxRouter => ({
  firstPolicy: 0,
  policyCount,
  bindingCount: 1,
  bindings: [1, ...new Array<number>(15).fill(0)],
});
const nobody: CxRouter = {
  firstPolicy: 0,
  policyCount: 0,
  bindingCount: 0,
  bindings: new Array<number>(16).fill(0),
};

/** A generation of one router with policies of these FIDs. */
const generation = (...fids: number[]): Generation => ({
  policies: fids.map(policy),
  routers: [nobody, router(fids.length)],
});

/** A table over maps of its own. */
class Fixture implements Disposable {
  readonly policies = array(encodeCxPolicy(anyPolicy).length, 2 * POLICIES);
  readonly routers = array(encodeCxRouter(nobody).length, 2 * ROUTERS);
  readonly words = array(4, 8);
  readonly settings = new Settings(this.words);
  readonly table = new GenerationTable(this.policies, this.routers, this.settings);

  /** The FID in a row of cx_policies. */
  row(at: number): Uint8Array {
    return this.policies.get(encodeWord(at)) ?? new Uint8Array();
  }

  [Symbol.dispose](): void {
    for (const map of [this.policies, this.routers, this.words]) map.close();
  }
}

function array(valueSize: number, maxEntries: number): BpfMap {
  return BpfMap.create({ type: 'array', keySize: 4, valueSize, maxEntries });
}

test.serial('a generation is written beside the active one and made active by one word', async (t) => {
  using fixture = new Fixture();
  const { table, settings } = fixture;
  t.is(table.policyCapacity, POLICIES);
  t.is(table.routerCapacity, ROUTERS);
  t.is(table.activeId, 0);
  t.is(await table.activate(generation(1, 2, 3)), 1);
  t.is(settings.get(CxSetting.GENERATION), 1);
  t.deepEqual(table.active(), generation(1, 2, 3));
  t.true(table.isActive(generation(1, 2, 3)));

  t.is(await table.activate(generation(4)), 2);
  t.is(settings.get(CxSetting.GENERATION), 0);
  t.deepEqual(table.active(), generation(4), 'what is behind its end does not count');
  t.deepEqual(fixture.row(POLICIES), encodeCxPolicy(policy(1)), 'packets under way still have the old one');
  t.deepEqual(fixture.row(POLICIES + 2), encodeCxPolicy(policy(3)));

  t.is(await table.activate(generation(5, 6)), 3);
  t.deepEqual(table.active(), generation(5, 6));
});

test.serial('what differs in anything is not active', async (t) => {
  using fixture = new Fixture();
  const { table } = fixture;
  await table.activate(generation(1, 2));
  for (const other of [
    generation(2, 1),
    generation(1),
    generation(1, 2, 3),
    { ...generation(1, 2), routers: [nobody] },
    { ...generation(1, 2), policies: [policy(1), { ...policy(2), priority: 11 }] },
  ]) {
    t.false(table.isActive(other), JSON.stringify(other));
  }
  t.true(table.isActive(generation(1, 2)));
  // A table opened later sees the same, and knows where the next one goes.
  const again = new GenerationTable(fixture.policies, fixture.routers, new Settings(fixture.words));
  t.true(again.isActive(generation(1, 2)));
  t.is(await again.activate(generation(7)), 2);
  t.deepEqual(fixture.row(POLICIES), encodeCxPolicy(policy(1)));
});

test.serial('a router that is gone has no policies in the slot it once was in', async (t) => {
  using fixture = new Fixture();
  const { table } = fixture;
  await table.activate(generation(1, 2));
  await table.activate(generation(3));
  await table.activate({ policies: [], routers: [nobody] });
  t.deepEqual(table.active(), { policies: [], routers: [nobody, nobody] });
});

test.serial('what does not fit is refused before anything is written', async (t) => {
  using fixture = new Fixture();
  const { table, settings } = fixture;
  await table.activate(generation(1, 2));
  const spare = fixture.row(0);
  await t.throwsAsync(table.activate(generation(1, 2, 3, 4)), { code: 'MAP_FULL', message: /4 policies/ });
  await t.throwsAsync(table.activate({ policies: [], routers: [nobody, nobody, nobody] }), {
    code: 'MAP_FULL',
  });
  t.deepEqual(fixture.row(0), spare);
  t.is(table.activeId, 1);
  t.is(settings.get(CxSetting.GENERATION), 1);
  t.true(table.isActive(generation(1, 2)));
});

test.serial('a generation that reads back differently is not made active', async (t) => {
  using fixture = new Fixture();
  const { table, policies } = fixture;
  await table.activate(generation(1, 2));
  const { setBatch } = policies;
  policies.setBatch = () => 0;
  await t.throwsAsync(table.activate(generation(8, 9)), {
    code: 'GENERATION_NOT_WRITTEN',
    message: /at .*\[0\]$/,
  });
  t.is(table.activeId, 1);
  t.true(table.isActive(generation(1, 2)));
  policies.setBatch = setBatch;
  t.is(await table.activate(generation(8, 9)), 2, 'the next attempt is as good as the first');
  t.true(table.isActive(generation(8, 9)));
});

test.serial('a map that takes no writes leaves the old generation active', async (t) => {
  using fixture = new Fixture();
  const { table, routers } = fixture;
  await table.activate(generation(1, 2));
  routers.freeze();
  await t.throwsAsync(table.activate(generation(8)), { code: 'EPERM' });
  t.is(table.activeId, 1);
  t.true(table.isActive(generation(1, 2)));
});

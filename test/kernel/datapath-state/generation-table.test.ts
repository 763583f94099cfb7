// The two slots of the policy table: what is active stays whole until the next one is, and when that fails.
import test from 'ava';
import {
  CX_NODE_STEP_SHIFT,
  CxNodeKind,
  type CxPolicy,
  type CxPolicySet,
  type CxRouter,
  CxSetting,
  encodeCxPolicy,
} from '../../../src/datapath/index.js';
import { anyPolicy, emptySet, nobody, type Rows, rowsOf } from '../../support/policies.js';
import { GenerationMaps } from './generation-maps.js';

const POLICIES = 3;
const ROUTERS = 2;

const policy = (fid: number): CxPolicy => ({ ...anyPolicy, fid, id: fid });
const router: CxRouter = { policySet: 1, firstPolicyId: 0, firstBinding: 7 };
const set = (policyCount: number): CxPolicySet => ({ ...emptySet, policyCount, bindingCount: 1 });

/** A generation of one router with policies of these FIDs, and a node that says how many. */
const generation = (...fids: number[]): Rows =>
  rowsOf(
    fids.map(policy),
    [nobody, router],
    [emptySet, set(fids.length)],
    [CxNodeKind.END, 0, 0, fids.length],
  );

const fixtureOf = (): GenerationMaps =>
  new GenerationMaps({ blocks: 1, policies: POLICIES, routers: ROUTERS });

/** What `active` tells of a generation. */
const told = (...fids: number[]) => ({
  policies: fids.map(policy),
  policySets: [emptySet, set(fids.length)],
  routers: [nobody, router],
});

test.serial('a generation is written beside the active one and made active by one word', async (t) => {
  using fixture = fixtureOf();
  const { table, settings } = fixture;
  t.is(table.policyCapacity, POLICIES);
  t.is(table.routerCapacity, ROUTERS);
  t.is(table.activeId, 0);
  t.is(await table.activate(generation(1, 2, 3)), 1);
  t.is(settings.get(CxSetting.GENERATION), 1);
  t.deepEqual(table.active(), told(1, 2, 3));
  t.true(await table.isActive(generation(1, 2, 3)));

  t.is(await table.activate(generation(4)), 2);
  t.is(settings.get(CxSetting.GENERATION), 0);
  t.deepEqual(table.active(), told(4), 'what is behind its end does not count');
  t.deepEqual(
    fixture.policy(POLICIES),
    encodeCxPolicy(policy(1)),
    'packets under way still have the old one',
  );
  t.deepEqual(fixture.policy(POLICIES + 2), encodeCxPolicy(policy(3)));

  t.is(await table.activate(generation(5, 6)), 3);
  t.deepEqual(table.active(), told(5, 6));
});

test.serial('the policies of a router have the numbers that its packets know', async (t) => {
  using fixture = fixtureOf();
  const { table } = fixture;
  const bindings = new Array<number>(16).fill(0).with(0, 30).with(1, 0);
  const one: CxPolicySet = { ...emptySet, firstPolicy: 1, policyCount: 2, bindingCount: 2, bindings };
  const listed: CxPolicy = {
    ...policy(6),
    id: 4,
    bindingCount: 2,
    bindings: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
  };
  const alike: CxRouter = { policySet: 1, firstPolicyId: 100, firstBinding: 7 };
  await table.activate(rowsOf([policy(9), policy(5), listed], [nobody, alike], [emptySet, one]));
  const common = { priority: 10, action: listed.action, otherwise: listed.otherwise };
  t.deepEqual(table.policiesOf(1), [
    { ...common, id: 105, fid: 5, bindings: [] },
    { ...common, id: 104, fid: 6, bindings: [7, 37] },
  ]);
  t.deepEqual(table.policiesOf(0), []);
  t.deepEqual(table.policiesOf(ROUTERS), [], 'an id that there is no room for');
});

test.serial('what differs in anything is not active', async (t) => {
  using fixture = fixtureOf();
  const { table } = fixture;
  await table.activate(generation(1, 2));
  for (const other of [
    generation(2, 1),
    generation(1),
    generation(1, 2, 3),
    { ...generation(1, 2), routers: rowsOf([], [nobody]).routers },
    {
      ...generation(1, 2),
      policySets: rowsOf([], [], [emptySet, { ...set(2), bindingCount: 2 }]).policySets,
    },
    { ...generation(1, 2), policies: rowsOf([policy(1), { ...policy(2), priority: 11 }]).policies },
    { ...generation(1, 2), nodes: Uint32Array.of(CxNodeKind.END | (1 << CX_NODE_STEP_SHIFT), 0, 0, 2) },
    { ...generation(1, 2), cgroups: [{ id: 5n, number: 1 }] },
  ]) {
    t.false(await table.isActive(other), [...other.policies, ...other.nodes].join(' '));
  }
  t.true(await table.isActive(generation(1, 2)));
  // A table opened later sees the same, and knows where the next one goes.
  const again = fixture.open();
  t.true(await again.isActive(generation(1, 2)));
  t.is(await again.activate(generation(7)), 2);
  t.deepEqual(fixture.policy(POLICIES), encodeCxPolicy(policy(1)));
});

test.serial('a router that is gone has no policies in the slot it once was in', async (t) => {
  using fixture = fixtureOf();
  const { table } = fixture;
  await table.activate(generation(1, 2));
  await table.activate(generation(3));
  await table.activate(rowsOf([], [nobody]));
  t.deepEqual(table.active(), { policies: [], policySets: [emptySet], routers: [nobody, nobody] });
});

test.serial('what does not fit is refused before anything is written', async (t) => {
  using fixture = fixtureOf();
  const { table, settings } = fixture;
  await table.activate(generation(1, 2));
  const spare = fixture.policy(0);
  await t.throwsAsync(table.activate(generation(1, 2, 3, 4)), {
    code: 'MAP_FULL',
    message: /4 rows .* cx_policies/,
  });
  await t.throwsAsync(table.activate(rowsOf([], [nobody, nobody, nobody])), {
    code: 'MAP_FULL',
  });
  t.deepEqual(fixture.policy(0), spare);
  t.is(table.activeId, 1);
  t.is(settings.get(CxSetting.GENERATION), 1);
  t.true(await table.isActive(generation(1, 2)));
});

test.serial('a generation that reads back differently is not made active', async (t) => {
  using fixture = fixtureOf();
  const { table, policies } = fixture;
  await table.activate(generation(1, 2));
  const { setRange } = policies;
  policies.setRange = () => undefined;
  await t.throwsAsync(table.activate(generation(8, 9)), {
    code: 'GENERATION_NOT_WRITTEN',
    message: /at .*\[0\]$/,
  });
  t.is(table.activeId, 1);
  t.true(await table.isActive(generation(1, 2)));
  policies.setRange = setRange;
  t.is(await table.activate(generation(8, 9)), 2, 'the next attempt is as good as the first');
  t.true(await table.isActive(generation(8, 9)));
});

test.serial('a map that takes no writes leaves the old generation active', async (t) => {
  using fixture = fixtureOf();
  const { table, routers } = fixture;
  await table.activate(generation(1, 2));
  routers.freeze();
  await t.throwsAsync(table.activate(generation(8)), { code: 'EPERM' });
  t.is(table.activeId, 1);
  t.true(await table.isActive(generation(1, 2)));
});

test.serial('nodes and cgroups belong to their generation', async (t) => {
  using fixture = fixtureOf();
  const { table, cgroups } = fixture;
  const rows = (number: number) => ({
    ...generation(1),
    cgroups: [
      { id: 7n, number },
      { id: BigInt(10 + number), number: 9 },
    ],
  });
  await table.activate(rows(1));
  await table.activate(rows(2));
  t.true(await table.isActive(rows(2)));
  t.is(cgroups.readAll().length, 4, 'packets under way still have those of the old one');
  await table.activate(rows(3));
  t.true(await table.isActive(rows(3)));
  t.is(cgroups.readAll().length, 4);
  await t.throwsAsync(table.activate({ ...rows(4), nodes: new Uint32Array(4 * 257) }), { code: 'MAP_FULL' });
  t.true(await table.isActive(rows(3)));
});

test.serial(
  'only what a slot does not hold already is written, unless somebody else has written there',
  async (t) => {
    using fixture = new GenerationMaps({ blocks: 64, policies: POLICIES, routers: ROUTERS });
    const { table, blocks } = fixture;
    const rows: number[] = [];
    const write = blocks.setRange.bind(blocks);
    blocks.setRange = (first, values) => {
      rows.push(values.length / blocks.valueSize);
      write(first, values);
    };
    const take = (): number => rows.splice(0).reduce((sum, each) => sum + each, 0);
    const trees = (changed: number): Rows => {
      const nodes = new Uint32Array(64 * 1024).fill(7);
      nodes[40 * 1024] = changed;
      return { ...generation(1), nodes };
    };
    for (const first of [1, 2]) {
      await table.activate(trees(first));
      t.is(take(), 64, 'nobody knows what was there');
    }
    await table.activate(trees(3));
    t.is(take(), 1);
    t.true(await table.isActive(trees(3)));
    t.false(await table.isActive(trees(2)));

    // The spare slot is the one from 64 on or the one before it: both get a strange row.
    for (const at of [5, 64 + 5]) write(at, new Uint8Array(blocks.valueSize));
    t.false(await table.isActive(trees(3)), 'the active slot is read, not remembered');
    await table.activate(trees(4));
    t.is(take(), 1 + 64, 'it reads back differently, so that all is written');
    t.true(await table.isActive(trees(4)));
  },
);

// What is kept in our maps: indices that outlive a restart, full tables, pins that are missing.
import { mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../../lab/command.js';
import {
  type CxBinding,
  CxBindingKeyFlag,
  CxRole,
  CxTunnelKind,
  Datapath,
  Instance,
} from '../../../src/datapath/index.js';
import { LAYOUT_PIN } from '../../../src/datapath/layout.js';
import { type DatapathLimits, MAP_NAMES } from '../../../src/datapath/map-catalogue.js';
import { RowMap } from '../../../src/datapath/row-map.js';
import { RowPool } from '../../../src/datapath/row-pool.js';
import { decodeWord, encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { prefix } from '../../support/kernel-objects.js';
import { anyPolicy, rowsOf } from '../../support/policies.js';

const LIMITS: DatapathLimits = {
  bindings: 3,
  routers: 2,
  policies: 4,
  prefixes: 4,
  routes: 4,
  neighbours: 2,
};

/** Gives a test an instance in a BPF file system of its own. */
async function withInstance(t: ExecutionContext, body: (instance: Instance) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coaxial-state-'));
  await run('mount', ['-t', 'bpf', 'bpf', folder]);
  try {
    const instance = new Instance('state', folder);
    await body(instance);
    instance.remove();
    t.false(instance.exists, 'nothing is left');
  } finally {
    await run('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

const open = (instance: Instance, limits = LIMITS, role: CxRole = CxRole.MOBILE_ROUTER): Promise<Datapath> =>
  Datapath.open({ instance, role, limits });

const binding = (ifindex: number): CxBinding => ({
  outerSource: `2001:db8:a::${ifindex}`,
  outerDestination: '2001:db8:ffff::1',
  nextHop: 'fe80::1',
  ifindex,
  uplinkIfindex: ifindex,
  tunnelId: 0,
  router: 1,
  bid: ifindex,
  mtu: 1460,
  kind: CxTunnelKind.BPF,
  flags: 0,
  nextHopMac: '00:00:00:00:00:00',
  ownMac: '00:00:00:00:00:00',
});

test.serial('an instance that is opened again has the same numbers and rows', async (t) => {
  await withInstance(t, async (instance) => {
    let before: unknown;
    const state = (datapath: Datapath): unknown => ({
      routers: ['2001:db8::1', '2001:db8::2'].map((home) => datapath.routerIds.id(home)),
      bindings: [1, 2].map((bid) => datapath.bindings.index({ router: 1, bid })),
      rows: [1, 2].map((bid) => datapath.bindings.current(datapath.bindings.index({ router: 1, bid }))),
      identities: datapath.bindings.identities().sort((a, b) => a.index - b.index),
      policies: [7, 9].map((fid) => datapath.policyIds.id(1, fid)),
      prefixes: [...datapath.prefixes.read()],
      tunnelEnds: datapath.tunnelEnds.rows(),
      generation: datapath.generations.activeId,
    });
    {
      using datapath = await open(instance);
      t.false(datapath.adopted);
      datapath.routerIds.id('2001:db8::2');
      datapath.policyIds.id(1, 9);
      await datapath.policyIds.save();
      const index = datapath.bindings.index({ router: 1, bid: 2 });
      await datapath.bindings.set(index, binding(2));
      datapath.bindings.annotate(index, { careOf: '2001:db8:a::77', disabled: true });
      datapath.prefixes.sync([{ prefix: prefix('2001:db8:1::/64'), router: 1 }]);
      await datapath.generations.activate(rowsOf([]));
      before = state(datapath);
    }
    {
      using datapath = await open(instance);
      t.true(datapath.adopted);
      t.deepEqual(state(datapath), before);
      const index = datapath.bindings.index({ router: 1, bid: 2 });
      t.like(datapath.bindings.identity(index), {
        careOf: '2001:db8:a::77',
        flags: CxBindingKeyFlag.USED | CxBindingKeyFlag.DISABLED,
      });
      t.false(await datapath.bindings.set(index, binding(2)), 'what is so already is not written');
      t.true(await datapath.generations.isActive(rowsOf([])));
      // The row in use is not taken for a free one.
      const rows = new Set<number | undefined>();
      for (let round = 0; round < 20; round++) {
        await datapath.bindings.set(datapath.bindings.index({ router: 1, bid: 1 }), binding(100 + round));
        rows.add(datapath.bindings.current(index)?.ifindex);
      }
      t.deepEqual([...rows], [2]);
    }
  });
});

test.serial('full tables are named, nothing is changed, and what is given back is used again', async (t) => {
  await withInstance(t, async (instance) => {
    using datapath = await open(instance);
    const { bindings, routerIds, policyIds, prefixes, neighbours } = datapath;
    // Twice the limit: a reload may replace every binding.
    const indices = [1, 2, 3, 5, 6, 7].map((bid) => bindings.index({ router: 1, bid }));
    t.throws(() => bindings.index({ router: 1, bid: 4 }), { code: 'MAP_FULL', message: /all 6 binding/ });
    const [, middle = 0] = indices;
    await bindings.release(middle);
    t.is(bindings.index({ router: 2, bid: 4 }), middle);
    t.is(bindings.current(middle), undefined);

    const [, second] = [1, 2, 4, 5].map((n) => routerIds.id(`2001:db8::${n}`));
    t.throws(() => routerIds.id('2001:db8::3'), { code: 'MAP_FULL' });
    routerIds.keepOnly(new Set(['2001:db8::1']));
    t.is(routerIds.id('2001:db8::3'), second ?? 0);

    const ids = Array.from({ length: 8 }, (_, fid) => policyIds.id(1, fid + 1));
    t.is(new Set(ids).size, 8);
    t.throws(() => policyIds.id(1, 9), { code: 'MAP_FULL' });
    await policyIds.keepOnly(new Set(ids.slice(0, 7)));
    t.is(policyIds.id(1, 9), ids[7] ?? 0);
    t.is(policyIds.find(1, 8), undefined);

    const five = [1, 2, 3, 4, 5].map((n) => ({ prefix: prefix(`2001:db8:${n}::/64`), router: 1 }));
    t.is(prefixes.sync(five.slice(0, 4)), 4);
    t.throws(() => prefixes.sync(five), {
      code: 'MAP_FULL',
      message: /5 prefixes do not fit into cx_prefixes/,
    });
    t.deepEqual(
      [...prefixes.read().keys()].sort(),
      five.slice(0, 4).map(({ prefix: one }) => one.toString()),
    );
    t.is(prefixes.sync(five.slice(1)), 2, 'a full table changes nevertheless');
    t.is(prefixes.sync(five.slice(1)), 0);
    t.is(prefixes.sync([{ prefix: prefix('2001:db8:2::/64'), router: 2 }]), 4);

    const key = (n: number): Uint8Array => new Uint8Array(16).fill(n);
    const row = (n: number): Uint8Array => new Uint8Array(36).fill(n);
    await neighbours.sync([1, 2].map((n) => [key(n), row(n)]));
    await t.throwsAsync(neighbours.sync([1, 2, 3].map((n) => [key(n), row(n)])), { code: 'MAP_FULL' });
    t.deepEqual(await neighbours.sync([3, 4].map((n) => [key(n), row(n)])), {
      added: 2,
      changed: 0,
      removed: 2,
    });
    t.deepEqual(
      neighbours
        .rows()
        .map(([first]) => first)
        .sort(),
      [3, 4],
    );

    const tooMany = Array.from({ length: 5 }, () => anyPolicy);
    const active = datapath.generations.activeId;
    await t.throwsAsync(datapath.generations.activate(rowsOf(tooMany)), {
      code: 'MAP_FULL',
    });
    t.is(datapath.generations.activeId, active);
  });
});

test.serial('other limits, another role and another schema are refused, the state stays', async (t) => {
  await withInstance(t, async (instance) => {
    {
      using datapath = await open(instance);
      datapath.routerIds.id('2001:db8::2');
    }
    await t.throwsAsync(open(instance, { ...LIMITS, bindings: 4 }), {
      code: 'LIMITS_CHANGED',
      message: /7 rows.*9/,
    });
    await t.throwsAsync(open(instance, LIMITS, CxRole.HOME_AGENT), { code: 'ROLE_CHANGED' });
    mkdirSync(join(instance.root, '99'));
    await t.throwsAsync(open(instance), { code: 'PINNED_STATE_NEWER', message: /schema 99/ });
    rmSync(join(instance.root, '99'), { recursive: true });
    using datapath = await open(instance);
    t.true(datapath.adopted);
    t.is(datapath.routerIds.id('2001:db8::2'), 1);
  });
});

test.serial('a map of another layout under one of our names is refused', async (t) => {
  await withInstance(t, async (instance) => {
    (await open(instance)).close();
    unlinkSync(instance.mapPin('cx_settings'));
    {
      using other = BpfMap.create({ type: 'array', keySize: 4, valueSize: 64, maxEntries: 6 });
      other.pin(instance.mapPin('cx_settings'));
    }
    await t.throwsAsync(open(instance), { code: 'PINNED_STATE_UNREADABLE', message: /cx_settings.*layout/ });
  });
});

test.serial(
  'where pins of some maps are missing, all maps are made anew; a running one puts its pins back',
  async (t) => {
    await withInstance(t, async (instance) => {
      (await open(instance)).close();
      const id = (name: string): number => {
        using map = BpfMap.fromPin(instance.mapPin(name));
        return map.info.id;
      };
      const before = MAP_NAMES.map(id);
      unlinkSync(instance.mapPin('cx_binding_slot'));
      using datapath = await open(instance);
      t.false(datapath.adopted);
      const after = MAP_NAMES.map(id);
      t.deepEqual(
        after.filter((one) => before.includes(one)),
        [],
      );

      t.deepEqual(datapath.restorePins(), []);
      rmSync(instance.root, { recursive: true });
      t.deepEqual(datapath.restorePins(), [...MAP_NAMES, LAYOUT_PIN]);
      t.deepEqual(MAP_NAMES.map(id), after);
    });
  },
);

test.serial('a row is written again only when nobody can be reading it', async (t) => {
  using rows = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 4 });
  const pool = new RowPool(rows, [2]);
  const first = await pool.write(encodeWord(10));
  const second = await pool.write(encodeWord(11));
  t.deepEqual([first, second].sort(), [1, 3], 'row 0 and the one in use are never given out');
  await t.throwsAsync(pool.write(encodeWord(12)), { code: 'MAP_FULL' });
  pool.retire(0);
  await t.throwsAsync(pool.write(encodeWord(12)), { code: 'MAP_FULL' });
  pool.retire(first);
  t.is(
    decodeWord(rows.get(encodeWord(first)) ?? new Uint8Array(4)),
    10,
    'its readers still see what was there',
  );
  t.is(await pool.write(encodeWord(12)), first);
});

test.serial('a row map keeps what should stay, and lets the nearest to its end go first', async (t) => {
  using index = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 3 });
  using rows = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 16 });
  const map = new RowMap(index, rows);
  const entry = (n: number): [Uint8Array, Uint8Array] => [encodeWord(n), encodeWord(100 + n)];
  const content = (): number[] => map.rows().map(decodeWord).sort();
  await map.sync([1, 2, 3].map(entry));
  t.deepEqual(await map.sync([entry(1)], () => 5), { added: 0, changed: 0, removed: 0 });
  t.deepEqual(content(), [101, 102, 103]);
  const stay = (row: Uint8Array): number => (decodeWord(row) === 102 ? 1 : 9);
  t.deepEqual(await map.sync([1, 4].map(entry), stay), { added: 1, changed: 0, removed: 1 });
  t.deepEqual(content(), [101, 103, 104], '102 had the least time left');
  t.deepEqual(await map.sync([[encodeWord(1), encodeWord(7)]]), { added: 0, changed: 1, removed: 2 });
  t.deepEqual(content(), [7]);
  // Opened again it knows which rows are in use.
  const again = new RowMap(index, rows);
  for (let n = 10; n < 40; n++) await again.sync([[encodeWord(1), encodeWord(7)], entry(n)]);
  t.deepEqual(
    again
      .rows()
      .map(decodeWord)
      .sort((a, b) => a - b),
    [7, 139],
  );
});

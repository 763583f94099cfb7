import { join } from 'node:path';
import test from 'ava';
import {
  ArgumentError,
  BpfMap,
  BpfProgram,
  MapFlags,
  possibleCpus,
  UpdateFlags,
} from '../../../src/libbpf-ts/index.js';
import { fromU32, u32, u64, withBpffs, withSample } from './support.js';

interface SampleKey {
  prefixLength: number;
  address: string;
}

for (const type of ['hash', 'lru_hash'] as const) {
  test.serial(`${type}: set, get, delete`, (t) => {
    using map = BpfMap.create({ type, keySize: 4, valueSize: 8, maxEntries: 64, name: 'plain' });
    t.is(map.get(u32(1)), undefined);
    t.is(map.set(u32(1), u64(10n)), map);
    t.deepEqual(map.get(u32(1)), u64(10n));
    t.true(map.has(u32(1)));
    const into = new Uint8Array(8);
    t.true(map.getInto(u32(1), into));
    t.deepEqual(into, u64(10n));
    t.false(map.getInto(u32(2), into));
    t.throws(() => map.set(u32(1), u64(11n), UpdateFlags.NOEXIST), { code: 'EEXIST' });
    t.throws(() => map.set(u32(2), u64(11n), UpdateFlags.EXIST), { code: 'ENOENT' });
    t.true(map.delete(u32(1)));
    t.false(map.delete(u32(1)));
    map.set(u32(3), u64(30n));
    t.deepEqual(map.lookupAndDelete(u32(3)), u64(30n));
    t.is(map.lookupAndDelete(u32(3)), undefined);
    t.like(map.info, { type, name: 'plain', keySize: 4, valueSize: 8, maxEntries: 64 });
  });
}

test.serial('wrong sizes are refused with the right one', (t) => {
  using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1 });
  t.throws(() => map.get(new Uint8Array(3)), {
    instanceOf: ArgumentError,
    message: /4 bytes for key .* 3 bytes/,
  });
  t.throws(() => map.set(u32(1), u32(1)), { code: 'INVALID_ARGUMENT', message: /8 bytes for value/ });
  t.throws(() => map.delete('x' as never), { code: 'INVALID_ARGUMENT' });
  t.throws(() => map.setBatch([[u32(1), u32(1)]]), { code: 'INVALID_ARGUMENT' });
  t.throws(() => map.deleteBatch([u64(1n)]), { code: 'INVALID_ARGUMENT' });
});

test.serial('a full map says how much it holds', (t) => {
  using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 2 });
  map.set(u32(1), u32(1)).set(u32(2), u32(2));
  t.throws(() => map.set(u32(3), u32(3)), { code: 'E2BIG', message: /at most 2 entries/ });
});

test.serial('array: every index is there, none can go', (t) => {
  using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 3 });
  map.set(u32(2), u32(7));
  t.deepEqual(
    map.readAll().map(([key, value]) => [fromU32(key), fromU32(value)]),
    [
      [0, 0],
      [1, 0],
      [2, 7],
    ],
  );
  t.throws(() => map.delete(u32(0)), { code: 'EINVAL' });
  t.throws(() => map.set(u32(3), u32(1)), { code: 'E2BIG' });
  t.is(map.get(u32(3)), undefined);
});

for (const type of ['percpu_hash', 'percpu_array'] as const) {
  test.serial(`${type}: a value for each CPU`, (t) => {
    using map = BpfMap.create({ type, keySize: 4, valueSize: 4, maxEntries: 4 });
    t.is(map.valueBytes, 8 * possibleCpus());
    const values = new Uint8Array(map.valueBytes);
    for (let cpu = 0; cpu < possibleCpus(); cpu++) values.set(u32(cpu + 100), cpu * 8);
    map.set(u32(1), values);
    t.deepEqual(
      map.getPerCpu(u32(1))?.map((value) => fromU32(value)),
      Array.from({ length: possibleCpus() }, (_, cpu) => cpu + 100),
    );
    t.is(map.getPerCpu(u32(9)), undefined);
    const all = map.readAll().find(([key]) => fromU32(key) === 1);
    t.deepEqual(all?.[1], values);
  });
}

test.serial('lpm_trie: the longest prefix wins; everything is read at once', (t) => {
  using map = BpfMap.create({
    type: 'lpm_trie',
    keySize: 8,
    valueSize: 4,
    maxEntries: 600,
    flags: MapFlags.NO_PREALLOC,
  });
  const key = (length: number, address: number): Uint8Array => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, length, true);
    new DataView(bytes.buffer).setUint32(4, address, false);
    return bytes;
  };
  map.set(key(8, 0x0a000000), u32(8)).set(key(16, 0x0a010000), u32(16));
  t.is(fromU32(map.get(key(32, 0x0a010203))), 16);
  t.is(fromU32(map.get(key(32, 0x0a020304))), 8);
  t.is(map.get(key(32, 0x0b000000)), undefined);
  for (let i = 0; i < 500; i++) map.set(key(32, 0xc0000000 + i), u32(i));
  const all = map.readAll();
  t.is(all.length, 502);
  t.is(new Set(all.map(([each]) => Buffer.from(each).toString('hex'))).size, 502);
  t.is(map.clear(), 502);
  t.is([...map.keys()].length, 0);
});

test.serial('devmap holds interfaces', (t) => {
  using map = BpfMap.create({ type: 'devmap', keySize: 4, valueSize: 4, maxEntries: 4 });
  map.set(u32(0), u32(1)); // lo
  t.is(fromU32(map.get(u32(0))), 1);
  t.is(map.readAll().length, 1);
  t.is(map.setBatch([[u32(1), u32(1)]]), 1);
  t.is(map.deleteBatch([u32(0), u32(1)]), 2);
  t.is(map.readAll().length, 0);
});

test.serial('a queue gives back what was put in', (t) => {
  using queue = BpfMap.create({ type: 'queue', keySize: 0, valueSize: 4, maxEntries: 4 });
  const none = new Uint8Array(0);
  queue.set(none, u32(1)).set(none, u32(2));
  t.is(fromU32(queue.get(none)), 1);
  t.is(fromU32(queue.lookupAndDelete(none)), 1);
  t.is(fromU32(queue.lookupAndDelete(none)), 2);
  t.is(queue.lookupAndDelete(none), undefined);
});

test.serial('hash of maps holds maps', (t) => {
  using inner = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
  using outer = BpfMap.create({
    type: 'hash_of_maps',
    keySize: 4,
    valueSize: 4,
    maxEntries: 2,
    innerMap: inner,
  });
  outer.set(u32(5), u32(inner.fd));
  t.is(fromU32(outer.get(u32(5))), inner.info.id);
});

test.serial('batches of any length', (t) => {
  using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 20_000 });
  const entries = Array.from({ length: 10_000 }, (_, i) => [u32(i), u64(BigInt(i) * 3n)] as const);
  t.is(map.setBatch(entries), 10_000);
  const all = map.readAll();
  t.is(all.length, 10_000);
  t.true(
    all.every(
      ([key, value]) =>
        new DataView(value.slice().buffer).getBigUint64(0, true) === BigInt(fromU32(key) ?? -1) * 3n,
    ),
  );
  // Some of these are not there.
  t.is(map.deleteBatch(Array.from({ length: 9_000 }, (_, i) => u32(i * 2))), 5_000);
  t.is(map.readAll().length, 5_000);
  t.is(map.setBatch([]), 0);
  const error = t.throws(
    () =>
      map.setBatch(
        [
          [u32(90_000), u64(1n)],
          [u32(1), u64(1n)],
        ],
        UpdateFlags.NOEXIST,
      ),
    {
      code: 'EEXIST',
    },
  );
  t.regex(error.message, /element 1 /);
});

test.serial('deleting what an iteration has just given is safe', (t) => {
  for (const type of ['hash', 'lru_hash'] as const) {
    using map = BpfMap.create({ type, keySize: 4, valueSize: 4, maxEntries: 2000 });
    for (let i = 0; i < 1000; i++) map.set(u32(i), u32(i));
    const seen = new Set<number>();
    for (const [key, value] of map) {
      t.deepEqual(key, value);
      seen.add(fromU32(key) ?? -1);
      map.delete(key);
    }
    t.is(seen.size, 1000, type);
    t.deepEqual([...map.values()], []);
  }
});

test.serial('an iteration others keep restarting ends with an error', (t) => {
  using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 8 });
  for (let i = 0; i < 8; i++) map.set(u32(i), u32(i));
  t.throws(
    () => {
      let ahead: Uint8Array | undefined;
      for (const key of map.keys()) {
        // The key that was fetched ahead goes, so the walk starts again; then it comes back.
        if (ahead !== undefined) map.set(ahead, u32(0));
        const order = [...map.keys()];
        const at = order.findIndex((each) => Buffer.compare(each, key) === 0);
        ahead = order[(at + 1) % order.length];
        if (ahead !== undefined) map.delete(ahead);
      }
    },
    { code: 'ITERATION_ABORTED' },
  );
});

test.serial('a pinned map is the same map', async (t) => {
  await withBpffs((folder) => {
    using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 4 });
    const path = join(folder, 'rows');
    map.pin(path);
    map.set(u32(1), u32(5));
    using again = BpfMap.fromPin(path);
    t.is(again.info.id, map.info.id);
    t.is(fromU32(again.get(u32(1))), 5);
    using byId = BpfMap.fromId(map.info.id);
    using twin = map.dup();
    map.close();
    t.is(fromU32(byId.get(u32(1))), 5);
    t.is(fromU32(twin.get(u32(1))), 5);
    t.throws(() => again.pin(path), { code: 'EEXIST' });
    t.true(again.unpin(path));
    t.false(again.unpin(path));
    t.throws(() => BpfMap.fromPin(path), { code: 'ENOENT', message: /pinned at/ });
    t.throws(() => BpfProgram.fromPin(pinOf(again, join(folder, 'map'))), {
      code: 'EINVAL',
      message: /the pin is a map, not a program/,
    });
    t.throws(() => again.pin('/tmp/not-a-bpffs'), { message: /bpffs/ });
  });
});

test.serial('after close everything says so', (t) => {
  const map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 4 });
  t.false(map.closed);
  map.close();
  map.close();
  t.true(map.closed);
  for (const use of [
    () => map.get(u32(1)),
    () => map.info,
    () => map.fd,
    () => [...map.keys()],
    () => map.readAll(),
  ]) {
    t.throws(use, { code: 'CLOSED', message: /map is closed/ });
  }
});

test.serial('a frozen map takes no more writes', (t) => {
  using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
  map.freeze();
  t.throws(() => map.set(u32(0), u32(1)), { code: 'EPERM' });
});

test.serial('typed view by the BTF of the object and of the kernel', async (t) => {
  await withSample((live) => {
    const rows = live.maps.get('rows').typed<SampleKey, { bid: number; careOf: string }>();
    const key = { prefixLength: 128, address: '2001:db8::1' };
    rows.set(key, { bid: 3, careOf: '2001:db8:1::1' });
    t.like(rows.get(key), { bid: 3, careOf: '2001:db8:1::1' });
    t.is(rows.keyType, 'struct sample_key');
    // What another process finds has no object file beside it.
    using found = BpfMap.fromId(live.maps.get('rows').info.id);
    const typed = found.typed<SampleKey, { bid: number; home_agent?: string }>();
    t.like(typed.get(key), { bid: 3 });
    t.deepEqual([...typed.keys()], [key]);
    t.is(typed.readAll().length, 1);
    t.is(typed.setBatch([[{ prefixLength: 64, address: '::' }, { bid: 9 }]]), 1);
    t.is(typed.deleteBatch([key, key]), 1);
    t.is(typed.clear(), 1);
    using plain = BpfMap.create({ type: 'hash', keySize: 20, valueSize: 4, maxEntries: 1 });
    t.throws(() => plain.typed(), { code: 'INVALID_BTF', message: /no type information/ });
    if (live.btf === undefined) throw new Error('the sample has no BTF');
    const borrowed = plain.typed<SampleKey, number>({
      btf: live.btf,
      key: 'struct sample_key',
      value: '__u32',
    });
    t.is(borrowed.set(key, 5).get(key), 5);
    t.throws(() => plain.typed({ btf: live.btf as never, key: '__u32', value: '__u32' }), {
      message: /20 bytes/,
    });
  });
});

test.serial('typed per-CPU values', async (t) => {
  await withSample((live) => {
    const counters = live.maps.get('counters').typed<number, number>();
    t.deepEqual(counters.getPerCpu(0), Array(possibleCpus()).fill(0));
    t.throws(() => counters.get(0), { code: 'INVALID_STATE', message: /getPerCpu/ });
  });
});

function pinOf(map: BpfMap, path: string): string {
  map.pin(path);
  return path;
}

// Indices, slots and rows of bindings, on maps of their own.
import test from 'ava';
import { BindingTable } from '../../../src/datapath/binding-table.js';
import {
  type CxBinding,
  CxBindingKeyFlag,
  CxTunnelKind,
  decodeCxBinding,
  encodeCxBinding,
  encodeCxBindingKey,
  encodeCxBindingStats,
} from '../../../src/datapath/index.js';
import { decodeWord, encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';

const row = (n: number): CxBinding => ({
  outerSource: `2001:db8:a::${n}`,
  outerDestination: '2001:db8:ffff::1',
  nextHop: 'fe80::1',
  ifindex: n,
  uplinkIfindex: n,
  tunnelId: 0,
  router: 1,
  bid: n,
  mtu: 1460,
  kind: CxTunnelKind.BPF,
  flags: 0,
  nextHopMac: '00:00:00:00:00:00',
  ownMac: '00:00:00:00:00:00',
});
const stats = encodeCxBindingStats({
  sentPackets: 5n,
  sentBytes: 6n,
  receivedPackets: 7n,
  receivedBytes: 8n,
});
const key = { router: 1, bid: 1, careOf: '::', flags: 0 };

/** Maps for two bindings, and as many rows as a test says. */
class Fixture implements Disposable {
  readonly maps;

  constructor(rows: number) {
    this.maps = {
      slots: array('array', 4, 3),
      rows: array('array', encodeCxBinding(row(1)).length, rows + 1),
      keys: array('array', encodeCxBindingKey(key).length, 3),
      counters: array('percpu_array', stats.length, 3),
    };
  }

  open(): BindingTable {
    return new BindingTable(this.maps);
  }

  /** Number of the row that packets use. */
  slot(index: number): number {
    return decodeWord(this.maps.slots.get(encodeWord(index)) ?? encodeWord(0));
  }

  outerSource(at: number): string {
    const bytes = this.maps.rows.get(encodeWord(at));
    return bytes ? decodeCxBinding(bytes).outerSource : 'nothing';
  }

  /** The counters of an index on all CPUs. */
  counters(index: number): Uint8Array[] {
    return this.maps.counters.getPerCpu(encodeWord(index)) ?? [];
  }

  count(index: number): void {
    const { counters } = this.maps;
    const all = new Uint8Array(counters.valueBytes);
    for (let at = 0; at < all.length; at += stats.length) all.set(stats, at);
    counters.set(encodeWord(index), all);
  }

  [Symbol.dispose](): void {
    for (const map of Object.values(this.maps)) map.close();
  }
}

function array(type: 'array' | 'percpu_array', valueSize: number, maxEntries: number): BpfMap {
  return BpfMap.create({ type, keySize: 4, valueSize, maxEntries });
}

test.serial('a change is a new row and one word, the row before it is not touched', async (t) => {
  using fixture = new Fixture(8);
  const table = fixture.open();
  const index = table.index({ router: 1, bid: 1 });
  t.is(table.current(index), undefined);
  t.false(await table.set(index, undefined), 'none is what it had');
  t.true(await table.set(index, row(1)));
  t.like(table.current(index), { outerSource: '2001:db8:a::1', ifindex: 1 });
  const first = fixture.slot(index);
  t.not(first, 0);
  t.false(await table.set(index, row(1)));
  t.is(fixture.slot(index), first);

  t.true(await table.set(index, row(2)));
  t.not(fixture.slot(index), first);
  t.is(fixture.outerSource(first), '2001:db8:a::1', 'packets under way read it to the end');
  t.true(await table.set(index, undefined));
  t.is(fixture.slot(index), 0);
  t.is(table.current(index), undefined);
});

test.serial('where no row is free, the binding keeps what it has', async (t) => {
  using fixture = new Fixture(1);
  const table = fixture.open();
  const [a, b] = [table.index({ router: 1, bid: 1 }), table.index({ router: 1, bid: 2 })];
  await table.set(a, row(1));
  await t.throwsAsync(table.set(b, row(2)), { code: 'MAP_FULL' });
  await t.throwsAsync(table.set(a, row(3)), { code: 'MAP_FULL' });
  t.like(table.current(a), { outerSource: '2001:db8:a::1' });
  t.is(table.current(b), undefined);
  await table.set(a, undefined);
  t.true(await table.set(b, row(2)), 'a row that was given back is waited for');
  t.like(table.current(b), { outerSource: '2001:db8:a::2' });
  t.is(table.current(a), undefined);
});

test.serial('as many changes as one likes get by with few rows, and no two bindings share one', async (t) => {
  using fixture = new Fixture(3);
  const table = fixture.open();
  const [a, b] = [table.index({ router: 1, bid: 1 }), table.index({ router: 1, bid: 2 })];
  for (let n = 1; n <= 10; n++) {
    await table.set(a, row(n));
    await table.set(b, row(100 + n));
    t.not(fixture.slot(a), fixture.slot(b));
    t.deepEqual([table.current(a)?.ifindex, table.current(b)?.ifindex], [n, 100 + n]);
  }
});

test.serial(
  'counters live as long as the binding: over a restart, but not with the next owner',
  async (t) => {
    using fixture = new Fixture(4);
    const table = fixture.open();
    const index = table.index({ router: 1, bid: 1 });
    await table.set(index, row(1));
    fixture.count(index);
    const before = fixture.counters(index);
    t.true(before.some((part) => part.some((byte) => byte !== 0)));

    const again = fixture.open();
    t.is(again.index({ router: 1, bid: 1 }), index);
    t.deepEqual(fixture.counters(index), before);
    again.annotate(index, { careOf: '2001:db8:a::7', disabled: true });
    t.deepEqual(fixture.counters(index), before);

    await again.release(index);
    t.is(fixture.slot(index), 0);
    t.deepEqual(fixture.open().identities(), [], 'nor does a restarted one know it');
    t.is(again.index({ router: 2, bid: 9 }), index);
    t.true(fixture.counters(index).every((part) => part.every((byte) => byte === 0)));
    t.deepEqual(again.identity(index), { careOf: '::', router: 2, bid: 9, flags: CxBindingKeyFlag.USED });
  },
);

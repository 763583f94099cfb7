import test from 'ava';
import fc from 'fast-check';
import { ObjectTable } from '../../../src/netlink/object-table.js';

interface Row {
  id: number;
  value: number;
}

const rows = fc.uniqueArray(fc.record({ id: fc.nat(9), value: fc.nat(2) }), { selector: (row) => row.id });
const table = () => new ObjectTable<Row>((row) => String(row.id));
const sorted = (list: readonly Row[]) => JSON.stringify([...list].sort((a, b) => a.id - b.id));

test('a reconciliation ends with the wanted rows and tells exactly the difference', (t) => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const known = table();
      known.reconcile(before);
      const changes = known.reconcile(after);
      // Someone who applies the changes to the old rows gets the new ones.
      const follower = new Map(before.map((row) => [row.id, row]));
      for (const { change, value } of changes) {
        if (change === 'removed') follower.delete(value.id);
        else if (follower.has(value.id) === (change === 'changed')) follower.set(value.id, value);
      }
      return (
        sorted(known.values()) === sorted(after) &&
        sorted([...follower.values()]) === sorted(after) &&
        known.reconcile(after).length === 0
      );
    }),
  );
  t.deepEqual(table().reconcile([{ id: 1, value: 0 }]), [
    { change: 'added', value: { id: 1, value: 0 }, previous: undefined },
  ]);
});

test('a value with the same fingerprint is stored but is no change', (t) => {
  const known = new ObjectTable<Row>(
    (row) => String(row.id),
    () => '',
  );
  known.set({ id: 1, value: 1 });
  t.is(known.set({ id: 1, value: 2 }), undefined);
  t.deepEqual(known.values(), [{ id: 1, value: 2 }]);
});

test('a removal tells the last known value', (t) => {
  const known = table();
  known.set({ id: 1, value: 1 });
  t.deepEqual(known.delete({ id: 1, value: 0 })?.value, { id: 1, value: 1 });
  t.is(known.delete({ id: 1, value: 0 }), undefined);
});

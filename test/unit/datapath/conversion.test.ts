// A value of an older layout in the newer one.
import test from 'ava';
import { convert } from '../../../src/datapath/conversion.js';
import { BtfError } from '../../../src/libbpf-ts/index.js';

test('members are found by name: new ones are empty, old ones that went are left out', (t) => {
  const empty = { kept: 0, fresh: 7, inner: { address: '::', count: 0n } };
  const old = { gone: 5, kept: 3, inner: { count: 9n, address: '2001:db8::1', other: 1 } };
  t.deepEqual(convert(old, empty, 'row'), {
    kept: 3,
    fresh: 7,
    inner: { address: '2001:db8::1', count: 9n },
  });
});

test('an integer may become wider or narrower; whether it fits is for the encoder to say', (t) => {
  t.is(convert(5, 0n, 'row'), 5n);
  t.is(convert(5n, 0, 'row'), 5);
});

test('an array keeps what fits, its new elements are empty', (t) => {
  t.deepEqual(convert([1, 2, 3], [0, 0], 'row'), [1, 2]);
  t.deepEqual(convert([1], [0, 0], 'row'), [1, 0]);
  t.deepEqual(convert([{ a: 1 }], [{ a: 0, b: 2 }], 'row'), [{ a: 1, b: 2 }]);
  t.deepEqual(convert(Uint8Array.of(1, 2, 3), new Uint8Array(2), 'row'), Uint8Array.of(1, 2));
  t.deepEqual(convert(Uint8Array.of(1), new Uint8Array(2), 'row'), Uint8Array.of(1, 0));
});

test('a member of another kind is refused, and named', (t) => {
  for (const [old, empty] of [
    [{ m: 1 }, { m: '::' }],
    [{ m: 'x' }, { m: 0 }],
    [{ m: [1] }, { m: 1 }],
    [{ m: 1 }, { m: { n: 1 } }],
    [{ m: { n: 1 } }, { m: 1 }],
  ]) {
    t.throws(() => convert(old, empty, 'row'), {
      instanceOf: BtfError,
      message: /row\.m is of another kind/,
    });
  }
});

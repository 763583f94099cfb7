import test from 'ava';
import fc from 'fast-check';
import { MacAddress } from '../../../src/net/index.js';

test('text and bytes round-trip', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
      const mac = MacAddress.fromBytes(bytes);
      return MacAddress.parse(mac.toString()).equals(mac) && Buffer.compare(mac.toBytes(), bytes) === 0;
    }),
  );
  t.is(MacAddress.parse('02-AB-00-00-00-01').toString(), '02:ab:00:00:00:01');
});

for (const text of [
  '',
  '02:ab',
  '02:ab:00:00:00:0',
  '02:ab-00:00:00:01',
  '02:ab:00:00:00:01:02',
  'zz:ab:00:00:00:01',
]) {
  test(`'${text}' is refused`, (t) => {
    t.throws(() => MacAddress.parse(text), { code: 'MAC_INVALID' });
  });
}

test('a random address is a local unicast one', (t) => {
  for (let i = 0; i < 50; i++) {
    const mac = MacAddress.random();
    t.true(mac.isLocal && !mac.isMulticast && !mac.isZero);
  }
});

test('bytes of another length are refused', (t) => {
  t.throws(() => MacAddress.fromBytes(new Uint8Array(8)), { code: 'MAC_INVALID' });
});

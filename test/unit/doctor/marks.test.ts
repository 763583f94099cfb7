import test from 'ava';
import { netfilterCollision, ruleCollisions } from '../../../src/doctor/marks.js';
import type { Rule } from '../../../src/netlink/index.js';

const POLICIES = [
  { name: 'voice', mark: { value: 0x10, mask: 0xff } },
  { name: 'bulk', mark: { value: 0x2000, mask: 0xf000 } },
];

test('rules of the routing policy database that look at the same bits are named', (t) => {
  const rule = (fwmark: number | undefined, fwmask: number | undefined, protocol = 4) =>
    ({ priority: 5210, fwmark, fwmask, protocol }) as Rule;
  const found = (one: Rule) => ruleCollisions(POLICIES, [one], 191).map((collision) => collision.found);
  t.deepEqual(found(rule(undefined, undefined)), []);
  t.deepEqual(found(rule(0x100, 0xf00)), []);
  t.deepEqual(found(rule(0x10, 0xff, 191)), []);
  t.deepEqual(found(rule(0x1, 0x3)), [
    'ip rule 5210 looks at fwmark 0x1/0x3, policy voice at 0x10/0xff: bits in common',
  ]);
  t.deepEqual(found(rule(0xca6c, 0xffff_ffff)), [
    'ip rule 5210 looks at fwmark 0xca6c, policy voice at 0x10/0xff: bits in common',
  ]);
});

for (const [text, written] of [
  // A mark that a policy asks for is what the policy is for.
  ['udp dport 5001 meta mark set 0x00000010', undefined],
  ['meta mark set meta mark & 0xffff0fff | 0x00002000', undefined],
  ['meta mark set mark and 0xffffff00 xor 0x10 accept', undefined],
  ['-A OUTPUT -p udp -j MARK --set-xmark 0x10/0xff', undefined],
  // Other bits.
  ['meta mark set meta mark & 0xfffff0ff | 0x00000100', undefined],
  ['-A PREROUTING -j MARK --set-xmark 0x100/0xf00', undefined],
  // No mark, or one that is not written there.
  ['meta mark 0x00000010 accept', undefined],
  ['meta mark set ct mark', undefined],
  ['ct mark set 0x00000001', undefined],
  // Bits of the policies, but nothing that one asks for.
  ['oifname "wg0" meta mark set 0x0000ca6c', '0xca6c'],
  ['meta mark set 51820', '0xca6c'],
  ['meta mark set meta mark & 0xffffff00 | 0x00000011', '0x11/0xff'],
  ['meta mark set meta mark | 0x00000001', '0x1/0x1'],
  ['meta mark set meta mark & 0x0fffffff', '0x0/0xf0000000'],
  ['-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff', '0x1'],
] as const) {
  test(`a rule of netfilter: ${text}`, (t) => {
    const policies =
      written === '0x0/0xf0000000'
        ? [{ name: 'voice', mark: { value: 0x10000000, mask: 0xf0000000 } }]
        : POLICIES;
    const collision = netfilterCollision(policies, text);
    if (written === undefined) t.is(collision, undefined);
    else
      t.true(
        collision?.found.startsWith(`a rule of netfilter writes ${written}, which policy voice`),
        collision?.found,
      );
  });
}

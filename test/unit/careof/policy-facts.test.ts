import test from 'ava';
import { factsOf } from '../../../src/careof/policy-facts.js';
import { ANY, type Policy } from '../../../src/policy/index.js';

const policy = (fid: number, more: Partial<Policy>): Policy => ({
  fid,
  name: `p${fid}`,
  priority: fid,
  selector: ANY,
  action: { kind: 'drop' },
  otherwise: 'next',
  ...more,
});

test('what policies name and let bypass', (t) => {
  const list = [
    policy(1, { selector: { ...ANY, interface: ['lan0', 'lan1'] } }),
    policy(2, { selector: { ...ANY, interface: ['lan1', 'lan2'] }, action: { kind: 'bypass' } }),
    policy(3, { selector: { ...ANY, cgroup: ['/a', '/b'] } }),
  ];
  const facts = factsOf(list);
  t.deepEqual([...facts.interfaces], ['lan0', 'lan1', 'lan2']);
  t.deepEqual([...facts.cgroups], ['/a', '/b']);
  t.deepEqual([...facts.bypassInterfaces], ['lan1', 'lan2']);
  t.true(facts.bypasses);
  t.false(facts.bypassesCgroup);
  t.is(factsOf(list), facts);
});

test('a cgroup that bypasses, and nothing that does', (t) => {
  const local = policy(1, { selector: { ...ANY, cgroup: ['/a'] }, action: { kind: 'bypass' } });
  t.true(factsOf([local]).bypassesCgroup);
  const none = factsOf([policy(1, {})]);
  t.false(none.bypasses);
  t.false(none.bypassesCgroup);
  t.is(none.bypassInterfaces.size, 0);
});

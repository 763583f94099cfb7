import test from 'ava';
import { inNamespace } from './namespace.js';

test.serial('tables, chains and rules are announced, elements of sets are passed over', async (t) => {
  t.deepEqual(await inNamespace<object>('ruleset', 'changes'), {
    closed: 'NETLINK_CLOSED',
    fresh: false,
    steps: { table: true, chain: true, rule: true, element: false, flush: true },
    after: true,
  });
});

import test from 'ava';
import { inNamespace } from './namespace.js';

interface Result {
  events: string[];
  /** What at the end only a dump said, and what only the monitor said. */
  differing: { missing: string[]; extra: string[] };
}

/** Fails unless the events contain these, in this order. */
function assertOrder(events: readonly string[], wanted: readonly string[]): string | undefined {
  let from = 0;
  for (const event of wanted) {
    const at = events.indexOf(event, from);
    if (at < 0) return event;
    from = at + 1;
  }
  return undefined;
}

test.serial('the life of a link, its addresses, routes and neighbours is told in order', async (t) => {
  const result = await inNamespace<
    Result & { silentStart: number; known: boolean; states: boolean[]; dadFailed: string }
  >('monitor', 'life');
  t.is(result.silentStart, 0, 'the first dump makes no events');
  t.true(result.known, 'what was there is in the snapshot');
  t.true(result.states[0], 'a new address is tentative');
  t.false(result.states.at(-1), 'and becomes valid');
  t.is(result.dadFailed, '2001:db8::bad');
  const missing = assertOrder(result.events, [
    'link added va',
    'link changed va',
    'address added 2001:db8::1',
    'address changed 2001:db8::1',
    'address added 2001:db8::bad',
    'route added unicast ::/0 2001:db8::fe',
    'neighbour added 2001:db8::7 permanent',
    'neighbour removed 2001:db8::7 failed',
    'route changed unicast ::/0 2001:db8::fe',
    'address removed 2001:db8::1',
    'rule removed 50',
    'link removed va',
  ]);
  t.is(missing, undefined, result.events.join('\n'));
  t.true(result.events.includes('route removed unicast ::/0 2001:db8::fe'));
  t.deepEqual(result.differing, { missing: [], extra: [] });
});

test.serial('routes that go without notification are told all the same', async (t) => {
  const result = await inNamespace<Result & { removed: number }>('monitor', 'silent');
  t.is(result.removed, 20);
  t.deepEqual(result.differing, { missing: [], extra: [] });
});

test.serial('replaced, appended and partly deleted routes', async (t) => {
  const result = await inNamespace<Result>('monitor', 'replacement');
  const destination = '2001:db8:5::/48';
  const missing = assertOrder(result.events, [
    `route added unicast ${destination} 2001:db8::a`,
    `route removed unicast ${destination} 2001:db8::a`,
    `route added unicast ${destination} 2001:db8::b`,
    `route added unicast ${destination}`,
    `route added unicast ${destination} 2001:db8::e`,
    `route removed unicast ${destination} 2001:db8::e`,
  ]);
  t.is(missing, undefined, result.events.join('\n'));
  t.deepEqual(result.differing, { missing: [], extra: [] });
});

test.serial('after lost messages the snapshot and a follower of the events have the truth', async (t) => {
  const result = await inNamespace<Result & { table: number; follower: number; resyncs: string[] }>(
    'monitor',
    'overrun',
  );
  t.true(result.resyncs.some((event) => /messages were lost \(ENOBUFS\)/.test(event)));
  t.is(result.table, 1500);
  t.is(result.follower, 1500);
  t.deepEqual(result.differing, { missing: [], extra: [] });
});

test.serial(
  'a carrier is lost at once behind announcements nobody has read, and is back in its turn',
  async (t) => {
    const result = await inNamespace<
      Pick<Result, 'differing'> & { eventsBeforeLoss: number; events: number; addressesWhenBack: string[] }
    >('monitor', 'backlog');
    t.true(result.events >= 4_000, `${result.events} events`);
    // One batch of announcements may have been read before, and each makes one event.
    t.true(
      result.eventsBeforeLoss < 500,
      `${result.eventsBeforeLoss} of ${result.events} events came before`,
    );
    t.deepEqual(result.addressesWhenBack, ['2001:db8::2'], 'it is not back with the address it had before');
    t.deepEqual(result.differing, { missing: [], extra: [] });
  },
);

test.serial('a carrier that is lost while everything is dumped is not waited for', async (t) => {
  const result = await inNamespace<
    Pick<Result, 'differing'> & { isTakenDown: boolean; routesAfterLoss: number }
  >('monitor', 'lossDuringDump');
  t.true(result.isTakenDown, 'the address was told by the dump');
  t.true(result.routesAfterLoss > 1_000, `${result.routesAfterLoss} of 2000 routes were told after it`);
  t.deepEqual(result.differing, { missing: [], extra: [] });
});

test.serial('iterables, time limits and restarts', async (t) => {
  t.deepEqual(await inNamespace<object>('monitor', 'endings'), {
    seen: ['rule added 1', 'rule removed 1'],
    timeout: 'NETLINK_TIMEOUT',
    closed: 'NETLINK_CLOSED',
    done: true,
    resync: 'NETLINK_CLOSED',
    outcomes: ['rejected', 'fulfilled'],
    restarted: true,
  });
});

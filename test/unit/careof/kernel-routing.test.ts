import test from 'ava';
import fc from 'fast-check';
import { addMissing, homeRoutes, removeStale, Sightings } from '../../../src/careof/kernel-routing.js';
import { holdNeighbours, probeNeighbours } from '../../../src/careof/managed-neighbours.js';
import { innerMtu } from '../../../src/careof/plan.js';
import { Prefix } from '../../../src/net/index.js';
import {
  type NeighbourSpec,
  NetlinkError,
  NUD,
  type RouteSpec,
  type RuleSpec,
} from '../../../src/netlink/index.js';
import { at, mac, neighbour, prefix, route, rule, snapshot } from '../../support/kernel-objects.js';

const HOME = 9;
const OWN = { protocol: 191 };

function table(...routes: Parameters<typeof route>[]): Record<string, number> {
  const rows = homeRoutes(snapshot({ routes: routes.map((words) => route(...words)) }), HOME, () => 1);
  return Object.fromEntries(rows.map(({ prefix: destination, router }) => [destination.toString(), router]));
}

test('what the routes send to the home interface is for home, the rest is not', (t) => {
  t.deepEqual(table(['::/0', { ifindex: HOME }], ['2001:db8:1::/64', { ifindex: 2 }]), {
    '::/0': 1,
    '2001:db8:1::/64': 0,
  });
});

test('of several routes to one prefix the lowest metric counts, whatever the order', (t) => {
  const ours = ['::/0', { ifindex: HOME, metric: 64 }] as const;
  const other = ['::/0', { ifindex: 2, metric: 1024 }] as const;
  t.deepEqual(table([...ours], [...other]), { '::/0': 1 });
  t.deepEqual(table([...other], [...ours]), { '::/0': 1 });
  t.deepEqual(table(['::/0', { ifindex: 2, metric: 10 }], [...ours]), { '::/0': 0 });
});

test('the local table comes before the main table', (t) => {
  const main = ['2001:db8:77::1/128', { ifindex: HOME, metric: 0 }] as const;
  const local = ['2001:db8:77::1/128', { table: 255, type: 'local', ifindex: HOME, metric: 500 }] as const;
  t.deepEqual(table([...main], [...local]), { '2001:db8:77::1/128': 0 });
  t.deepEqual(table([...local], [...main]), { '2001:db8:77::1/128': 0 });
});

test('reject routes are left to the stack, which answers', (t) => {
  for (const type of ['unreachable', 'prohibit', 'blackhole', 'throw'] as const) {
    t.deepEqual(table(['2001:db8:1::/64', { type, ifindex: HOME }]), { '2001:db8:1::/64': 0 });
  }
});

test('other tables, link-local, multicast and source-specific routes are left out', (t) => {
  t.deepEqual(
    table(
      ['2001:db8:5::/64', { table: 7601, ifindex: HOME }],
      ['fe80::/64', { ifindex: HOME }],
      ['ff00::/8', { table: 255, type: 'multicast', ifindex: HOME }],
      ['2001:db8:6::/64', { source: prefix('2001:db8:1::/64'), ifindex: HOME }],
    ),
    {},
  );
});

test('the table does not depend on the order of the routes', (t) => {
  const some = fc.array(
    fc.record({
      destination: fc.constantFrom('::/0', '2001:db8::/32', '2001:db8:1::/64', '2001:db8:1::2/128'),
      table: fc.constantFrom(254, 255),
      metric: fc.integer({ min: 1, max: 1_000_000 }),
      ifindex: fc.constantFrom(HOME, 2),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (routes, seed) => {
      // Two routes of one prefix, table and metric cannot be told apart by anybody.
      const unique = [
        ...new Map(
          routes.map((item) => [`${item.destination} ${item.table === 255 || item.metric}`, item]),
        ).values(),
      ];
      const shuffled = unique
        .map((item) => ({ item, key: seed.next().value ?? 0 }))
        .sort((a, b) => a.key - b.key)
        .map(({ item }) => item);
      const of = (list: typeof routes) =>
        table(...list.map(({ destination, ...rest }) => [destination, rest] as [string, typeof rest]));
      t.deepEqual(of(shuffled), of(unique));
    }),
  );
});

/** Writes down what it is asked, and refuses what it is told to. */
class Requests {
  readonly asked: string[] = [];
  refuse = '';

  #take(words: string): Promise<boolean> {
    this.asked.push(words);
    if (this.refuse !== '' && words.includes(this.refuse)) {
      return Promise.reject(new NetlinkError('NETLINK_KERNEL', `refused ${words}`));
    }
    return Promise.resolve(true);
  }

  addRoute = (spec: RouteSpec): Promise<boolean> =>
    this.#take(`add route ${spec.destination} ${spec.table} ${spec.mode}`);
  deleteRoute = (spec: RouteSpec): Promise<boolean> =>
    this.#take(`del route ${spec.destination} ${spec.table} ${spec.ifindex}`);
  addRule = (spec: RuleSpec): Promise<boolean> => this.#take(`add rule ${spec.source}`);
  deleteRule = (spec: RuleSpec): Promise<boolean> => this.#take(`del rule ${spec.source}`);
  addNeighbour = (spec: NeighbourSpec): Promise<boolean> =>
    this.#take(
      `hold ${spec.address}${spec.managed ? ' managed' : ''}${spec.state === undefined ? '' : ` ${spec.state}`}`,
    );
  deleteNeighbour = (spec: { address: unknown }): Promise<boolean> => this.#take(`release ${spec.address}`);
}

const source = prefix('2001:db8:a::2/128');
const desired = {
  rules: [{ priority: 100, source, table: 7601, protocol: 191 }],
  routes: [
    {
      destination: Prefix.DEFAULT,
      table: 7601,
      metric: 64,
      protocol: 191,
      ifindex: 3,
      gateway: at('fe80::1'),
    },
  ],
};
const present = {
  rules: [rule(100, { source, table: 7601, protocol: 191 })],
  routes: [route('::/0', { table: 7601, metric: 64, protocol: 191, ifindex: 3, gateway: at('fe80::1') })],
};

test('what is there is not touched; what is missing is added, the table before its rule', async (t) => {
  const netlink = new Requests();
  t.deepEqual(await addMissing(netlink, snapshot(present), OWN, desired), { repaired: [], failed: [] });
  t.deepEqual(await removeStale(netlink, snapshot(present), OWN, desired), { repaired: [], failed: [] });
  t.deepEqual(netlink.asked, []);
  await addMissing(netlink, snapshot(), OWN, desired);
  t.deepEqual(netlink.asked, ['add route ::/0 7601 replace', 'add rule 2001:db8:a::2/128']);
});

test('a route that differs is replaced', async (t) => {
  for (const change of [
    { gateway: at('fe80::2') },
    { ifindex: 4 },
    { mtu: 1400 },
    { type: 'unreachable' as const },
    { prefsrc: at('2001:db8::1') },
  ]) {
    const netlink = new Requests();
    const routes = present.routes.map((item) => ({ ...item, ...change }));
    await addMissing(netlink, snapshot({ ...present, routes }), OWN, desired);
    t.deepEqual(netlink.asked, ['add route ::/0 7601 replace'], JSON.stringify(change));
  }
});

test("somebody else's look-alikes do not count as ours and are not removed", async (t) => {
  const foreign = {
    rules: present.rules.map((item) => ({ ...item, protocol: 3 })),
    routes: present.routes.map((item) => ({ ...item, protocol: 3 })),
  };
  const netlink = new Requests();
  await removeStale(netlink, snapshot(foreign), OWN, { rules: [], routes: [] });
  t.deepEqual(netlink.asked, []);
  await addMissing(netlink, snapshot(foreign), OWN, desired);
  t.is(netlink.asked.length, 2);
});

test('what is ours and not wanted goes, rules first', async (t) => {
  const netlink = new Requests();
  await removeStale(netlink, snapshot(present), OWN, { rules: [], routes: [] });
  t.deepEqual(netlink.asked, ['del rule 2001:db8:a::2/128', 'del route ::/0 7601 3']);
});

test('what is refused is reported and holds up nothing else', async (t) => {
  const netlink = new Requests();
  netlink.refuse = 'route';
  const { failed } = await addMissing(netlink, snapshot(), OWN, desired);
  t.is(failed.length, 1);
  t.is(netlink.asked.length, 2);
});

test('what was seen, is wanted and is gone was removed by somebody else', async (t) => {
  const netlink = new Requests();
  const sightings = new Sightings();
  const run = async (kernel: Parameters<typeof snapshot>[0], wanted: typeof desired) => {
    const { repaired } = await addMissing(netlink, snapshot(kernel), OWN, wanted, sightings);
    await removeStale(netlink, snapshot(kernel), OWN, wanted, sightings);
    return repaired;
  };
  t.deepEqual(await run({}, desired), [], 'new');
  t.deepEqual(await run({}, desired), [], 'not reported yet');
  t.deepEqual(await run(present, desired), []);
  t.deepEqual(await run({ rules: present.rules }, desired), ['route ::/0 metric 64 of table 7601']);
  t.deepEqual(await run(present, desired), []);
  t.deepEqual(await run({}, desired), [
    'route ::/0 metric 64 of table 7601',
    'rule 100 from 2001:db8:a::2/128 to table 7601',
  ]);
  t.deepEqual(await run(present, desired), []);
  // The kernel takes the routes of a link that goes down, and they are not wanted then.
  t.deepEqual(await run({}, { rules: [], routes: [] }), []);
  t.deepEqual(await run({}, desired), []);
});

test('next hops and direct neighbours are held, what failed or is not wanted is let go', async (t) => {
  const netlink = new Requests();
  const nextHops = [{ ifindex: 3, address: at('fe80::1') }];
  const held = { managed: true, protocol: 191 };
  const neighbours = [
    neighbour(2, '2001:db8:1::2', held),
    neighbour(2, '2001:db8:1::3', { managed: true, protocol: 3 }),
    neighbour(3, 'fe80::1'),
  ];
  await holdNeighbours(netlink, snapshot({ neighbours }), { nextHops, direct: [] }, 191);
  t.deepEqual(netlink.asked, ['hold fe80::1 managed', 'release 2001:db8:1::2']);
  netlink.asked.length = 0;
  await holdNeighbours(
    netlink,
    snapshot({ neighbours: [neighbour(3, 'fe80::1', held)] }),
    { nextHops, direct: [] },
    191,
  );
  t.deepEqual(netlink.asked, []);
  netlink.refuse = 'fe80::1';
  const direct = [
    {
      ifindex: 2,
      address: at('2001:db8:1::9'),
      mac: mac('02:00:00:00:00:09'),
      ownMac: mac('02:00:00:00:00:02'),
      mtu: 1500,
    },
  ];
  const failed = await holdNeighbours(netlink, snapshot(), { nextHops, direct }, 191);
  t.is(failed.length, 1);
  t.deepEqual(netlink.asked, ['hold fe80::1 managed', 'hold 2001:db8:1::9 managed']);
});

test('next hops that the kernel trusts are asked; those that it is asking or cannot ask are not', async (t) => {
  const asked = async (state: number, usable = true): Promise<string[]> => {
    const netlink = new Requests();
    const neighbours = [neighbour(3, 'fe80::1', { state, usable }), neighbour(3, 'fe80::2', { state })];
    await probeNeighbours(netlink, snapshot({ neighbours }), [{ ifindex: 3, address: at('fe80::1') }], 191);
    return netlink.asked;
  };
  for (const state of [NUD.REACHABLE, NUD.STALE, NUD.DELAY]) {
    t.deepEqual(await asked(state), [`hold fe80::1 ${NUD.PROBE}`, 'hold fe80::1 managed']);
  }
  for (const state of [NUD.PROBE, NUD.PERMANENT, NUD.NOARP, NUD.FAILED]) t.deepEqual(await asked(state), []);
  t.deepEqual(await asked(NUD.REACHABLE, false), []);
});

test('the inner MTU is what the header leaves, and never below the least of IPv6', (t) => {
  t.is(innerMtu(1500, 'ipv6'), 1460);
  t.is(innerMtu(1500, 'vxlan'), 1430);
  t.is(innerMtu(1320, 'ipv6'), 1280);
  t.is(innerMtu(1319, 'ipv6'), undefined);
  t.is(innerMtu(1350, 'vxlan'), 1280);
  t.is(innerMtu(1349, 'vxlan'), undefined);
  t.is(innerMtu(1280, 'ipv6'), undefined);
  t.is(innerMtu(1 << 20, 'ipv6'), 65495);
});

test('what the kernel announces is told from what it was asked for', async (t) => {
  const sightings = new Sightings();
  const netlink = new Requests();
  const spec = {
    table: 254,
    metric: 64,
    destination: prefix('2001:db8:1::/64'),
    ifindex: HOME,
    protocol: 191,
  };
  await addMissing(netlink, snapshot({}), OWN, { rules: [], routes: [spec] }, sightings);
  const made = route('2001:db8:1::/64', { metric: 64, ifindex: HOME, protocol: 191 });
  const other = route('2001:db8:1::/64', { metric: 64, ifindex: 2, protocol: 191 });
  t.false(sightings.isAnswer(other, true), 'another device');
  t.false(sightings.isAnswer(made, false), 'it is gone');
  t.true(sightings.isAnswer(made, true));
  t.false(sightings.isAnswer(made, true), 'an answer comes once');
  await removeStale(netlink, snapshot({ routes: [made] }), OWN, { rules: [], routes: [] }, sightings);
  t.false(sightings.isAnswer(made, true));
  t.true(sightings.isAnswer(made, false));
});

import test from 'ava';
import { CareOfRoutes, type KnownRoutes } from '../../../src/careof/care-of-routes.js';
import type { Address } from '../../../src/net/index.js';
import { NetlinkError, type Route, type RouteQuery, RT_TABLE } from '../../../src/netlink/index.js';
import { at, hop, prefix, route, rule } from '../../support/kernel-objects.js';

const AGENT = at('2001:db8:ffff::1');
const A = at('2001:db8:a::2');
const B = at('2001:db8:b::2');

/** Each address has to be asked for. */
const NOTHING_KNOWN: KnownRoutes = { longestRoutes: () => [], rules: [] };

/** A kernel that keeps what it was asked. */
function kernel(answer: (destination: string) => Route | Error): {
  asked: string[];
  getRoute(query: RouteQuery): Promise<Route>;
} {
  const asked: string[] = [];
  return {
    asked,
    getRoute: async ({ destination }) => {
      asked.push(String(destination));
      const said = answer(String(destination));
      if (said instanceof Error) throw said;
      return said;
    },
  };
}

const byB = (): Route => route('::/0', { gateway: at('fe80::b'), ifindex: 4 });

test('each care-of address is asked for once', async (t) => {
  const routes = new CareOfRoutes();
  const { asked, getRoute } = kernel(byB);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B, A], AGENT);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A], AGENT);
  t.deepEqual(asked, [String(A), String(B)]);
  t.is(routes.route(A)?.ifindex, 4);
  t.is(String(routes.route(B)?.gateway), 'fe80::b');
});

test('a route that changes makes those doubtful that it covers', async (t) => {
  const routes = new CareOfRoutes();
  const { asked, getRoute } = kernel(byB);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B], AGENT);
  routes.doubt(prefix('2001:db8:b::/64'));
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B], AGENT);
  t.deepEqual(asked, [String(A), String(B), String(B)]);
  routes.doubt(prefix('::/0'));
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B], AGENT);
  t.is(asked.length, 5);
});

test('that there is no route is an answer too, until it is forgotten', async (t) => {
  const routes = new CareOfRoutes();
  const none = new NetlinkError('NETLINK_KERNEL', 'no route', { errno: 101 });
  const { asked, getRoute } = kernel(() => none);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A], AGENT);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A], AGENT);
  t.is(routes.route(A), undefined);
  t.is(asked.length, 1);
  routes.forget();
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A], AGENT);
  t.is(asked.length, 2);
});

test('addresses that nobody has any more are forgotten', async (t) => {
  const routes = new CareOfRoutes();
  const { asked, getRoute } = kernel(byB);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B], AGENT);
  routes.keepOnly([B]);
  t.is(routes.route(A), undefined);
  await routes.ask({ getRoute }, NOTHING_KNOWN, [A, B], AGENT);
  t.deepEqual(asked, [String(A), String(B), String(A)]);
});

test('a kernel that cannot be asked is an error', async (t) => {
  const routes = new CareOfRoutes();
  const closed = new NetlinkError('NETLINK_CLOSED', 'closed');
  await t.throwsAsync(
    async () =>
      routes.ask(
        kernel(() => closed),
        NOTHING_KNOWN,
        [A],
        AGENT,
      ),
    {
      message: 'closed',
    },
  );
});

/** A main table that is looked up as the kernel does. */
function table(...routes: Route[]): KnownRoutes {
  const rules = [rule(0, { table: RT_TABLE.LOCAL }), rule(32_766, { table: RT_TABLE.MAIN })];
  const longestRoutes = (address: Address, number: number): Route[] => {
    const found = routes.filter((each) => each.table === number && each.destination.contains(address));
    const longest = Math.max(...found.map(({ destination }) => destination.length));
    return found.filter(({ destination }) => destination.length === longest);
  };
  return { longestRoutes, rules };
}

test('of addresses that take one route one is asked for', async (t) => {
  const routes = new CareOfRoutes();
  const known = table(byB(), route('2001:db8:b::/64', { gateway: at('fe80::c'), ifindex: 5 }));
  const { asked, getRoute } = kernel((to) => route(`${to}/128`, { gateway: at('fe80::b'), ifindex: 4 }));
  const others = [at('2001:db8:a::3'), at('2001:db8:c::3')];
  await routes.ask({ getRoute }, known, [A, ...others, B], AGENT);
  t.deepEqual(asked, [String(A), String(B)]);
  for (const other of others) t.is(routes.route(other)?.ifindex, 4, String(other));
  const later = at('2001:db8:d::3');
  await routes.ask({ getRoute }, known, [later], AGENT);
  t.is(routes.route(later)?.ifindex, 4);
  t.is(asked.length, 2);
  // The same route announced anew may be another one.
  await routes.ask({ getRoute }, table(byB()), [at('2001:db8:d::4')], AGENT);
  t.is(asked.length, 3);
  routes.forget();
  await routes.ask({ getRoute }, known, [A, later], AGENT);
  t.is(asked.length, 4);
});

const CHOICES: Readonly<Record<string, KnownRoutes>> = {
  'two routes of one length': table(byB(), route('::/0', { gateway: at('fe80::c'), metric: 2000 })),
  'several paths': table(route('::/0', { nextHops: [hop(4, 'fe80::b'), hop(5, 'fe80::c')] })),
  'one of a next hop object': table(route('::/0', { nexthopId: 7 })),
  'one for some sources': table(route('::/0', { source: prefix('2001:db8::/32') })),
  'one without link': table(route('::/0', { linkDown: true })),
  'a local route': table(byB(), route('2001:db8:a::/64', { table: RT_TABLE.LOCAL, type: 'anycast' })),
  'a rule of somebody': { ...table(byB()), rules: [rule(1000, { fwmark: 1, fwmask: 1, table: 9 })] },
  'no route': table(),
};

for (const [name, known] of Object.entries(CHOICES)) {
  test(`each address is asked for where the kernel chooses: ${name}`, async (t) => {
    const routes = new CareOfRoutes();
    const { asked, getRoute } = kernel(byB);
    await routes.ask({ getRoute }, known, [A, at('2001:db8:a::3')], AGENT);
    t.is(asked.length, 2);
  });
}

import test from 'ava';
import { CareOfRoutes } from '../../../src/careof/care-of-routes.js';
import { NetlinkError, type Route, type RouteQuery } from '../../../src/netlink/index.js';
import { at, prefix, route } from '../../support/kernel-objects.js';

const AGENT = at('2001:db8:ffff::1');
const A = at('2001:db8:a::2');
const B = at('2001:db8:b::2');

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
  await routes.ask({ getRoute }, [A, B, A], AGENT);
  await routes.ask({ getRoute }, [A], AGENT);
  t.deepEqual(asked, [String(A), String(B)]);
  t.is(routes.route(A)?.ifindex, 4);
  t.is(String(routes.route(B)?.gateway), 'fe80::b');
});

test('a route that changes makes those doubtful that it covers', async (t) => {
  const routes = new CareOfRoutes();
  const { asked, getRoute } = kernel(byB);
  await routes.ask({ getRoute }, [A, B], AGENT);
  routes.doubt(prefix('2001:db8:b::/64'));
  await routes.ask({ getRoute }, [A, B], AGENT);
  t.deepEqual(asked, [String(A), String(B), String(B)]);
  routes.doubt(prefix('::/0'));
  await routes.ask({ getRoute }, [A, B], AGENT);
  t.is(asked.length, 5);
});

test('that there is no route is an answer too, until it is forgotten', async (t) => {
  const routes = new CareOfRoutes();
  const none = new NetlinkError('NETLINK_KERNEL', 'no route', { errno: 101 });
  const { asked, getRoute } = kernel(() => none);
  await routes.ask({ getRoute }, [A], AGENT);
  await routes.ask({ getRoute }, [A], AGENT);
  t.is(routes.route(A), undefined);
  t.is(asked.length, 1);
  routes.forget();
  await routes.ask({ getRoute }, [A], AGENT);
  t.is(asked.length, 2);
});

test('addresses that nobody has any more are forgotten', async (t) => {
  const routes = new CareOfRoutes();
  const { asked, getRoute } = kernel(byB);
  await routes.ask({ getRoute }, [A, B], AGENT);
  routes.keepOnly([B]);
  t.is(routes.route(A), undefined);
  await routes.ask({ getRoute }, [A, B], AGENT);
  t.deepEqual(asked, [String(A), String(B), String(A)]);
});

test('a kernel that cannot be asked is an error', async (t) => {
  const routes = new CareOfRoutes();
  const closed = new NetlinkError('NETLINK_CLOSED', 'closed');
  await t.throwsAsync(
    async () =>
      routes.ask(
        kernel(() => closed),
        [A],
        AGENT,
      ),
    {
      message: 'closed',
    },
  );
});

// Many mobile routers at one home agent: what is done for one of them alone is what a run over everything would do.
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { agentConfig, standIn, writeKeys } from '../../../bench/registration/fleet.js';
import type { GeneratorResult, GeneratorTask } from '../../../bench/registration/generator.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import { until } from '../../../lab/wait.js';
import { PATIENCE, type Site, withSite } from '../../support/site.js';

const ROUTERS = 40;
const GENERATOR = fileURLToPath(new URL('../../../bench/registration/generator.js', import.meta.url));
const MAPS = ['cx_tunnel_ends', 'cx_prefixes', 'cx_routes', 'cx_binding_slot', 'cx_neighbours'];
/** Maps that point at rows: which row it is does not matter. */
const POINTING = new Set(['cx_tunnel_ends', 'cx_binding_slot']);

/** Runs a test with a home agent that knows so many routers, and what has them send their messages. */
async function withFleet(
  t: ExecutionContext,
  body: (site: Site, send: (task: Partial<GeneratorTask>) => Promise<GeneratorResult>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-fleet-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  chownSync(folder, DAEMON_USER, DAEMON_USER);
  const keys = join(folder, 'keys');
  writeKeys(keys, ROUTERS);
  const ha = { ...agentConfig(ROUTERS, 3, keys, join(folder, 'state')), 'grace-time': '1s' };
  await withSite(t, { mr: null, ha }, async (site) => {
    await standIn(site.node('core'));
    const usual = {
      ...{ interface: 'ha0', routers: ROUTERS, groups: [[1, 2, 3]] },
      ...{ move: 0, sequence: 1, window: 16, rate: null },
    };
    const send = async (task: Partial<GeneratorTask>): Promise<GeneratorResult> => {
      const words = [GENERATOR, JSON.stringify({ ...usual, ...task })];
      const { stdout } = await site.node('core').exec(process.execPath, words, { timeout: 60_000 });
      return JSON.parse(stdout) as GeneratorResult;
    };
    await body(site, send);
  });
}

/** What the maps say, without the numbers of rows. */
async function content(site: Site): Promise<Record<string, string[]>> {
  const of = async (map: string): Promise<[string, string[]]> => {
    const rows = await site.rows<{ key: unknown; value: unknown }>(map, site.ha);
    const used = rows.filter(({ value }) => value !== 0);
    return [map, used.map(({ key, value }) => JSON.stringify(POINTING.has(map) ? key : [key, value])).sort()];
  };
  return Object.fromEntries(await Promise.all(MAPS.map(of)));
}

/** Compares with what is there after a run over everything. */
async function isAsAWholeRunLeavesIt(t: ExecutionContext, site: Site, after: string): Promise<void> {
  const before = await content(site);
  const bindings = (await site.bindings(site.ha)).map(({ router, bid, state, careOf }) => {
    return { router, bid, state, careOf };
  });
  const { status } = await site.ha.api('POST', '/v1/reload');
  t.true(status < 300);
  t.deepEqual(await content(site), before, after);
  t.deepEqual(
    (await site.bindings(site.ha)).map(({ router, bid, state, careOf }) => ({ router, bid, state, careOf })),
    bindings,
  );
}

test.serial('registering, moving and leaving one by one ends as a run over everything would', async (t) => {
  await withFleet(t, async (site, send) => {
    const first = await send({});
    t.like(first, { sent: ROUTERS, accepted: ROUTERS, unanswered: 0, refused: {} });
    const rows = await content(site);
    t.is(rows.cx_binding_slot?.length, 3 * ROUTERS, 'an answer leaves when its bindings carry packets');
    await until(
      async () => {
        const routes = await site.rows<{ value: number }>('cx_routes', site.ha);
        return routes.filter(({ value }) => value !== 0).length === ROUTERS;
      },
      { what: 'the networks to be routed home', timeout: PATIENCE },
    );
    await isAsAWholeRunLeavesIt(t, site, 'all have registered');

    const moved = await send({ groups: [[2]], move: 1, sequence: 2 });
    t.like(moved, { accepted: ROUTERS, unanswered: 0 });
    const accepted = await site.accepted(site.ha);
    t.is(accepted.length, 4 * ROUTERS + 1, 'the addresses of before are accepted for the grace time');
    await until(async () => (await site.accepted(site.ha)).length === 3 * ROUTERS + 1, {
      what: 'the addresses of before to be refused',
      timeout: PATIENCE,
    });
    await isAsAWholeRunLeavesIt(t, site, 'all have moved');
  });
});

test.serial('a route of ours that somebody removes is there again', async (t) => {
  await withFleet(t, async (site, send) => {
    t.like(await send({}), { accepted: ROUTERS });
    const ours = async (): Promise<number> => {
      const { stdout } = await site.node('ha').exec('ip', ['-6', 'route', 'show', 'dev', 'coax0']);
      return stdout.split('\n').filter((line) => line.startsWith('2001:db8:4000:')).length;
    };
    t.is(await ours(), ROUTERS);
    await site.node('ha').ip('route del 2001:db8:4000:7::/64 dev coax0');
    await until(async () => (await ours()) === ROUTERS, { what: 'the route', timeout: PATIENCE });
    await isAsAWholeRunLeavesIt(t, site, 'the route is there again');
  });
});

test.serial('care-of addresses take another way when the kernel has one', async (t) => {
  await withFleet(t, async (site, send) => {
    t.like(await send({}), { accepted: ROUTERS });
    const states = async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const { state } of await site.bindings(site.ha)) counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    };
    t.deepEqual(await states(), { usable: 3 * ROUTERS });
    // Of all first bindings, and of those alone.
    await site.node('ha').ip('route add unreachable 2001:db8:8001::/48');
    await until(async () => (await states())['no-route'] === ROUTERS, {
      what: 'the first bindings to be without a route',
      timeout: PATIENCE,
    });
    t.deepEqual(await states(), { usable: 2 * ROUTERS, 'no-route': ROUTERS });
    await site.node('ha').ip('route del unreachable 2001:db8:8001::/48');
    await until(async () => (await states()).usable === 3 * ROUTERS, {
      what: 'all to have a route again',
      timeout: PATIENCE,
    });
    await isAsAWholeRunLeavesIt(t, site, 'all have a route again');
  });
});

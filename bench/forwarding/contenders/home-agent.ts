// Our datapath as a home agent: its daemon sets it up for one mobile router and ends; the other routers are written
// into its tables as the daemon would.
import type { DaemonConfig } from '../../../lab/daemon.js';
import { addresses } from '../../../lab/topology.js';
import { encodeCxTunnelEnd, encodeCxTunnelEndKey } from '../../../src/datapath/index.js';
import { Prefix } from '../../../src/net/index.js';
import { ANY, type Policy, type RouterPolicySet } from '../../../src/policy/index.js';
import { plainFlows } from '../flows.js';
import type { Contender, Lane } from '../lane.js';
import { LiveTables } from '../live-tables.js';
import { leaveDatapath, type Way } from './coaxial.js';
import { tunnelled, untouched } from './expected.js';

export type Direction = 'to the routers' | 'from the routers';

const hex = (router: number): string => router.toString(16);
const network = (router: number): string => `2001:db9:${hex(router)}::/64`;
const home = (router: number): string => `2001:dba:${hex(router)}::1`;
const careOf = (router: number): string => `2001:dbb:${hex(router)}::2`;

function config(way: Way, routers: number): DaemonConfig {
  return {
    role: 'home-agent',
    home: { agent: addresses.homeAgent },
    interfaces: ['core0', 'cn0'],
    routers: [
      {
        name: 'mr1',
        address: home(1),
        prefixes: [network(1)],
        bindings: [{ bid: 1, name: 'a', 'care-of': careOf(1) }],
        policies: [{ name: 'all', use: ['a'] }],
      },
    ],
    limits: {
      ...{ routers: routers + 8, bindings: routers + 8, policies: routers + 64 },
      ...{ prefixes: 2 * routers + 64, routes: 2 * routers + 1024 },
    },
    ...way.config,
  };
}

/** A home agent with so many mobile routers, each with a prefix, one binding and one policy. */
export function homeAgent(way: Way, routers: number, direction: Direction): Contender {
  const count = `${routers.toLocaleString('en')} mobile ${routers === 1 ? 'router' : 'routers'}`;
  return {
    name: `${way.name}, home agent, ${count}, ${direction}`,
    async setUp({ lab }): Promise<Lane> {
      // Its neighbours are known before anything is measured.
      await lab.node('cn').exec('ping', ['-c', '1', '-W', '2', '2001:db8:99::1']);
      const instance = await leaveDatapath(lab, 'ha', way, config(way, routers));
      using tables = new LiveTables(instance, lab.bpffs);
      tables.checkNextHops();
      if (routers > 1) await addRouters(tables, routers);
      const sources = Array.from({ length: routers }, (_, at) => network(at + 1));
      return direction === 'to the routers' ? toRouters(way, sources) : fromRouters(way, routers, sources);
    },
  };
}

function toRouters(way: Way, destinations: readonly string[]): Lane {
  return {
    entry: { node: 'cn', interface: 'eth0' },
    router: { node: 'ha', interface: 'cn0' },
    exits: [
      {
        node: 'core',
        interface: 'ha0',
        expected: tunnelled(addresses.homeAgent, '2001:dbb::', 'ffff:ffff::'),
      },
    ],
    flows: plainFlows('to the routers', { sources: ['2001:db8:99::/64'], destinations }),
    takesFrames: way.takesFrames,
  };
}

function fromRouters(way: Way, routers: number, sources: readonly string[]): Lane {
  return {
    entry: { node: 'core', interface: 'ha0' },
    router: { node: 'ha', interface: 'core0' },
    exits: [
      { node: 'cn', interface: 'eth0', expected: { ...untouched, destination: addresses.correspondent } },
    ],
    // Each source has its router's care-of address.
    flows: plainFlows('from the routers', {
      sources,
      destinations: [addresses.correspondent],
      inOrder: true,
      outerSource: (flow) => careOf(1 + (flow % routers)),
    }),
    outerDestination: addresses.homeAgent,
    takesFrames: way.takesFrames,
  };
}

async function addRouters(tables: LiveTables, count: number): Promise<void> {
  const [first] = tables.bindings.identities();
  const row = first && tables.bindings.current(first.index);
  if (row === undefined) throw new Error('the first mobile router has no binding');
  const ids = Array.from({ length: count }, (_, at) => tables.routerIds.id(home(at + 1)));
  const own = [...tables.prefixes.read()].map(([text, router]) => ({ prefix: Prefix.parse(text), router }));
  const routes = [...tables.routes.read()].map(([text, router]) => ({ prefix: Prefix.parse(text), router }));
  const more = ids
    .slice(1)
    .flatMap((router, at) =>
      [network(at + 2), `${home(at + 2)}/128`].map((text) => ({ prefix: Prefix.parse(text), router })),
    );
  for (const [at, router] of ids.entries()) {
    if (at === 0) continue;
    const binding = tables.bindings.index({ router, bid: 1 });
    await tables.bindings.set(binding, { ...row, router, outerDestination: careOf(at + 1) });
  }
  tables.prefixes.sync([...own, ...more]);
  tables.routes.sync([...routes, ...more]);
  await tables.tunnelEnds.sync([
    ...ids.map((router, at) => {
      const end = {
        local: addresses.homeAgent,
        remote: careOf(at + 1),
        ...{ router, binding: tables.bindings.index({ router, bid: 1 }) },
      };
      return [encodeCxTunnelEndKey(end), encodeCxTunnelEnd(end)] as const;
    }),
    refusal(),
  ]);
  await tables.activate(ids.map(policiesOf));
}

/** Strangers are refused. */
function refusal(): readonly [Uint8Array, Uint8Array] {
  const row = { local: addresses.homeAgent, remote: '::', router: 0, binding: 0 };
  return [encodeCxTunnelEndKey(row), encodeCxTunnelEnd(row)];
}

function policiesOf(routerId: number): RouterPolicySet {
  const all: Policy = {
    ...{ fid: 1, name: 'all', priority: 10, selector: ANY },
    ...{ action: { kind: 'use', bindings: [1] }, otherwise: 'next' },
  };
  return { routerId, policies: [all], bindings: [{ bid: 1, priority: 10 }] };
}

// Our datapath as a mobile router: set up by the daemon, which then ends; what it leaves forwards.

import type { DaemonConfig } from '../../../lab/daemon.js';
import type { Lab } from '../../../lab/lab.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { takeXdp } from '../../../lab/xdp.js';
import { Prefix } from '../../../src/net/index.js';
import type { BindingView, StatusView } from '../../../src/views/index.js';
import { plainFlows } from '../flows.js';
import type { Contender, Lane } from '../lane.js';
import { LiveTables } from '../live-tables.js';
import { inUdp, tunnelled, untouched } from './expected.js';
import type { BenchPolicies } from './policy-sets.js';

/** How packets are taken at the ingress interface and the uplink. */
export interface Way {
  readonly name: string;
  /** What the config says of it beside all else. */
  readonly config: DaemonConfig;
  readonly tunnel: 'bpf' | 'external';
  /** Its programs take frames before the network stack does. */
  readonly takesFrames: boolean;
}

/** Another way of taking packets is one more row. */
export const ways = {
  xdp: { name: 'coaxial XDP', config: { xdp: { mode: 'native' } }, tunnel: 'bpf', takesFrames: true },
  tc: { name: 'coaxial TC', config: {}, tunnel: 'bpf', takesFrames: false },
  device: {
    name: 'coaxial TC, tunnel device',
    config: { external: {} },
    tunnel: 'external',
    takesFrames: false,
  },
} as const satisfies Record<string, Way>;

const ROUTER = 1;
const START_PATIENCE = 20_000;

export function mobileRouterConfig(way: Way, policies: number): DaemonConfig {
  return {
    role: 'mobile-router',
    home: { agent: addresses.homeAgent, address: addresses.home, prefixes: [prefixes.mobile] },
    ingress: [{ interface: 'lan0', forwarding: 'fast' }],
    bindings: [
      { bid: 1, name: 'lte-a', priority: 10, interface: 'wa', tunnel: way.tunnel },
      { bid: 2, name: 'wifi-b', priority: 20, interface: 'wb', tunnel: way.tunnel },
    ],
    policies: [{ name: 'all', use: ['lte-a', 'wifi-b'] }],
    limits: { policies: Math.max(64, policies) },
    ...way.config,
  };
}

/** Starts a daemon, and ends it when its datapath is complete. Returns its instance. */
export async function leaveDatapath(
  lab: Lab,
  node: 'mr' | 'ha',
  way: Way,
  config: DaemonConfig,
): Promise<string> {
  if (way.takesFrames) await takeXdp(lab);
  const daemon = await lab.startDaemon(node, config);
  await until(
    async () => {
      const { body } = await daemon.api('GET', '/v1/bindings');
      const { body: status } = await daemon.api('GET', '/v1/status');
      const areUsable = (body as BindingView[]).every(
        ({ state, nextHopMac }) => state === 'usable' && nextHopMac !== null,
      );
      const { interfaces } = status as StatusView;
      const isXdp = interfaces.every(({ xdp }) => xdp === null || (xdp.mode === 'native' && xdp.transmits));
      return areUsable && (isXdp || !way.takesFrames);
    },
    { what: `the bindings of ${node}`, timeout: START_PATIENCE },
  );
  await daemon.stop();
  return daemon.instance;
}

/** Upstream: from the mobile network into the tunnels of both uplinks. */
export function encapsulating(way: Way, set: BenchPolicies): Contender {
  return {
    name: `${way.name}, ${set.name}`,
    async setUp({ lab }): Promise<Lane> {
      const instance = await leaveDatapath(lab, 'mr', way, mobileRouterConfig(way, set.policies.length));
      using tables = new LiveTables(instance, lab.bpffs);
      if (way.tunnel === 'bpf') tables.checkNextHops();
      if (set.policies.length > 1) {
        tables.prefixes.sync(set.sources.map((text) => ({ prefix: Prefix.parse(text), router: ROUTER })));
        const bindings = [1, 2].map((bid) => ({ bid, priority: bid }));
        await tables.activate([{ routerId: ROUTER, policies: set.policies, bindings }]);
      }
      const expected = way.tunnel === 'bpf' ? tunnelled : inUdp;
      return {
        entry: { node: 'lan', interface: 'eth0' },
        router: { node: 'mr', interface: 'lan0' },
        exits: [
          { node: 'ra', interface: 'mr0', expected: expected(addresses.careOfA, addresses.homeAgent) },
          { node: 'rb', interface: 'mr0', expected: expected(addresses.careOfB, addresses.homeAgent) },
        ],
        flows: set.flows,
        takesFrames: way.takesFrames,
      };
    },
  };
}

/** Downstream: from a tunnel to one host of the mobile network. */
export function decapsulating(way: Way): Contender {
  return {
    name: `${way.name}, decapsulation`,
    async setUp({ lab }): Promise<Lane> {
      // The router learns its neighbour before anything is measured.
      await lab.node('lan').exec('ping', ['-c', '1', '-W', '2', addresses.mobileRouter]);
      await leaveDatapath(lab, 'mr', way, mobileRouterConfig(way, 1));
      return {
        entry: { node: 'ra', interface: 'mr0' },
        router: { node: 'mr', interface: 'wa' },
        exits: [{ node: 'lan', interface: 'eth0', expected: { ...untouched, destination: addresses.lan } }],
        flows: plainFlows('to the mobile network', {
          sources: ['2001:db8:99::/64'],
          destinations: [addresses.lan],
          outerSource: () => addresses.homeAgent,
        }),
        outerDestination: addresses.careOfA,
        takesFrames: way.takesFrames,
      };
    },
  };
}

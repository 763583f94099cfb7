// Who is compared, and the ratios that are wanted of them.
import type { Contender } from '../lane.js';
import type { Peer } from '../peers.js';
import { GENERATOR, type WantedRatio } from '../ratios.js';
import { decapsulating, encapsulating, type Way, ways } from './coaxial.js';
import { type Direction, homeAgent } from './home-agent.js';
import { limits } from './limits.js';
import { netfilter } from './netfilter.js';
import { openVswitch } from './open-vswitch.js';
import { type BenchPolicies, disjointMix, mixOf, setsOf } from './policy-sets.js';

const SIZES = [1, 100, 1_000, 10_000, 100_000];
/** Priorities of flows have 16 bits, so there is no more. */
const OVS_SIZES = [1, 100, 1_000, 10_000];
const ROUTERS = [1, 10_000];

export interface Field {
  readonly contenders: readonly Contender[];
  readonly ratios: readonly WantedRatio[];
}

export interface FieldOptions {
  readonly quick: boolean;
  readonly peers: ReadonlySet<Peer>;
  readonly cpu: number;
  readonly classBench: string | undefined;
}

/**
 * @param only words of which a contender's name has one; all when there are none
 * @param quick only those that a ratio is wanted of
 * @param peers who is measured on request
 * @param cpu the one that packets are made on
 * @param classBench a folder with sets to measure beside the router mix
 */
export function field(only: readonly string[], { quick, peers, cpu, classBench }: FieldOptions): Field {
  const mixes = new Map(SIZES.map((size) => [size, memoized(() => mixOf(size))]));
  const mix = (size: number): (() => BenchPolicies) => mixes.get(size) as () => BenchPolicies;
  const sets = classBench === undefined ? [] : setsOf(classBench).map((set) => () => set);
  // Sets are only made for those who are measured.
  const entries: [name: string, make: () => Contender][] = [];
  const add = (name: string, make: () => Contender): void => void entries.push([name, make]);
  for (const contender of limits) add(contender.name, () => contender);
  // One direction will do where time is short: the one that chooses a binding.
  const directions: readonly Direction[] = quick
    ? ['to the routers']
    : ['to the routers', 'from the routers'];
  const all: readonly Way[] = Object.values(ways);
  for (const way of all) {
    const named: [string, () => BenchPolicies][] = [
      ...SIZES.map((size): [string, () => BenchPolicies] => [sizeName(size), mix(size)]),
      ...sets.map((set): [string, () => BenchPolicies] => [set().name, set]),
    ];
    for (const [name, set] of named) {
      add(`${way.name}, ${name}`, () => encapsulating(way, set()));
    }
    if (way.tunnel === 'external') continue;
    add(`${way.name}, decapsulation`, () => decapsulating(way));
    for (const direction of directions) {
      for (const routers of ROUTERS) {
        const count = `${routers.toLocaleString('en')} mobile ${routers === 1 ? 'router' : 'routers'}`;
        add(`${way.name}, home agent, ${count}, ${direction}`, () => homeAgent(way, routers, direction));
      }
    }
  }
  add('nftables, 1 rule', () => netfilter('linear rules', mix(1)()));
  add('nftables, 100 linear rules', () => netfilter('linear rules', mix(100)()));
  for (const size of [1_000, 10_000]) {
    add(`nftables, ${size.toLocaleString('en')} map elements`, () =>
      netfilter('interval map', disjointMix(size)),
    );
  }
  if (peers.has('ovs')) {
    for (const size of OVS_SIZES) {
      add(`Open vSwitch, ${sizeName(size)}`, () => openVswitch(mix(size)(), cpu));
    }
  }
  const ratios = wantedRatios(sets.map((set) => set().name));
  const chosen = ([name]: [string, ...unknown[]]): boolean =>
    // Every ratio is printed net of the generator too.
    name === GENERATOR ||
    ((only.length === 0 || only.some((word) => name.includes(word))) &&
      (!quick || ratios.some(({ a, b }) => a === name || b === name)));
  return { contenders: entries.filter(chosen).map(([, make]) => make()), ratios };
}

const sizeName = (size: number): string =>
  `${size.toLocaleString('en')} ${size === 1 ? 'policy' : 'policies'}`;

function wantedRatios(sets: readonly string[]): WantedRatio[] {
  const [xdp, tc, device] = [ways.xdp.name, ways.tc.name, ways.device.name];
  const [one, thousand, most] = [1, 1_000, 100_000].map((size) => sizeName(size));
  const agent = (routers: string, direction: string): string =>
    `${tc}, home agent, ${routers}, ${direction} the routers`;
  return [
    { a: `${xdp}, ${one}`, b: 'bare XDP redirect', target: 0.85 },
    { a: `${xdp}, ${thousand}`, b: `${xdp}, ${one}`, target: 0.85 },
    { a: `${xdp}, ${most}`, b: `${xdp}, ${one}`, target: 0.6 },
    ...sets.map((set) => ({
      a: `${xdp}, ${set}`,
      b: `${xdp}, ${one}`,
      target: set.startsWith('ipc1') ? 0.45 : null,
    })),
    { a: `${xdp}, ${one}`, b: 'nftables, 1 rule', target: 6.5 },
    { a: `${xdp}, 100 policies`, b: 'nftables, 100 linear rules', target: 15 },
    { a: `${xdp}, ${thousand}`, b: 'nftables, 1,000 map elements', target: 6.5 },
    ...OVS_SIZES.map((size) => ({
      a: `${xdp}, ${sizeName(size)}`,
      b: `Open vSwitch, ${sizeName(size)}`,
      target: null,
      apart: true,
    })),
    { a: `${tc}, ${one}`, b: 'bare TC redirect', target: 0.8 },
    { a: `${tc}, ${one}`, b: 'nftables, 1 rule', target: 2 },
    { a: `${tc}, ${thousand}`, b: `${tc}, ${one}`, target: null },
    { a: `${tc}, ${most}`, b: `${tc}, ${one}`, target: null },
    ...sets.map((set) => ({ a: `${tc}, ${set}`, b: `${tc}, ${one}`, target: null })),
    { a: `${tc}, 100 policies`, b: 'nftables, 100 linear rules', target: null },
    { a: `${tc}, ${thousand}`, b: 'nftables, 1,000 map elements', target: null },
    { a: `${tc}, ${one}`, b: 'plain forwarding', target: null },
    { a: `${tc}, ${one}`, b: `${device}, ${one}`, target: null },
    { a: `${xdp}, decapsulation`, b: 'bare XDP redirect', target: 0.85 },
    { a: `${tc}, decapsulation`, b: 'bare TC redirect', target: null },
    ...['to', 'from'].flatMap((direction) =>
      [xdp, tc].map((way) => ({
        a: agent('10,000 mobile routers', direction).replace(tc, way),
        b: agent('1 mobile router', direction).replace(tc, way),
        target: 0.8,
      })),
    ),
  ];
}

function memoized<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

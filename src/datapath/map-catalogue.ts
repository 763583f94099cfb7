import { CX_BLOCK_NODES, CX_GENERATIONS } from './generated.js';

/** Our maps and what a row of each means, in the order in which a packet meets them. */
export const MAP_MEANINGS = {
  cx_settings: 'words that change while we run, one per enum cx_setting',
  cx_routes: 'destination prefix -> router whose home route it is; 0 leaves it to the stack',
  cx_prefixes: 'mobile network prefix or home address -> router that owns it',
  cx_routers: 'per generation and router: its set of policies, and what it counts ids and indices from',
  cx_policy_sets: 'per generation: policies that routers share, and their bindings by BID-PRI',
  cx_router_keys: 'router id -> home address',
  cx_blocks: 'the decision trees of both generations, in blocks of nodes',
  cx_cgroups: 'cgroup and generation -> number of the cgroup in its policies',
  cx_fragments: 'what first fragments showed, for the others of their packets',
  cx_fragment_slices: 'ifindex -> part of cx_fragments',
  cx_policies: 'the policies of both generations',
  cx_policy_keys: 'policy id -> router and FID',
  cx_policy_count: 'packets by policy id',
  cx_binding_slot: 'binding index -> row in use; 0 is not usable',
  cx_binding_rows: 'outer addresses and way out of a binding',
  cx_binding_keys: 'binding index -> router and BID, and what was registered at run time',
  cx_binding_count: 'traffic by binding index',
  cx_tunnel_ends: 'accepted outer addresses -> row of cx_tunnel_end_rows',
  cx_tunnel_end_rows: 'accepted outer addresses and their binding',
  cx_tunnel_devices:
    'tunnel device of a binding, or interface id on one for several -> row of cx_tunnel_device_rows',
  cx_tunnel_device_rows: 'tunnel device and its binding',
  cx_spis: 'outer destination and SPI of ESP that protects a binding',
  cx_neighbours: 'on-link inner destination -> row of cx_neighbour_rows',
  cx_neighbour_rows: 'link and MAC of an on-link inner destination',
  cx_ports: 'ifindex % CX_PORT_ROWS -> MAC of an interface and whether XDP may transmit there',
  cx_devices: 'ifindex % CX_PORT_ROWS -> device that XDP programs give packets to',
  cx_answer_budgets: 'how many ICMPv6 errors each CPU may send now',
  cx_signals: 'packets with mobility headers to addresses of ours, for the daemon',
  cx_signal_keys: 'mobility SPI of a key of ours -> how many mobility headers have named it in this second',
  cx_signal_budgets: 'how many mobility headers senders have sent in this second',
  cx_scratch: 'room that each CPU works in',
  cx_reasons: 'packets by hook and reason',
} as const;

export type MapName = keyof typeof MAP_MEANINGS;

export const MAP_NAMES = Object.keys(MAP_MEANINGS) as MapName[];

/** Sizes that come from the config's limits. */
export interface DatapathLimits {
  bindings: number;
  routers: number;
  policies: number;
  prefixes: number;
  routes: number;
  neighbours: number;
}

/** Rows of a pool for each index: one in use, one being written, and some that wait for a grace period. */
const ROWS_PER_BINDING = 4;
const ROWS_PER_ENTRY = 2;

/** As many as `coax keys` makes by itself, for the old and the new care-of address. */
const SPIS_PER_BINDING = 128;

/** Nodes for each policy: large sets that overlap much need about half of it, and leaves grow before a set is
 * refused. Beyond so many policies they belong to many routers, whose small trees need less. */
const NODES_PER_POLICY = 24;
const NODES_PER_POLICY_OF_MANY = 6;
const MANY_POLICIES = 1 << 17;
const LEAST_NODES = 1 << 13;

function nodesFor(policies: number): number {
  const many = Math.max(0, policies - MANY_POLICIES);
  const few = policies - many;
  return Math.max(LEAST_NODES, few * NODES_PER_POLICY + many * NODES_PER_POLICY_OF_MANY);
}

/** Rows of each map for the given limits; maps that are not named keep the size in bpf/maps.h. */
export function mapSizes(limits: DatapathLimits): Partial<Record<MapName, number>> {
  // Index and id 0 are never used. A reload may replace every binding, router and policy: the new ones get
  // their numbers while the active generation still uses the old ones.
  const bindings = 2 * limits.bindings + 1;
  const routers = 2 * limits.routers + 1;
  // Old and new care-of addresses of a binding are accepted side by side, and each local address has its own
  // row that refuses strangers.
  const tunnelEnds = limits.bindings * 4 + 16;
  // Two where the care-of address changes, and as many that are going.
  const tunnelDevices = limits.bindings * 4;
  return {
    cx_routes: limits.routes,
    cx_prefixes: limits.prefixes,
    cx_routers: CX_GENERATIONS * routers,
    // At worst each router has its own; row 0 is the empty one.
    cx_policy_sets: CX_GENERATIONS * routers,
    cx_router_keys: routers,
    cx_blocks: CX_GENERATIONS * Math.ceil(nodesFor(limits.policies) / CX_BLOCK_NODES),
    cx_policies: CX_GENERATIONS * limits.policies,
    cx_policy_keys: 2 * limits.policies + 1,
    cx_policy_count: 2 * limits.policies + 1,
    cx_binding_slot: bindings,
    cx_binding_rows: bindings * ROWS_PER_BINDING,
    cx_binding_keys: bindings,
    cx_binding_count: bindings,
    cx_tunnel_ends: tunnelEnds,
    cx_tunnel_end_rows: tunnelEnds * ROWS_PER_ENTRY,
    cx_tunnel_devices: tunnelDevices,
    cx_tunnel_device_rows: tunnelDevices * ROWS_PER_ENTRY + 1,
    cx_signal_keys: limits.routers,
    cx_spis: limits.bindings * SPIS_PER_BINDING,
    cx_neighbours: limits.neighbours,
    cx_neighbour_rows: limits.neighbours * ROWS_PER_ENTRY + 1,
  };
}

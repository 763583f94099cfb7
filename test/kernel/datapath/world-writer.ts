/** Makes maps say what a world is, by the project's own writers. */
import type { BindingTable } from '../../../src/datapath/binding-table.js';
import type { GenerationTable } from '../../../src/datapath/generation-table.js';
import {
  CxSetting,
  type CxTunnelEnd,
  encodeCxNeighbour,
  encodeCxTunnelDevice,
  encodeCxTunnelDeviceKey,
  encodeCxTunnelEnd,
  encodeCxTunnelEndKey,
} from '../../../src/datapath/index.js';
import type { PolicyIds } from '../../../src/datapath/policy-ids.js';
import type { PrefixMap } from '../../../src/datapath/prefix-map.js';
import type { RouterIds } from '../../../src/datapath/router-ids.js';
import type { RowMap } from '../../../src/datapath/row-map.js';
import type { Settings } from '../../../src/datapath/settings.js';
import type { SpiSet } from '../../../src/datapath/spi-set.js';
import { parseIpv6 } from '../../../src/libbpf-ts/index.js';
import { Prefix } from '../../../src/net/index.js';
import {
  type CompiledGeneration,
  compileGeneration,
  type RouterPolicySet,
} from '../../../src/policy/index.js';
import type { World } from './test-datapath.js';
import { HOME_ADDRESS } from './worlds.js';

/** The writers of a datapath, as `Datapath` has them. */
export interface Writers {
  readonly settings: Settings;
  readonly bindings: BindingTable;
  readonly generations: GenerationTable;
  readonly policyIds: PolicyIds;
  readonly routerIds: RouterIds;
  readonly routes: PrefixMap;
  readonly prefixes: PrefixMap;
  readonly tunnelEnds: RowMap;
  readonly tunnelDevices: RowMap;
  readonly spis: SpiSet;
  readonly neighbours: RowMap;
}

/** Writes all of it and takes away what is not in it. */
export async function writeWorld(writers: Writers, world: World): Promise<void> {
  const network = ({ prefix, router }: { prefix: string; router: number }) => ({
    prefix: Prefix.parse(prefix),
    router,
  });
  writers.routes.sync(world.routes.map(network));
  writers.prefixes.sync(world.prefixes.map(network));
  for (const { router, bid, row } of world.bindings) {
    await writers.bindings.set(writers.bindings.index({ router, bid }), row && { ...row, router, bid });
  }
  const known = new Set(world.bindings.map(({ router, bid }) => `${router}/${bid}`));
  for (const { router, bid, index } of writers.bindings.identities()) {
    if (!known.has(`${router}/${bid}`)) {
      await writers.bindings.set(index, undefined);
    }
  }
  await writers.tunnelEnds.sync(tunnelRows(writers, world));
  await writers.tunnelDevices.sync(
    (world.devices ?? []).map(({ ifindex, router, bid }) => {
      const binding = writers.bindings.index({ router, bid });
      const key = { ifindex, interfaceId: 0 };
      return [encodeCxTunnelDeviceKey(key), encodeCxTunnelDevice({ key, binding, router })] as const;
    }),
  );
  writers.spis.sync(world.spis ?? []);
  await writers.neighbours.sync(
    world.neighbours.map((row) => [parseIpv6(row.address), encodeCxNeighbour(row)] as const),
  );
  // The first id is 1, the router that the worlds give the home address to.
  writers.routerIds.id(HOME_ADDRESS);
  writers.settings.set(CxSetting.HOME_IFINDEX, world.homeIfindex);
  const generation = compileFor(writers, world.routers);
  await writers.policyIds.save();
  await writers.generations.activate(generation);
}

/** Interfaces that the policies of worlds may name; only the first one is there, behind the stack that is enough. */
export const INTERFACES: ReadonlyMap<string, number> = new Map([
  ['lo', 1],
  ['lan7', 7],
]);
/** Cgroups that the policies of worlds may name; a test puts them in. */
export const CGROUPS = new Map<string, bigint>();

/** The policies of some routers with the binding indices and policy ids of these maps. */
export function compileFor(writers: Writers, routers: readonly RouterPolicySet[]): CompiledGeneration {
  return compileGeneration(routers, {
    bindingIndex: (router, bid) => writers.bindings.index({ router, bid }),
    policyId: (router, fid) => writers.policyIds.id(router, fid),
    ifindex: (name) => INTERFACES.get(name),
    cgroupId: (path) => CGROUPS.get(path),
    limits: writers.generations.limits,
  });
}

function tunnelRows(writers: Writers, world: World): (readonly [Uint8Array, Uint8Array])[] {
  const rows: CxTunnelEnd[] = world.tunnels.map(({ local, remote, router, bid }) => ({
    local,
    remote,
    router,
    binding: writers.bindings.index({ router, bid }),
  }));
  for (const local of new Set(world.tunnels.map((tunnel) => tunnel.local))) {
    rows.push({ local, remote: '::', router: 0, binding: 0 });
  }
  for (const ends of world.signals ?? []) rows.push({ ...ends, router: 0, binding: 0 });
  return rows.map((row) => [encodeCxTunnelEndKey(row), encodeCxTunnelEnd(row)] as const);
}

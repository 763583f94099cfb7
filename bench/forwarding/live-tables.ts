// The tables of a datapath that packets use, without its daemon: what would take the daemon long to read from a
// file is written straight into them, by its own writers.
import { BindingTable } from '../../src/datapath/binding-table.js';
import { GenerationTable } from '../../src/datapath/generation-table.js';
import { CxBindingFlag, Instance } from '../../src/datapath/index.js';
import type { MapName } from '../../src/datapath/map-catalogue.js';
import { PolicyIds } from '../../src/datapath/policy-ids.js';
import { PrefixMap } from '../../src/datapath/prefix-map.js';
import { RouterIds } from '../../src/datapath/router-ids.js';
import { RowMap } from '../../src/datapath/row-map.js';
import { Settings } from '../../src/datapath/settings.js';
import { BpfMap } from '../../src/libbpf-ts/index.js';
import { PolicyCompiler, type RouterPolicySet } from '../../src/policy/index.js';

/** A datapath is not in the state that a measurement needs. */
class LiveTablesError extends Error {
  readonly code = 'BENCH_TABLES_UNFIT';
}

export class LiveTables implements Disposable {
  readonly bindings: BindingTable;
  readonly generations: GenerationTable;
  readonly policyIds: PolicyIds;
  readonly routerIds: RouterIds;
  readonly routes: PrefixMap;
  readonly prefixes: PrefixMap;
  readonly tunnelEnds: RowMap;
  readonly #maps: BpfMap[] = [];

  /** Opens the pinned maps of an instance whose daemon has ended: there is one writer. */
  constructor(name: string, bpffs: string) {
    const instance = new Instance(name, bpffs);
    const map = (name: MapName): BpfMap => {
      const opened = BpfMap.fromPin(instance.mapPin(name));
      this.#maps.push(opened);
      return opened;
    };
    this.bindings = new BindingTable({
      slots: map('cx_binding_slot'),
      rows: map('cx_binding_rows'),
      keys: map('cx_binding_keys'),
      counters: map('cx_binding_count'),
    });
    this.generations = new GenerationTable(
      {
        blocks: map('cx_blocks'),
        policies: map('cx_policies'),
        policySets: map('cx_policy_sets'),
        routers: map('cx_routers'),
        cgroups: map('cx_cgroups'),
      },
      new Settings(map('cx_settings')),
    );
    this.policyIds = new PolicyIds(map('cx_policy_keys'), map('cx_policy_count'));
    this.routerIds = new RouterIds(map('cx_router_keys'));
    this.routes = new PrefixMap(map('cx_routes'));
    this.prefixes = new PrefixMap(map('cx_prefixes'));
    this.tunnelEnds = new RowMap(map('cx_tunnel_ends'), map('cx_tunnel_end_rows'));
  }

  /** Makes these the policies that decide. @throws PolicyError */
  async activate(routers: readonly RouterPolicySet[]): Promise<void> {
    const compiler = new PolicyCompiler();
    try {
      const compiled = await compiler.compile(routers, {
        bindingIndex: (router, bid) => this.bindings.index({ router, bid }),
        policyId: (router, fid) => this.policyIds.id(router, fid),
        ifindex: () => undefined,
        cgroupId: () => undefined,
        limits: this.generations.limits,
      });
      await this.policyIds.save();
      await this.generations.activate(compiled);
    } finally {
      await compiler.close();
    }
  }

  /** @throws LiveTablesError when a packet of a binding would have to look for its next hop */
  checkNextHops(): void {
    for (const { router, bid, index } of this.bindings.identities()) {
      const row = this.bindings.current(index);
      if (row === undefined || (row.flags & CxBindingFlag.MAC_KNOWN) === 0)
        throw new LiveTablesError(`binding ${bid} of router ${router} has no next hop`);
    }
  }

  [Symbol.dispose](): void {
    for (const map of this.#maps) map.close();
  }
}

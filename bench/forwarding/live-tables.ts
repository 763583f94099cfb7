// The tables of a datapath that packets use, without its daemon: what would take the daemon long to read from a
// file is written straight into them, by its own writers.
import { CxBindingFlag, Instance } from '../../src/datapath/index.js';
import { Tables } from '../../src/datapath/tables.js';
import { BpfMap } from '../../src/libbpf-ts/index.js';
import { PolicyCompiler, type RouterPolicySet } from '../../src/policy/index.js';

/** A datapath is not in the state that a measurement needs. */
class LiveTablesError extends Error {
  readonly code = 'BENCH_TABLES_UNFIT';
}

export class LiveTables extends Tables implements Disposable {
  readonly #maps: BpfMap[];

  /** Opens the pinned maps of an instance whose daemon has ended: there is one writer. */
  constructor(name: string, bpffs: string) {
    const instance = new Instance(name, bpffs);
    const maps: BpfMap[] = [];
    super((name) => {
      const opened = BpfMap.fromPin(instance.mapPin(name));
      maps.push(opened);
      return opened;
    });
    this.#maps = maps;
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

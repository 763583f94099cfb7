import type { NetlinkSnapshot } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';
import type { RouterPlan } from './plan.js';
import { factsOf } from './policy-facts.js';

/**
 * All that a generation is made of: two that are the same make the same generation. The lists of policies are
 * compared by identity: a config is frozen, and a new one brings new lists.
 */
export class PolicyInputs {
  /** By router id. */
  readonly #routers = new Map<number, { readonly policies: readonly Policy[]; readonly facts: string }>();

  constructor(
    routers: readonly RouterPlan[],
    snapshot: NetlinkSnapshot,
    cgroupId: (path: string) => bigint | undefined,
  ) {
    this.replace(routers, snapshot, cgroupId);
  }

  /** Makes it the inputs with these routers as they are now. */
  replace(
    routers: readonly RouterPlan[],
    snapshot: NetlinkSnapshot,
    cgroupId: (path: string) => bigint | undefined,
  ): void {
    const indices = new Map(snapshot.links.map((link) => [link.name, link.ifindex]));
    for (const { id, bindings, policies } of routers) {
      let facts = '';
      for (const { bid, priority, index } of bindings) facts += `${bid} ${priority} ${index} `;
      const { interfaces, cgroups } = factsOf(policies);
      for (const name of interfaces) facts += `${indices.get(name)} `;
      for (const path of cgroups) facts += `${cgroupId(path)} `;
      this.#routers.set(id, { policies, facts });
    }
  }

  equals(other: PolicyInputs | undefined): boolean {
    if (other === undefined || this.#routers.size !== other.#routers.size) return false;
    for (const [id, { policies, facts }] of this.#routers) {
      const counterpart = other.#routers.get(id);
      if (counterpart?.policies !== policies || counterpart.facts !== facts) return false;
    }
    return true;
  }
}

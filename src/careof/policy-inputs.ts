import type { NetlinkSnapshot } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';
import type { Plan } from './plan.js';
import { factsOf } from './policy-facts.js';

/**
 * All that a generation is made of: two that are the same make the same generation. The lists of policies are
 * compared by identity: a config is frozen, and a new one brings new lists.
 */
export class PolicyInputs {
  readonly #lists: readonly (readonly Policy[])[];
  readonly #facts: string;

  constructor(plan: Plan, snapshot: NetlinkSnapshot, cgroupId: (path: string) => bigint | undefined) {
    this.#lists = plan.routers.map(({ policies }) => policies);
    const indices = new Map(snapshot.links.map((link) => [link.name, link.ifindex]));
    const facts: (string | number | undefined)[] = [];
    for (const { id, bindings, policies } of plan.routers) {
      facts.push(id, ...bindings.flatMap(({ bid, priority, index }) => [bid, priority, index]));
      const { interfaces, cgroups } = factsOf(policies);
      for (const name of interfaces) facts.push(indices.get(name));
      for (const path of cgroups) facts.push(String(cgroupId(path)));
    }
    this.#facts = facts.join(' ');
  }

  equals(other: PolicyInputs | undefined): boolean {
    return (
      other !== undefined &&
      this.#facts === other.#facts &&
      this.#lists.length === other.#lists.length &&
      this.#lists.every((list, at) => list === other.#lists[at])
    );
  }
}

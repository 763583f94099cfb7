import type { Policy } from '../policy/index.js';

/** What the controller wants to know about a list of policies again and again. */
export interface PolicyFacts {
  /** Interfaces that policies name. */
  readonly interfaces: ReadonlySet<string>;
  /** Cgroups that policies name. */
  readonly cgroups: ReadonlySet<string>;
  /** Whether some let packets bypass us, at which interfaces, and whether some of them those of a cgroup. */
  readonly bypasses: boolean;
  readonly bypassInterfaces: ReadonlySet<string>;
  readonly bypassesCgroup: boolean;
}

const known = new WeakMap<readonly Policy[], PolicyFacts>();

/**
 * Looked up once for each list, which is frozen: there may be tens of thousands of policies, and every message of the
 * kernel makes a run.
 */
export function factsOf(policies: readonly Policy[]): PolicyFacts {
  let facts = known.get(policies);
  if (facts === undefined) {
    facts = lookThrough(policies);
    known.set(policies, facts);
  }
  return facts;
}

function lookThrough(policies: readonly Policy[]): PolicyFacts {
  const interfaces = new Set<string>();
  const cgroups = new Set<string>();
  const bypassInterfaces = new Set<string>();
  let bypasses = false;
  let bypassesCgroup = false;
  for (const { action, selector } of policies) {
    const isBypass = action.kind === 'bypass';
    bypasses ||= isBypass;
    for (const name of selector.interface ?? NONE) {
      interfaces.add(name);
      if (isBypass) bypassInterfaces.add(name);
    }
    if (selector.cgroup === undefined) continue;
    bypassesCgroup ||= isBypass;
    for (const path of selector.cgroup) cgroups.add(path);
  }
  return { interfaces, cgroups, bypasses, bypassInterfaces, bypassesCgroup };
}

const NONE: readonly string[] = [];

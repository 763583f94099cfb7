import type { Chain, InterfaceMatch, Rule, Ruleset } from './ruleset.js';

/** A rule, or the policy of a chain, that packets do not meet when they skip the stack. */
export interface BypassedRule {
  family: string;
  table: string;
  chain: string;
  /** Undefined for the policy of a chain. */
  handle: number | undefined;
  text: string;
}

/** The interfaces of forwarded packets as rules can name them. */
export interface ForwardedTraffic {
  /** The interface of the mobile network, and the bridge or VRF that it belongs to. */
  ingress: readonly string[];
  /** The home interface, by which forwarded packets of the stack leave and decapsulated ones come. */
  home: string;
}

/** One of the two ways of a forwarded packet: from the mobile network, and to it. */
interface Way {
  in: readonly string[];
  out: readonly string[];
}

/** Families whose chains an IPv6 packet meets. A bridge is below the interface that we see. */
const FAMILIES: ReadonlySet<string> = new Set(['inet', 'ip6', 'netdev']);

/**
 * The rules that the fast path would bypass: whatever the forward hook has, and what tracks, translates,
 * changes or drops before and after it. A rule that only sets a packet's mark is none: a policy that asks for
 * the mark hands the packet to the stack. Nor is one that can only match on other interfaces, or IPv4.
 */
export function bypassedRules(ruleset: Ruleset, traffic: ForwardedTraffic): BypassedRule[] {
  const byName = new Map(ruleset.map((chain) => [nameOf(chain, chain.name), chain]));
  const found = new Map<Rule | Chain, BypassedRule>();
  for (const base of ruleset) {
    const { hook } = base;
    if (!hook || !FAMILIES.has(base.family)) {
      continue;
    }
    const ways = waysThrough(hook, traffic);
    const all = hook.name === 'forward';
    const seen = new Set<string>();
    const walk = (chain: Chain, open: readonly Way[]): void => {
      const visit = `${chain.name}\n${open.map((way) => ways.indexOf(way))}`;
      if (seen.has(visit)) {
        return;
      }
      seen.add(visit);
      for (const rule of chain.rules) {
        const left = open.filter((way) => rule.interfaces.every((match) => admits(match, way)));
        if (left.length === 0) {
          continue;
        }
        if (rule.touches.length > 0 || (all && rule.calls.length === 0)) {
          found.set(rule, describe(chain, rule.handle, rule.text));
        }
        for (const name of rule.calls) {
          const called = byName.get(nameOf(chain, name));
          if (called) {
            walk(called, left);
          }
        }
      }
    };
    if (ways.length > 0) {
      walk(base, ways);
      if (hook.policy === 'drop') {
        found.set(base, describe(base, undefined, 'policy drop'));
      }
    }
  }
  return [...found.values()];
}

/** Whether a chain with rules, or one that drops, looks at what leaves a device. */
export function watchesEgress(ruleset: Ruleset, device: string): boolean {
  return ruleset.some(
    ({ hook, rules }) =>
      hook?.name === 'egress' &&
      (hook.devices === undefined || hook.devices.includes(device)) &&
      (rules.length > 0 || hook.policy === 'drop'),
  );
}

/** `inet filter forward handle 4: ct state invalid drop` */
export function formatBypassedRule(rule: BypassedRule): string {
  const handle = rule.handle === undefined ? '' : ` handle ${rule.handle}`;
  return `${rule.family} ${rule.table} ${rule.chain}${handle}: ${rule.text}`;
}

function nameOf(chain: Chain, name: string): string {
  return `${chain.family}\n${chain.table}\n${name}`;
}

function describe(chain: Chain, handle: number | undefined, text: string): BypassedRule {
  return { family: chain.family, table: chain.table, chain: chain.name, handle, text };
}

/** The ways on which a packet meets a hook if the stack forwards it. */
function waysThrough(
  hook: { name: string; devices: readonly string[] | undefined },
  traffic: ForwardedTraffic,
): Way[] {
  const up = { in: traffic.ingress, out: [traffic.home] };
  const down = { in: [traffic.home], out: traffic.ingress };
  const has = (names: readonly string[]): boolean =>
    hook.devices === undefined || names.some((name) => hook.devices?.includes(name));
  switch (hook.name) {
    case 'prerouting':
    case 'forward':
    case 'postrouting':
      return [up, down];
    case 'ingress':
      return [up, down].filter((way) => has(way.in));
    case 'egress':
      // What goes to the mobile network passes its egress hook on the fast path, too.
      return [up].filter((way) => has(way.out));
    default:
      return [];
  }
}

function admits(match: InterfaceMatch, way: Way): boolean {
  const named = (name: string): boolean =>
    match.names.some((pattern) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
  const names = way[match.direction];
  return match.negated ? !names.every(named) : names.some(named);
}

import {
  type AddressMatch,
  ANY,
  formatRanges,
  holds,
  ICMPV6,
  joinCgroups,
  joinRanges,
  type Policy,
  PROTOCOLS_WITH_PORTS,
  RANGE_FIELDS,
  RANGE_KEYS,
  type Range,
  type RangeKey,
  resolveTerms,
  type Selector,
} from '../policy/index.js';
import { readAction } from './action.js';
import { checkBypasses } from './bypass.js';
import type { Path } from './document.js';
import type { Report } from './report.js';
import { defaultPolicyName, defaultPolicyPriority, type RawPolicy } from './schema.js';
import { placeOf, type SetNames } from './sets.js';
import type { TunnelKind } from './tunnel.js';
import { Uniqueness } from './uniqueness.js';

/** The bindings that policies of one router can name. */
export interface BindingNames {
  /** Name or BID as text -> BID. */
  readonly bids: ReadonlyMap<string, number>;
  /** BID -> how its outer header is made. */
  readonly tunnels: ReadonlyMap<number, TunnelKind>;
  /** Whether the external device can be given copies: the kernel has one place for what goes beside a packet. */
  readonly copying: boolean;
  /** How the bindings are listed in a hint. */
  readonly listed: string;
  /** False when some bindings are malformed or ambiguous, so that an unknown name proves nothing. */
  readonly clear: boolean;
}

/** The interfaces that policies can name. */
export interface InterfaceNames {
  readonly names: readonly string[];
  /** The setting that lists them. */
  readonly setting: 'ingress' | 'interfaces';
  /** False when some are malformed. */
  readonly clear: boolean;
}

/** What policies of one router can refer to. */
export interface PolicyWorld {
  readonly bindings: BindingNames;
  readonly sets: SetNames;
  readonly interfaces: InterfaceNames;
}

/** As many as there are FIDs and priorities. */
const MOST_POLICIES = 0xffff;

const places = new WeakMap<Policy, Path>();

/** Where in its file a policy stands that was read from one. */
export function placeOfPolicy(policy: Policy): Path | undefined {
  return places.get(policy);
}

/**
 * Completes the policies of one router (FIDs, names, priorities, BIDs of binding names, addresses of sets) and
 * reports what is wrong with them. Malformed ones are undefined and left out. The result is in the order of
 * priority.
 */
export function readPolicies(
  raw: readonly (RawPolicy | undefined)[],
  world: PolicyWorld,
  path: Path,
  report: Report,
): readonly Policy[] {
  if (raw.length > MOST_POLICIES) {
    report.at(
      [...path, MOST_POLICIES],
      `a router has at most ${MOST_POLICIES} policies`,
      'join some of them by wider selectors',
    );
  }
  const fids = new Uniqueness('FID', report);
  const names = new Uniqueness('policy name', report);
  const priorities = new Uniqueness('policy priority', report);
  const nextFid = freeFids(raw);
  const policies: Policy[] = [];
  for (const [position, policy] of raw.entries()) {
    if (policy === undefined) continue;
    const at = [...path, position];
    const fid = policy.fid ?? nextFid();
    const name = policy.name ?? defaultPolicyName(fid);
    const priority = policy.priority ?? defaultPolicyPriority(position, raw.length);
    fids.add(fid, [...at, 'fid'], 'write another one, or leave it out to get the next free one');
    names.add(name, [...at, 'name'], 'write another name');
    priorities.add(
      priority,
      policy.priority === undefined ? at : [...at, 'priority'],
      'write another one; policies without a priority have 10, 20, ... by position',
    );
    const selector = readSelector(policy.match, world, [...at, 'match'], report);
    const decision = readAction(policy, world.bindings, at, report);
    if (decision === undefined) continue;
    const read: Policy = { fid, name, priority, selector, ...decision };
    places.set(read, at);
    policies.push(read);
  }
  policies.sort((a, b) => a.priority - b.priority);
  const role = world.interfaces.setting === 'ingress' ? 'mobile-router' : 'home-agent';
  checkBypasses(policies, role, (policy) => placeOfPolicy(policy) ?? path, report);
  return policies;
}

function freeFids(raw: readonly (RawPolicy | undefined)[]): () => number {
  const taken = new Set(raw.map((policy) => policy?.fid));
  let next = 1;
  return () => {
    while (taken.has(next)) next++;
    return next++;
  };
}

type RawMatch = RawPolicy['match'];

function readSelector(match: RawMatch, world: PolicyWorld, path: Path, report: Report): Selector {
  const selector: Selector = {
    ...ANY,
    mark: match.mark,
    source: readAddresses(match, 'source', world.sets, path, report),
    destination: readAddresses(match, 'destination', world.sets, path, report),
    ...Object.fromEntries(RANGE_KEYS.map((key) => [key, ranges(match, key)])),
    interface: readInterfaces(match, world.interfaces, path, report),
    cgroup: match.cgroup && joinCgroups(match.cgroup.items),
  };
  checkPossible(match, selector, path, report);
  return selector;
}

function ranges(match: RawMatch, key: RangeKey): readonly Range[] | undefined {
  const given = match[RANGE_FIELDS[key].word];
  return given && joinRanges(given.items);
}

function readAddresses(
  match: RawMatch,
  key: 'source' | 'destination',
  sets: SetNames,
  path: Path,
  report: Report,
): AddressMatch | undefined {
  const given = match[key];
  if (given === undefined) return undefined;
  for (const [position, term] of given.items.entries()) {
    if (!('set' in term) || sets.find(term.set) !== undefined || !sets.clear) continue;
    report.at(placeOf([...path, key], given, position), `there is no set "@${term.set}"`, sets.listed);
  }
  return resolveTerms(given.items, (set) => sets.find(set) ?? []);
}

function readInterfaces(
  match: RawMatch,
  { names, setting, clear }: InterfaceNames,
  path: Path,
  report: Report,
): readonly string[] | undefined {
  const given = match.interface;
  if (given === undefined) return undefined;
  for (const [position, name] of given.items.entries()) {
    if (!clear || names.includes(name)) continue;
    const there = names.length > 0 ? `write one of ${names.join(', ')}, or ` : '';
    const what = setting === 'ingress' ? 'an ingress interface' : 'an interface of this home agent';
    report.at(
      placeOf([...path, 'interface'], given, position),
      `${JSON.stringify(name)} is not ${what}`,
      `${there}add it to ${setting}:`,
    );
  }
  return [...new Set(given.items)].sort();
}

/** Fields that no packet has together; such a policy could never match. */
function checkPossible(match: RawMatch, selector: Selector, path: Path, report: Report): void {
  const { protocol } = selector;
  const asked = protocol === undefined ? '' : formatRanges('protocol', protocol).join(', ');
  const never = (key: string, why: string, hint: string): void =>
    report.atKey([...path, key], `${why}, so this policy can never match`, hint);
  for (const key of ['source-port', 'destination-port'] as const) {
    if (match[key] === undefined) continue;
    if (protocol === undefined) {
      report.atKey(
        [...path, key],
        'a port needs a protocol that has ports',
        "add 'protocol: udp' or 'protocol: tcp'",
      );
    } else if (!PROTOCOLS_WITH_PORTS.some((one) => holds(protocol, one))) {
      never(key, `protocol ${asked} has no ports`, 'remove the port, or write tcp, udp or sctp as protocol');
    }
  }
  const ports = match['source-port'] ?? match['destination-port'];
  for (const key of ['icmp-type', 'icmp-code'] as const) {
    if (match[key] === undefined) continue;
    const what = key === 'icmp-type' ? 'ICMPv6 types' : 'ICMPv6 codes';
    if (!holds(protocol, ICMPV6)) {
      never(key, `protocol ${asked} has no ${what}`, `remove ${key}, or write protocol: icmpv6`);
    } else if (ports !== undefined) {
      never(key, `packets with ports have no ${what}`, 'write two policies, one for each protocol');
    }
  }
  if (match.interface !== undefined && match.cgroup !== undefined) {
    never(
      'cgroup',
      'packets that came in by an interface have no sending process here',
      'remove cgroup (for forwarded traffic) or interface (for local traffic)',
    );
  }
}

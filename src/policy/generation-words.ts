/**
 * The policies of all routers as words, with everything looked up that only this process knows. Routers follow
 * each other; one is: router id, levels of cgroups, number of bindings, their indices in the order of BID-PRI,
 * number of policies, then these in the order of FID-PRI (`tree/policy-words.ts`).
 */
import { bindingsOf } from './action.js';
import { isWithinCgroup } from './cgroup.js';
import { CgroupNumbers, cgroupDepth } from './cgroup-numbers.js';
import type { Action, Policy, PolicyBinding, RouterPolicySet } from './policy.js';
import { PolicyError } from './policy-error.js';
import type { Range, Selector } from './selector.js';
import { BINDINGS_PER_POLICY, BINDINGS_PER_ROUTER, CGROUP_BYPASSES, CGROUP_LEVELS } from './table.js';
import { type ResolvedPolicy, writePolicy } from './tree/policy-words.js';
import { WordList } from './tree/word-list.js';

/** What compiling needs to know of the datapath's tables and of the machine. */
export interface CompileContext {
  /** Index of a binding in the binding slots; called only with BIDs of that router's set. */
  bindingIndex(routerId: number, bid: number): number;
  /** Index of a policy's counters; the same policy must keep it over generations. */
  policyId(routerId: number, fid: number): number;
  /** Index of an interface; undefined while there is none of that name, so that it matches nothing. */
  ifindex(name: string): number | undefined;
  /** The kernel's id of a cgroup; undefined while there is none of that path. */
  cgroupId(path: string): bigint | undefined;
  readonly limits: {
    /** Most policies of one generation, all routers together. */
    readonly policies: number;
    /** Highest router id. */
    readonly routers: number;
    /** Most nodes of the decision trees of one generation. */
    readonly nodes: number;
    /** Most cgroups that policies of one generation name. */
    readonly cgroups: number;
  };
}

/** A cgroup of this machine and its number in the generation. */
export interface NumberedCgroup {
  readonly id: bigint;
  readonly number: number;
}

/** What `writeGeneration` makes. */
export interface GenerationWords {
  readonly words: WordList;
  /** Counter ids of all policies. */
  readonly policyIds: Set<number>;
  readonly cgroups: readonly NumberedCgroup[];
}

/** Policies between two yields: about a quarter of a millisecond. */
const BETWEEN_YIELDS = 64;
/** The same where a policy is only looked at. */
const BETWEEN_LOOKS = 256;
/** More than most have. */
const WORDS_PER_POLICY = 40;
const WORDS_PER_ROUTER = 4 + BINDINGS_PER_ROUTER;

/**
 * Writes the words, and yields between parts so that the caller can let others run.
 * @throws PolicyError POLICY_LIMIT naming what does not fit; POLICY_BINDING_UNKNOWN
 */
export function* writeGeneration(
  routers: readonly RouterPolicySet[],
  context: CompileContext,
): Generator<void, GenerationWords> {
  const count = routers.reduce((sum, { policies }) => sum + policies.length, 0);
  // Mostly enough, so that nothing is copied: memory is taken only as far as it is written.
  const words = new WordList((1 << 12) + WORDS_PER_POLICY * count + WORDS_PER_ROUTER * routers.length);
  const policyIds = new Set<number>();
  const numbers = yield* numberCgroups(routers, context);
  const inOrder = yield* sortPolicies(routers);
  let used = 0;
  let previousId = 0;
  for (const router of [...routers].sort((a, b) => a.routerId - b.routerId)) {
    const policies = inOrder.get(router) ?? router.policies;
    checkRouter(router, policies, used, previousId, context);
    used += policies.length;
    previousId = router.routerId;
    const { routerId } = router;
    if (policies.length === 0) {
      // As nearly all of many routers are.
      writeBindingsAlone(words, router, context);
      if (routerId % BETWEEN_YIELDS === 0) yield;
      continue;
    }
    const bindings = [...router.bindings].sort(byBindingPriority).map(({ bid }, position) => ({
      bid,
      position,
      index: context.bindingIndex(routerId, bid),
    }));
    const byBid = new Map(bindings.map((binding) => [binding.bid, binding]));
    words.push(routerId);
    const fragmentsAt = words.length;
    words.push(0);
    const depthAt = words.length;
    words.push(0);
    words.push(bindings.length);
    for (const { index } of bindings) words.push(index);
    words.push(policies.length);
    let depth = 0;
    let hasCgroups = false;
    let asksForFirst = false;
    for (const [position, policy] of policies.entries()) {
      const { fid, priority, selector, action, otherwise } = policy;
      checkAction(routerId, policy, byBid);
      const id = context.policyId(routerId, fid);
      policyIds.add(id);
      asksForFirst ||= asksForFirstFragment(selector, context);
      if (selector.cgroup !== undefined) {
        hasCgroups = true;
        for (const path of selector.cgroup) depth = Math.max(depth, cgroupDepth(path));
      }
      writePolicy(words, {
        fid,
        priority,
        id,
        action: action.kind,
        otherwise,
        bindings: resolveBindings(action, byBid),
        selector,
        interface: selector.interface && ifindices(selector.interface, context),
        cgroup: selector.cgroup && intervals(selector.cgroup, numbers),
      });
      if (position % BETWEEN_YIELDS === 0) yield;
    }
    // A cgroup at the root is at depth 0, which would say that there is none.
    words.words[fragmentsAt] = Number(asksForFirst);
    words.words[depthAt] = hasCgroups ? Math.max(depth, 1) : 0;
    if (routerId % BETWEEN_YIELDS === 0) yield;
  }
  const byCgroupAlone = numbers.paths.length === 0 ? [] : yield* onlyCgroups(routers);
  const cgroups = numbers.paths.flatMap((path, at) => {
    const id = context.cgroupId(path);
    const bypasses = byCgroupAlone.some((policies) => bypassesCgroup(policies, path));
    return id === undefined ? [] : [{ id, number: (at + 1) | (bypasses ? CGROUP_BYPASSES : 0) }];
  });
  return { words, policyIds, cgroups };
}

/** A router without policies: it asks for nothing, and its bindings take its packets in the order of BID-PRI. */
function writeBindingsAlone(
  words: WordList,
  { routerId, bindings }: RouterPolicySet,
  context: CompileContext,
): void {
  words.push(routerId);
  words.push(0);
  words.push(0);
  words.push(bindings.length);
  for (const { bid } of inOrderOfPriority(bindings)) words.push(context.bindingIndex(routerId, bid));
  words.push(0);
}

/** Most are in order, and to see that is faster than to sort. */
function inOrderOfPriority(bindings: readonly PolicyBinding[]): readonly PolicyBinding[] {
  const isInOrder = bindings.every(
    (binding, at) => at === 0 || byBindingPriority(bindings[at - 1] as PolicyBinding, binding) <= 0,
  );
  return isInOrder ? bindings : [...bindings].sort(byBindingPriority);
}

/**
 * Whether sockets of a cgroup bypass us: whatever their packets will be, a policy that asks for the cgroup alone is the
 * first that can match them. That nothing above it can is for the configuration to see to.
 */
function bypassesCgroup(policies: readonly Policy[], path: string): boolean {
  const first = policies.find(({ selector }) =>
    selector.cgroup?.some((ancestor) => isWithinCgroup(path, ancestor)),
  );
  return first?.action.kind === 'bypass';
}

/** The policies of each router that ask for a cgroup and nothing else, in the order of their FID-PRI. */
function* onlyCgroups(routers: readonly RouterPolicySet[]): Generator<void, readonly (readonly Policy[])[]> {
  const found: Policy[][] = [];
  let seen = 0;
  for (const { policies } of routers) {
    const here: Policy[] = [];
    for (const policy of policies) {
      if (++seen % BETWEEN_LOOKS === 0) yield;
      if (policy.selector.cgroup !== undefined && asksForCgroupAlone(policy.selector)) here.push(policy);
    }
    found.push(here.sort((a, b) => a.priority - b.priority));
  }
  return found;
}

function asksForCgroupAlone(selector: Selector): boolean {
  return Object.entries(selector).every(([field, asked]) => field === 'cgroup' || asked === undefined);
}

/** Whether a packet's later fragments do not show what a selector asks for that can match now. */
function asksForFirstFragment(selector: Selector, context: CompileContext): boolean {
  const { sourcePort, destinationPort, spi, icmpType, icmpCode } = selector;
  if ((sourcePort ?? destinationPort ?? spi ?? icmpType ?? icmpCode) === undefined) return false;
  return selector.interface?.some((name) => context.ifindex(name) !== undefined) ?? true;
}

function* numberCgroups(
  routers: readonly RouterPolicySet[],
  { limits }: CompileContext,
): Generator<void, CgroupNumbers> {
  const paths = new Set<string>();
  let seen = 0;
  for (const { routerId, policies } of routers) {
    for (const policy of policies) {
      if (++seen % BETWEEN_LOOKS === 0) yield;
      if (policy.selector.cgroup === undefined) continue;
      for (const path of policy.selector.cgroup) paths.add(path);
      const deep = policy.selector.cgroup.find((path) => cgroupDepth(path) > CGROUP_LEVELS);
      if (deep !== undefined) {
        throw new PolicyError(
          'POLICY_LIMIT',
          `${label(routerId, policy)} names the cgroup ${deep}, which is more than ${CGROUP_LEVELS} levels deep`,
          'name one above it',
        );
      }
      if (paths.size > limits.cgroups) {
        throw new PolicyError(
          'POLICY_LIMIT',
          `${label(routerId, policy)} does not fit: there is room for ${limits.cgroups} cgroups`,
          'name a cgroup above several',
        );
      }
    }
  }
  return new CgroupNumbers(paths);
}

function checkRouter(
  { routerId, bindings }: RouterPolicySet,
  policies: readonly Policy[],
  used: number,
  previousId: number,
  { limits }: CompileContext,
): void {
  if (!Number.isInteger(routerId) || routerId <= previousId) {
    throw new RangeError(`Router id ${routerId} is not a positive number of its own`);
  }
  if (routerId > limits.routers) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `Router ${routerId} does not fit: there is room for ${limits.routers} routers`,
      'raise limits.routers and restart',
    );
  }
  if (bindings.length > BINDINGS_PER_ROUTER) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `Router ${routerId} has ${bindings.length} bindings, the datapath takes ${BINDINGS_PER_ROUTER}`,
      'remove bindings',
    );
  }
  if (used + policies.length > limits.policies) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `${label(routerId, policies[limits.policies - used])} does not fit: there is room for ${limits.policies} policies`,
      'raise limits.policies and restart, or remove policies',
    );
  }
}

function checkAction(
  routerId: number,
  policy: Policy,
  known: ReadonlyMap<number, { readonly bid: number }>,
): void {
  const bids = bindingsOf(policy.action);
  if (bids.length > BINDINGS_PER_POLICY) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `${label(routerId, policy)} uses ${bids.length} bindings, the datapath takes ${BINDINGS_PER_POLICY}`,
      'list fewer bindings',
    );
  }
  const unknown = bids.find((bid) => !known.has(bid));
  if (unknown !== undefined) {
    throw new PolicyError(
      'POLICY_BINDING_UNKNOWN',
      `${label(routerId, policy)} uses binding ${unknown}, which the router does not have`,
      `use one of ${[...known.keys()].sort((a, b) => a - b).join(', ') || 'its bindings (there are none)'}`,
    );
  }
}

function ifindices(names: readonly string[], context: CompileContext): Range[] {
  const found = names.flatMap((name) => context.ifindex(name) ?? []);
  return [...new Set(found)].map((ifindex) => ({ low: ifindex, high: ifindex }));
}

function intervals(paths: readonly string[], numbers: CgroupNumbers): Range[] {
  return paths.flatMap((path) => numbers.interval(path) ?? []);
}

/** The policies of the routers whose list is in another order. FIDs settle what priorities leave open. */
function* sortPolicies(
  routers: readonly RouterPolicySet[],
): Generator<void, ReadonlyMap<RouterPolicySet, readonly Policy[]>> {
  const sorted = new Map<RouterPolicySet, readonly Policy[]>();
  let seen = 0;
  for (const router of routers) {
    const { policies } = router;
    // Most are in order, and to see that is faster than to sort.
    for (let at = 1; at < policies.length; at++) {
      if (++seen % BETWEEN_LOOKS === 0) yield;
      if (byPriority(policies[at - 1] as Policy, policies[at] as Policy) <= 0) continue;
      sorted.set(router, [...policies].sort(byPriority));
      break;
    }
  }
  return sorted;
}

interface KnownBinding {
  readonly bid: number;
  readonly position: number;
}

/** The bindings of an action that has been checked. */
function resolveBindings(
  action: Action,
  known: ReadonlyMap<number, KnownBinding>,
): ResolvedPolicy['bindings'] {
  const resolved: ResolvedPolicy['bindings'][number][] = [];
  const add = (bid: number, weight: number): void => {
    const { position } = known.get(bid) as KnownBinding;
    resolved.push({ position, weight });
  };
  if (action.kind === 'balance') for (const { bid, weight } of action.bindings) add(bid, weight);
  else for (const bid of bindingsOf(action)) add(bid, 0);
  return resolved;
}

function byPriority(a: Policy, b: Policy): number {
  return a.priority - b.priority || a.fid - b.fid;
}

function byBindingPriority(a: PolicyBinding, b: PolicyBinding): number {
  return a.priority - b.priority || a.bid - b.bid;
}

/** How a message names a policy. */
export function label(routerId: number, policy: Policy | undefined): string {
  return `Policy '${policy?.name}' (FID ${policy?.fid}) of router ${routerId}`;
}

import type { CxPolicy, CxRouter } from '../datapath/generated.js';
import { Address, type Prefix } from '../net/index.js';
import type { Policy, PolicyBinding, RouterPolicySet } from './policy.js';
import { PolicyError } from './policy-error.js';
import { ANY, type PortRange } from './selector.js';
import { BINDINGS_PER_POLICY, BINDINGS_PER_ROUTER, MATCH, POLICIES_PER_ROUTER } from './table.js';

/** What compiling needs to know of the datapath's tables. */
export interface CompileContext {
  /** Index of a binding in the binding slots; called only with BIDs of that router's set. */
  bindingIndex(routerId: number, bid: number): number;
  /** Index of a policy's counters; the same policy must keep it over generations. */
  policyId(routerId: number, fid: number): number;
  readonly limits: {
    /** Most policies of one generation, all routers together. */
    readonly policies: number;
    /** Highest router id. */
    readonly routers: number;
  };
}

/** A policy table ready to be written: `struct cx_policy` and `struct cx_router` in plain values. */
export interface CompiledGeneration {
  /** In the order of their rows within the slot. */
  readonly policies: readonly CompiledPolicy[];
  /** Index = router id; row 0 and ids without a router are all zero. */
  readonly routers: readonly CompiledRouter[];
}

/** One `struct cx_policy`; addresses as text, `::` where nothing is compared. */
export type CompiledPolicy = Readonly<CxPolicy>;

/** One `struct cx_router`. */
export type CompiledRouter = Readonly<CxRouter>;

const NO_ROUTER: CompiledRouter = Object.freeze({
  firstPolicy: 0,
  policyCount: 0,
  bindingCount: 0,
  bindings: new Array<number>(BINDINGS_PER_ROUTER).fill(0),
});
const NO_PORTS: PortRange = { low: 0, high: 0 };

/**
 * Lays the policies of all routers out as one generation. The same input gives the same output, whatever
 * the order of routers, policies and bindings in it.
 * @throws PolicyError POLICY_LIMIT naming what does not fit; POLICY_BINDING_UNKNOWN
 */
export function compileGeneration(
  routers: readonly RouterPolicySet[],
  context: CompileContext,
): CompiledGeneration {
  const policies: CompiledPolicy[] = [];
  const rows: CompiledRouter[] = [NO_ROUTER];
  for (const router of [...routers].sort((a, b) => a.routerId - b.routerId)) {
    checkRouter(router, policies.length, rows.length, context);
    while (rows.length < router.routerId) rows.push(NO_ROUTER);
    rows.push(compileRouter(router, policies.length, context));
    const known = new Set(router.bindings.map((binding) => binding.bid));
    for (const policy of inOrder(router.policies)) {
      policies.push(compilePolicy(router, policy, known, context));
    }
  }
  return Object.freeze({ policies: Object.freeze(policies), routers: Object.freeze(rows) });
}

function checkRouter(
  { routerId, policies, bindings }: RouterPolicySet,
  used: number,
  nextRouterId: number,
  { limits }: CompileContext,
): void {
  if (!Number.isInteger(routerId) || routerId < nextRouterId) {
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
  if (policies.length > POLICIES_PER_ROUTER) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `${label(routerId, inOrder(policies)[POLICIES_PER_ROUTER])} does not fit: a router has at most ${POLICIES_PER_ROUTER} policies`,
      'remove policies or join some of them by wider selectors',
    );
  }
  if (used + policies.length > limits.policies) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `${label(routerId, inOrder(policies)[limits.policies - used])} does not fit: there is room for ${limits.policies} policies`,
      'raise limits.policies and restart, or remove policies',
    );
  }
}

function compileRouter(
  router: RouterPolicySet,
  firstPolicy: number,
  context: CompileContext,
): CompiledRouter {
  const bids = [...router.bindings].sort(byBindingPriority).map((binding) => binding.bid);
  return Object.freeze({
    firstPolicy,
    policyCount: router.policies.length,
    bindingCount: bids.length,
    bindings: bindingRow(router.routerId, bids, BINDINGS_PER_ROUTER, context),
  });
}

function compilePolicy(
  { routerId }: RouterPolicySet,
  policy: Policy,
  known: ReadonlySet<number>,
  context: CompileContext,
): CompiledPolicy {
  const { selector, use } = policy;
  if (use.length > BINDINGS_PER_POLICY) {
    throw new PolicyError(
      'POLICY_LIMIT',
      `${label(routerId, policy)} uses ${use.length} bindings, the datapath takes ${BINDINGS_PER_POLICY}`,
      'list fewer bindings',
    );
  }
  const unknown = use.find((bid) => !known.has(bid));
  if (unknown !== undefined) {
    throw new PolicyError(
      'POLICY_BINDING_UNKNOWN',
      `${label(routerId, policy)} uses binding ${unknown}, which the router does not have`,
      `use one of ${[...known].sort((a, b) => a - b).join(', ') || 'its bindings (there are none)'}`,
    );
  }
  const sourcePort = selector.sourcePort ?? NO_PORTS;
  const destinationPort = selector.destinationPort ?? NO_PORTS;
  return Object.freeze({
    source: (selector.source?.address ?? Address.UNSPECIFIED).toString(),
    sourceMask: maskOf(selector.source),
    destination: (selector.destination?.address ?? Address.UNSPECIFIED).toString(),
    destinationMask: maskOf(selector.destination),
    match: matchBits(policy),
    mark: selector.mark?.value ?? 0,
    markMask: selector.mark?.mask ?? 0,
    id: context.policyId(routerId, policy.fid),
    fid: policy.fid,
    priority: policy.priority,
    sourcePortLow: sourcePort.low,
    sourcePortHigh: sourcePort.high,
    destinationPortLow: destinationPort.low,
    destinationPortHigh: destinationPort.high,
    protocol: selector.protocol ?? 0,
    bindingCount: use.length,
    bindings: bindingRow(routerId, use, BINDINGS_PER_POLICY, context),
  });
}

function matchBits({ selector }: Policy): number {
  let bits = 0;
  for (const field of Object.keys(ANY) as (keyof typeof ANY)[]) {
    if (selector[field] !== undefined) bits |= MATCH[field];
  }
  return bits;
}

function maskOf(prefix: Prefix | undefined): string {
  const length = prefix?.length ?? 0;
  const bytes = new Uint8Array(16);
  for (let bit = 0; bit < length; bit++) {
    const byte = bit >> 3;
    bytes[byte] = (bytes[byte] ?? 0) | (0x80 >> (bit & 7));
  }
  return Address.fromBytes(bytes).toString();
}

function bindingRow(
  routerId: number,
  bids: readonly number[],
  width: number,
  context: CompileContext,
): number[] {
  const row = new Array<number>(width).fill(0);
  bids.forEach((bid, position) => {
    row[position] = context.bindingIndex(routerId, bid);
  });
  return row;
}

function inOrder(policies: readonly Policy[]): Policy[] {
  // FIDs settle what a set without unique priorities leaves open.
  return [...policies].sort((a, b) => a.priority - b.priority || a.fid - b.fid);
}

function byBindingPriority(a: PolicyBinding, b: PolicyBinding): number {
  return a.priority - b.priority || a.bid - b.bid;
}

function label(routerId: number, policy: Policy | undefined): string {
  return `Policy '${policy?.name}' (FID ${policy?.fid}) of router ${routerId}`;
}

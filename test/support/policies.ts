import {
  CxAction,
  CxOtherwise,
  type CxPolicy,
  type CxPolicySet,
  type CxRouter,
  encodeCxPolicy,
  encodeCxPolicySet,
  encodeCxRouter,
} from '../../src/datapath/index.js';

/** The rows of a policy table, as the datapath takes them. */
export interface Rows {
  nodes: Uint32Array;
  policies: Uint8Array;
  policySets: Uint8Array;
  routers: Uint8Array;
  cgroups: { id: bigint; number: number }[];
}

/** A policy that names no binding. */
export const anyPolicy: CxPolicy = {
  id: 1,
  fid: 1,
  priority: 10,
  action: CxAction.USE,
  otherwise: CxOtherwise.NEXT,
  bindingCount: 0,
  weights: new Uint8Array(8),
  bindings: new Uint8Array(8),
};

/** A router without policies and bindings, where row 0 of the sets is as it should be. */
export const nobody: CxRouter = { policySet: 0, firstPolicyId: 0, firstBinding: 0 };

/** A set without policies and bindings. */
export const emptySet: CxPolicySet = {
  firstPolicy: 0,
  policyCount: 0,
  knownRoot: 0,
  unknownRoot: 0,
  fragments: 0,
  cgroupDepth: 0,
  bindingCount: 0,
  bindings: new Array<number>(16).fill(0),
};

/** A table of these rows; the words of its nodes are given too, or there are none. */
export function rowsOf(
  policies: readonly CxPolicy[],
  routers: readonly CxRouter[] = [],
  policySets: readonly CxPolicySet[] = [emptySet],
  nodes: readonly number[] = [],
): Rows {
  return {
    nodes: Uint32Array.from(nodes),
    policies: new Uint8Array(Buffer.concat(policies.map((policy) => encodeCxPolicy(policy)))),
    policySets: new Uint8Array(Buffer.concat(policySets.map((set) => encodeCxPolicySet(set)))),
    routers: new Uint8Array(Buffer.concat(routers.map((router) => encodeCxRouter(router)))),
    cgroups: [],
  };
}

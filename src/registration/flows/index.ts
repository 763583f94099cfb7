/** Flow bindings (RFC 6089): policies of a mobile router as flows, and flows as policies of its home agent. */
export {
  type Flow,
  type FlowRefusal,
  mergePolicies,
  policiesOfFlows,
  policyOfFlow,
  tableFid,
  wireFid,
} from './flow-policies.js';
export {
  type FlowContext,
  type FlowRemark,
  flowsOfBindings,
  flowsOfPolicies,
  type LocalPolicy,
  type PolicyFlows,
} from './policy-flows.js';

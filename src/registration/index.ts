/** Registration of care-of addresses (RFC 5648, 3963, 6089, 4285), both sides of it. No sockets, no clocks. */

export {
  flowsOfBindings,
  flowsOfPolicies,
  mergePolicies,
  type PolicyFlows,
  policiesOfFlows,
  policyOfFlow,
  wireFid,
} from './flows/index.js';
export {
  type AuthorisedRouter,
  type CacheChange,
  type FlowBinding,
  HomeAgentRegistrar,
  MOST_FLOWS as MOST_FLOWS_OF_ROUTER,
  OUTCOMES,
  type OutgoingPacket,
  type Reception,
  type RegistrarSettings,
  type Registration,
  type RouterRecord,
  SAVED_VERSION,
  type SavedState,
  savedRegistrations,
} from './home-agent/index.js';
export type { Instant } from './instant.js';
export {
  MOST_FLOWS,
  MobileRouterRegistrar,
  type RegistrationChange,
  type RegistrationView,
  type WantedBinding,
} from './mobile-router/index.js';
export { RegistrationError } from './registration-error.js';

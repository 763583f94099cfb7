/** The home agent's side of registration: see `HomeAgentRegistrar`. */

export type { OutgoingPacket } from './acknowledgement.js';
export type { Expiry, Reconfiguration } from './binding-cache.js';
export { OUTCOMES, type Outcome } from './outcome.js';
export type { Reception } from './reception.js';
export { HomeAgentRegistrar, type RegistrarOptions } from './registrar.js';
export {
  type Binding,
  type CacheChange,
  type FlowBinding,
  PLAIN,
  type Registration,
} from './registration.js';
export { type RouterRecord, SAVED_VERSION, type SavedState, savedRegistrations } from './saved-state.js';
export {
  type AuthorisedRouter,
  DEFAULT_SETTINGS,
  MOST_FLOWS,
  type RegistrarSettings,
} from './settings.js';

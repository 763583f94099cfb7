/** Registration of a mobile router at its home agent: a pure state machine. */
export type { OutgoingPacket } from './binding-update.js';
export { MobileRouterRegistrar } from './mobile-router-registrar.js';
export type { RegistrarOptions, WantedBinding } from './options.js';
export {
  IGNORED_TEXTS,
  type IgnoredReason,
  OUTCOME_TEXTS,
  type Outcome,
  type Poll,
  type Reception,
  type RegistrationChange,
} from './reception.js';
export { MOST_FLOWS } from './timing.js';
export type { BindingState, BindingView, FlowView, RegistrationView } from './view.js';

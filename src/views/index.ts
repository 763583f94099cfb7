export type {
  BindingChange,
  BindingState,
  BindingView,
  ProbeView,
  RegistrationView,
} from './binding-view.js';
export type { ChangeEvent } from './change-event.js';
export type {
  Controller,
  CreateController,
  DeregistrationResult,
  InstanceTarget,
  Log,
  ReloadResult,
  RemovalResult,
  RemoveInstance,
} from './controller.js';
export type { MapDump, MapValue, MapView } from './map-view.js';
export type { PolicyBindingView, PolicyView } from './policy-view.js';
export type { ReasonView } from './reason-view.js';
export { RequestError } from './request-error.js';
export { shortageOf } from './shortage.js';
export type {
  ControllerStatus,
  InterfaceView,
  ProblemView,
  StatusView,
  SwitchView,
  XdpView,
} from './status-view.js';
export type { Traffic } from './traffic.js';

import type { BindingView } from './binding-view.js';
import type { ReasonView } from './reason-view.js';

export type Role = 'mobile-router' | 'home-agent';

/** An interface that one of our programs sits on, or that packets of home come from by way of the stack. */
export interface InterfaceView {
  name: string;
  /** `home`, `ingress`, `uplink` or `tunnel`; an interface may be listed more than once. */
  role: string;
  /** How: such as `tcx ingress`; `none` when the interface is not there, or left to the stack. */
  attach: string;
  ifindex: number | null;
  /** Of an ingress interface: `fast` or `stack`, and why; `null` of others. */
  note: string | null;
  /** Of an interface that could have an XDP program in front; `null` of others. */
  xdp: XdpView | null;
}

/** What XDP does at an interface. */
export interface XdpView {
  /** `native` in the driver, `generic` behind it, `off`: TC alone. */
  mode: 'native' | 'generic' | 'off';
  why: string;
  /** Whether XDP programs send by it, beside its queue. */
  transmits: boolean;
  whyTransmits: string;
}

/** Something an operator should know. */
export interface ProblemView {
  code: string;
  message: string;
}

/** The last time a binding got another care-of address, next hop or uplink. */
export interface SwitchView {
  router: string;
  bid: number;
  from: string | null;
  to: string | null;
  /** ISO 8601. */
  at: string;
  /** From the kernel's report to the write that switched, milliseconds. */
  durationMs: number;
}

/** What the controller knows about itself; the daemon adds who it is. */
export interface ControllerStatus {
  role: Role;
  instance: string;
  /** Running number of the active policy generation. */
  generation: number;
  interfaces: InterfaceView[];
  bindings: Pick<BindingView, 'router' | 'bid' | 'name' | 'state' | 'careOf'>[];
  reasons: ReasonView[];
  /** What is wrong now, each with what it means; empty when all is well. */
  problems: ProblemView[];
  lastSwitch: SwitchView | null;
}

/** The answer of `GET /v1/status`. */
export interface StatusView extends ControllerStatus {
  version: string;
  pid: number;
  uptimeSeconds: number;
}

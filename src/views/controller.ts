import type { Config } from '../config/index.js';
import type { BindingChange, BindingView, ProbeView } from './binding-view.js';
import type { ChangeEvent } from './change-event.js';
import type { MapDump, MapView } from './map-view.js';
import type { PolicyView } from './policy-view.js';
import type { ReasonView } from './reason-view.js';
import type { ControllerStatus } from './status-view.js';

/** What a reload did. */
export interface ReloadResult {
  /** Running number of the policy generation that is active now. */
  generation: number;
  /** What is different now, one line each; empty when nothing was. */
  changes: string[];
}

/**
 * The one writer of an instance's state, as the daemon and the API see it. Views are taken from memory and
 * from the kernel's maps at the time of the call.
 *
 * Whatever fails throws an error with a stable `code`; what the caller asked wrongly is a `RequestError`.
 */
export interface Controller {
  /** Loads, or adopts what is pinned, and reconciles once; resolves when traffic can flow. */
  start(): Promise<void>;
  /** Stops following the kernel and leaves everything pinned and running. May be called at any time. */
  stop(): Promise<void>;
  /** Takes over another configuration as one generation; on failure the old state is untouched. */
  reload(config: Config): Promise<ReloadResult>;
  status(): ControllerStatus;
  bindings(): BindingView[];
  policies(): PolicyView[];
  reasons(): ReasonView[];
  maps(): MapView[];
  /** @throws RequestError `UNKNOWN_MAP` */
  dumpMap(name: string): MapDump;
  /**
   * Changes one binding.
   * @param router name of the router; `undefined` means the only one there is
   * @returns the binding after the change
   * @throws RequestError `UNKNOWN_ROUTER`, `UNKNOWN_BINDING`, `INVALID_CARE_OF`, `WRONG_ROLE`
   */
  setBinding(router: string | undefined, bid: number, change: BindingChange): Promise<BindingView>;
  /**
   * Ends all registrations of a mobile router (RFC 5648 section 5.4), until the next reload or start: no packet takes its
   * bindings after that. Takes up to half a minute where the home agent does not answer.
   * @throws RequestError `WRONG_ROLE`, `NOT_REGISTERING`
   */
  deregister(): Promise<DeregistrationResult>;
  /** Sends an echo by way of every binding; takes seconds. Requests that come meanwhile get the same answer. */
  probe(): Promise<ProbeView[]>;
  on(event: 'change', listener: (change: ChangeEvent) => void): void;
}

/** The part of a logger that a controller needs; pino fits. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Makes a controller that has not touched anything yet. */
export type CreateController = (config: Config, log: Log) => Controller | Promise<Controller>;

/** What is enough to find everything an instance left. */
export interface InstanceTarget {
  instance: string;
  bpffs: string;
}

/** What became of the end of all registrations. */
export interface DeregistrationResult {
  /** Whether the home agent has said that it knows; else its bindings end with their lifetime. */
  answered: boolean;
}

/** What `coax down` removed, one line each; empty when nothing was there. */
export interface RemovalResult {
  removed: string[];
}

/** Removes everything of one instance and only that; needs no daemon. */
export type RemoveInstance = (target: Config | InstanceTarget) => Promise<RemovalResult>;

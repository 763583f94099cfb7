import type { Traffic } from './traffic.js';

/** What a binding is worth to a packet; only `usable` (and, until its end, `deprecated`) carries traffic. */
export type BindingState =
  | 'usable'
  | 'tentative'
  | 'deprecated'
  | 'down'
  | 'no-carrier'
  | 'no-address'
  | 'no-route'
  | 'registering'
  | 'disabled';

/** How a binding is registered (RFC 5648); at a home agent it always is. */
export interface RegistrationView {
  state:
    | 'unregistered'
    | 'registering'
    | 'registered'
    | 'updating'
    | 'unanswered'
    | 'lapsed'
    | 'refused'
    | 'removing'
    | 'standby';
  /** Until it ends without a refresh; null where nothing is registered. */
  secondsLeft: number | null;
  /** What the last answer says, in words. */
  status: string | null;
}

/** One binding as people and programs see it. Addresses are text, `null` where there is none now. */
export interface BindingView {
  /** Name of the router it belongs to. */
  router: string;
  bid: number;
  name: string;
  state: BindingState;
  careOf: string | null;
  homeAgent: string | null;
  /** The uplink; `null` on a home agent as long as no route is known. */
  interface: string | null;
  tunnel: 'bpf' | 'device' | 'external' | 'home';
  /** Name of its own tunnel device; `null` for other tunnels. */
  device: string | null;
  /** Largest inner packet, bytes. */
  mtu: number | null;
  nextHop: string | null;
  nextHopMac: string | null;
  /** BID-PRI, lower wins. */
  priority: number;
  sent: Traffic;
  received: Traffic;
  /** Where it is registered on the wire, else null. */
  registration: RegistrationView | null;
  /** Codes of what is wrong with it although it is usable, as in `problems` of the status. */
  warnings: string[];
  /** When it entered this state, ISO 8601. */
  since: string;
}

/** An ICMPv6 echo by way of one binding: from its care-of address to the home agent, or back. */
export interface ProbeView {
  router: string;
  bid: number;
  name: string;
  /** Who asked and who was asked; `null` where there is no care-of address now. */
  from: string | null;
  to: string | null;
  /** The fastest of a few answers, milliseconds; `null` without an answer. */
  rttMs: number | null;
  /** Why there was none; `null` with an answer. */
  failure: string | null;
}

/** A change asked for through the API. At least one field is set; `acceptOnly` needs `careOf`. */
export interface BindingChange {
  /** New care-of address, canonical IPv6 text. */
  careOf?: string | undefined;
  /** Only add the address to the accept set; what is sent still goes to the old one. */
  acceptOnly?: boolean | undefined;
  /** Administrative state: `true` takes the binding out of use, `false` gives it back. */
  down?: boolean | undefined;
}

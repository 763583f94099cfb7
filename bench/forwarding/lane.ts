// What a contender is to the benchmark: something that packets enter at one place and leave at others.
import { join } from 'node:path';
import type { Lab } from '../../lab/lab.js';
import type { NodeName } from '../../lab/topology.js';
import type { FlowSet } from './flows.js';
import type { Worker } from './worker-client.js';
import type { Expected } from './worker-protocol.js';

export interface Place {
  readonly node: NodeName;
  readonly interface: string;
}

/** How a contender's router is entered and left. */
export interface Lane {
  /** The far end of the link that packets come in by: where they are given to it. */
  readonly entry: Place;
  /** The router's own end of that link. */
  readonly router: Place;
  /** Where packets arrive that the router has forwarded, and what they then look like. */
  readonly exits: readonly (Place & { readonly expected: Expected })[];
  readonly flows: FlowSet;
  /** Packets come with an outer header to this address. */
  readonly outerDestination?: string;
  /** The router's end has an XDP program of its own; without one the kernel's GRO takes frames there. */
  readonly takesFrames: boolean;
  /** The router is a program that polls, which may only run while it is measured. */
  readonly poller?: Poller;
  /** Seconds of packets before anything is measured, for a router that learns from them. */
  readonly warmUp?: number;
  /** Sinks keep the time of packets too, which costs each packet a look at the clock. */
  readonly stamping?: boolean;
}

/** A program that takes a whole CPU as long as it runs. */
export interface Poller {
  /** Resolves when it takes packets. @throws when it has ended */
  resume(): Promise<void>;
  pause(): void;
}

/** Pin of what the sink at exit number `at` keeps. */
export function sinkPin(lab: Lab, at: number): string {
  return join(lab.bpffs, `bench-sink${at}`);
}

/** A place to set up in: a lab of the contender's own, and who loads the benchmark's programs. */
export interface Site {
  readonly lab: Lab;
  readonly worker: Worker;
}

export interface Contender {
  /** As results name it. */
  readonly name: string;
  /** Brings the lab into the state to be measured; the lab is removed by who made it. */
  setUp(site: Site): Promise<Lane>;
}

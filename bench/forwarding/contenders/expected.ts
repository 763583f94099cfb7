// What arrives behind a router that did right.
import type { Expected } from '../worker-protocol.js';

const IPV6 = 41;
const UDP = 17;
const GRE = 47;

/** UDP as it was sent, from and to whatever address. */
export const untouched: Expected = {
  source: '::',
  sourceMask: '::',
  destination: '::',
  destinationMask: '::',
  nextHeader: UDP,
};

/** IPv6 in IPv6 between these two; below a mask when the far end is one of many. */
export function tunnelled(source: string, destination: string, destinationMask?: string): Expected {
  return {
    source,
    destination,
    nextHeader: IPV6,
    ...(destinationMask === undefined ? {} : { destinationMask }),
  };
}

/** IPv6 in UDP between these two. */
export function inUdp(source: string, destination: string): Expected {
  return { source, destination, nextHeader: UDP };
}

/** IPv6 in GRE between these two. */
export function inGre(source: string, destination: string): Expected {
  return { source, destination, nextHeader: GRE };
}

import { isWithinCgroup } from './cgroup.js';
import { ICMPV6, PROTOCOLS_WITH_PORTS } from './number-names.js';
import { RANGE_KEYS } from './range.js';
import type { AddressMatch, Range, Selector } from './selector.js';

/** Whether there is a packet that both selectors match. */
export function canMatchSame(a: Selector, b: Selector): boolean {
  return (
    RANGE_KEYS.every((key) => rangesMeet(a[key], b[key])) &&
    addressesMeet(a.source, b.source) &&
    addressesMeet(a.destination, b.destination) &&
    marksMeet(a, b) &&
    placesMeet(a, b) &&
    headersMeet(a, b)
  );
}

function rangesMeet(a: readonly Range[] | undefined, b: readonly Range[] | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.some((one) => b.some((other) => one.low <= other.high && other.low <= one.high));
}

function addressesMeet(a: AddressMatch | undefined, b: AddressMatch | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.ranges.some((one) =>
    b.ranges.some((other) => one.low.compare(other.high) <= 0 && other.low.compare(one.high) <= 0),
  );
}

function marksMeet({ mark: a }: Selector, { mark: b }: Selector): boolean {
  return a === undefined || b === undefined || ((a.value ^ b.value) & a.mask & b.mask) === 0;
}

/** Forwarded packets have an interface and no cgroup, local ones the other way round. */
function placesMeet(a: Selector, b: Selector): boolean {
  if ((a.interface ?? b.interface) !== undefined && (a.cgroup ?? b.cgroup) !== undefined) return false;
  if (a.interface && b.interface && !a.interface.some((name) => b.interface?.includes(name))) return false;
  if (a.cgroup === undefined || b.cgroup === undefined) return true;
  const others = b.cgroup;
  return a.cgroup.some((one) =>
    others.some((other) => isWithinCgroup(one, other) || isWithinCgroup(other, one)),
  );
}

/** Ports and ICMPv6 fields come with their protocols only, and never together. */
function headersMeet(a: Selector, b: Selector): boolean {
  const ports = [a, b].some((one) => (one.sourcePort ?? one.destinationPort) !== undefined);
  const icmp = [a, b].some((one) => (one.icmpType ?? one.icmpCode) !== undefined);
  const both = (protocol: number): boolean =>
    [a, b].every((one) => rangesMeet(one.protocol, [{ low: protocol, high: protocol }]));
  if (ports && icmp) return false;
  if (ports && !PROTOCOLS_WITH_PORTS.some(both)) return false;
  return !icmp || both(ICMPV6);
}

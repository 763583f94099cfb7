/** Binding Refresh Requests: when, and what is in them (RFC 6275 section 9.5.5, RFC 5648 section 6.4). */
import { type Address, encodeMobilityPacket } from '../../mobility/index.js';
import type { OutgoingPacket } from './acknowledgement.js';
import { type Binding, PLAIN } from './registration.js';

/** For each binding; the first with a tenth of its lifetime left, or 30 s of it. */
const REQUESTS = 3;
const LEAST_LEFT = 30_000;

/** The first request or end of a binding behind a moment. All in monotonic milliseconds. */
export function nextDeadline(binding: Binding, after: number, requests: boolean): number {
  for (const time of requests ? requestTimes(binding) : []) {
    if (time > after) return time;
  }
  return binding.end;
}

/** Whether the router should be asked, having been asked up to one moment, at another. */
export function isRequestDue(binding: Binding, after: number, now: number): boolean {
  return requestTimes(binding).some((time) => time > after && time <= now);
}

/**
 * A packet to the home address, which takes the way of all packets there, through a tunnel: a type 2 routing header is for
 * acknowledgements only (RFC 6275 section 6.1). RFC 4285 has authentication for Binding Updates and acknowledgements, so
 * there is none here; all it can cause is an update.
 */
export function refreshRequest(
  agent: Address,
  homeAddress: Address,
  bindings: readonly Binding[],
): OutgoingPacket {
  const options = bindings
    .filter(({ bid }) => bid !== PLAIN)
    .map(({ bid, priority }) => {
      return {
        type: 'binding-identifier',
        bid,
        status: 0,
        home: false,
        priority,
        careOf: undefined,
      } as const;
    });
  const ends = { source: agent, destination: homeAddress };
  return { ...ends, packet: encodeMobilityPacket(ends, { type: 'binding-refresh-request', options }) };
}

function requestTimes({ lifetime, end }: Binding): number[] {
  const whole = lifetime * 1000;
  const left = Math.min(whole / 2, Math.max(whole / 10, LEAST_LEFT));
  return Array.from({ length: REQUESTS }, (_, sent) => end - (left * (REQUESTS - sent)) / REQUESTS);
}

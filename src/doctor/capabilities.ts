import { readFileSync } from 'node:fs';
import { type Check, fail, ok, warn } from './check.js';

/** What the daemon needs, with its bit number in linux/capability.h. */
const NEEDED = [
  { name: 'CAP_NET_ADMIN', bit: 12, why: 'to attach programs and to write addresses, routes and rules' },
  { name: 'CAP_BPF', bit: 39, why: 'to load programs and maps' },
] as const;

const USEFUL = [
  { name: 'CAP_NET_RAW', bit: 13, why: 'registration uses a raw socket' },
  { name: 'CAP_PERFMON', bit: 38, why: 'without it the verifier adds speculation barriers' },
] as const;

/** The effective capabilities of this process, one bit each; from the text of /proc/PID/status. */
export function effectiveCapabilities(status: string): bigint {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(status);
  return match?.[1] === undefined ? 0n : BigInt(`0x${match[1]}`);
}

/** Whether this process may load and attach; what cannot be looked at without is said by the other checks. */
export function mayLoad(): boolean {
  const held = ownCapabilities();
  return NEEDED.every(({ bit }) => has(held, bit));
}

/** Root, or the four capabilities of the daemon. */
export function checkCapabilities(held = ownCapabilities()): Check {
  const name = 'privileges';
  const missing = NEEDED.filter(({ bit }) => !has(held, bit));
  if (missing.length > 0) {
    return fail(
      name,
      `missing ${missing.map((one) => `${one.name} (${one.why})`).join(', ')}`,
      'run as root, or give the service these capabilities; without them not everything below could be looked at',
    );
  }
  const absent = USEFUL.filter(({ bit }) => !has(held, bit));
  if (absent.length > 0) {
    return warn(
      name,
      `without ${absent.map((one) => `${one.name} (${one.why})`).join(', ')}`,
      'add them to the AmbientCapabilities of the service',
    );
  }
  const names = [...NEEDED, ...USEFUL].map((one) => one.name);
  return ok(name, names.join(', '));
}

function ownCapabilities(): bigint {
  return effectiveCapabilities(readFileSync('/proc/self/status', 'utf8'));
}

function has(held: bigint, bit: number): boolean {
  return ((held >> BigInt(bit)) & 1n) === 1n;
}

import { PolicyError } from './policy-error.js';

/** Upper-layer protocols that may be written by name (IANA protocol numbers). */
export const PROTOCOL_NAMES: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', 58],
  ['sctp', 132],
  ['udplite', 136],
]);

const NAME_OF: ReadonlyMap<number, string> = new Map(
  [...PROTOCOL_NAMES].map(([name, number]) => [number, name]),
);

/** Protocols whose header starts with a source and a destination port; the datapath reads these. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

/** Whether packets of this protocol have ports a selector can ask for. */
export function hasPorts(protocol: number): boolean {
  return WITH_PORTS.has(protocol);
}

/**
 * Reads a protocol name or a number from 0 to 255.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseProtocol(value: string | number): number {
  const named = typeof value === 'string' ? PROTOCOL_NAMES.get(value) : undefined;
  if (named !== undefined) return named;
  const number = typeof value === 'number' || /^\d{1,3}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < 0 || number > 255) {
    throw new PolicyError(
      'SELECTOR_INVALID',
      `${JSON.stringify(value)} is not a protocol`,
      `write ${[...PROTOCOL_NAMES.keys()].join(', ')} or a number from 0 to 255`,
    );
  }
  return number;
}

/** The protocol's name, or its number when it has none here. */
export function formatProtocol(protocol: number): string {
  return NAME_OF.get(protocol) ?? String(protocol);
}

/** Headers the datapath looks behind: hop-by-hop, routing, fragment, authentication, destination options. */
const EXTENSION_HEADERS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60]);

/** Whether a selector for this number can never match, because packets are known by what follows it. */
export function isExtensionHeader(protocol: number): boolean {
  return EXTENSION_HEADERS.has(protocol);
}

// The two configs of the demo. With a key the mobile router registers its care-of addresses and policies; without one both
// are in the home agent's file, the same policies as its end sees the packets.
import type { DaemonConfig } from '../daemon.js';
import { addresses, prefixes } from '../topology.js';

export type TunnelKind = 'bpf' | 'external';

/** Care-of addresses by uplink. */
export interface CareOf {
  readonly a: string;
  readonly b: string;
}

/** What the policies go by. */
export const ports = {
  /** UDP to these takes uplink A ... */
  a: { first: 5101, second: 5102, stream: 5110, back: 5120 },
  /** ... to these uplink B ... */
  b: { first: 5201, second: 5202, stream: 5210, back: 5220 },
  /** ... and no policy names these: the default binding, uplink A, or B for those that are marked. */
  other: { first: 5401, second: 5402, third: 5403 },
  /** TCP to this takes uplink A. */
  bulk: 5301,
} as const;

/** The mark that sends a packet to uplink B. */
export const MARK = 0x10;

/** Name of the mobile router at the home agent. */
export const ROUTER = 'mr1';

const EXTERNAL = { kind: 'vxlan', port: 4789, vni: 1 };

function policies(side: 'source-port' | 'destination-port'): object[] {
  const udp = (range: string): object => ({ protocol: 'udp', [side]: range });
  return [
    { name: 'to-a', match: udp('5100-5199'), use: ['lte-a', 'wifi-b'] },
    { name: 'to-b', match: udp('5200-5299'), use: ['wifi-b', 'lte-a'] },
    { name: 'bulk', match: { protocol: 'tcp', [side]: ports.bulk }, use: ['lte-a', 'wifi-b'] },
  ];
}

export function mobileRouterConfig(tunnel: TunnelKind, key?: string): DaemonConfig {
  return {
    role: 'mobile-router',
    home: { agent: addresses.homeAgent, address: addresses.home, prefixes: [prefixes.mobile] },
    ingress: [{ interface: 'lan0', forwarding: 'fast' }],
    ...(key === undefined ? {} : { registration: { key } }),
    bindings: [
      { bid: 1, name: 'lte-a', priority: 10, interface: 'wa', tunnel },
      { bid: 2, name: 'wifi-b', priority: 20, interface: 'wb', tunnel },
    ],
    policies: [
      ...policies('destination-port'),
      { name: 'marked', match: { mark: `0x${MARK.toString(16)}/0xff` }, use: ['wifi-b', 'lte-a'] },
    ],
    ...(tunnel === 'external' ? { external: EXTERNAL } : {}),
  };
}

/** A home agent that is told everything. */
export function homeAgentConfig(tunnel: TunnelKind, careOf: CareOf): DaemonConfig {
  const bindings = [
    { bid: 1, name: 'lte-a', 'care-of': careOf.a, priority: 10, tunnel },
    { bid: 2, name: 'wifi-b', 'care-of': careOf.b, priority: 20, tunnel },
  ];
  return agentOf(tunnel, { bindings, policies: policies('source-port') });
}

/** A home agent that knows the router, its prefix and its key. */
export function registrarConfig(tunnel: TunnelKind, key: string): DaemonConfig {
  // What is registered is carried by our program; another way has to be said.
  const listed = [
    { bid: 1, name: 'lte-a', tunnel },
    { bid: 2, name: 'wifi-b', tunnel },
  ];
  return { ...agentOf(tunnel, { key, ...(tunnel === 'bpf' ? {} : { bindings: listed }) }), registration: {} };
}

/** Flows of `policies` by which a home agent hears of them: each fall-back is one more. */
export const REGISTERED_FLOWS = 6;

function agentOf(tunnel: TunnelKind, router: object): DaemonConfig {
  return {
    role: 'home-agent',
    home: { agent: addresses.homeAgent },
    interfaces: ['core0', 'cn0'],
    routers: [{ name: ROUTER, address: addresses.home, prefixes: [prefixes.mobile], ...router }],
    ...(tunnel === 'external' ? { external: EXTERNAL } : {}),
  };
}

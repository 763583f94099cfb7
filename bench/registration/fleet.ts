// The mobile routers of the benchmark: who they are, what the home agent's file says of them, and their messages.
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonConfig } from '../../lab/daemon.js';
import type { LabNode } from '../../lab/node.js';
import { DAEMON_USER } from '../../lab/privileges.js';
import { addresses } from '../../lab/topology.js';
import {
  Address,
  type AuthenticationKey,
  encodeAuthenticated,
  encodeMobilityPacket,
  ntpTimestamp,
  Prefix,
} from '../../src/mobility/index.js';

/** Each has a /64 and a home address in it, and a /64 at each of its uplinks. */
const LAB = 0x2001_0db8;
const HOMES = 0x4000_0000;
const VISITED = 0x8000_0000;
/** What covers all visited networks. */
const VISITED_PREFIX = '2001:db8:8000::/40';
/** As many as 16 bits tell apart. */
export const MOST_ROUTERS = 0xffff;
const AGENT = Address.parse(addresses.homeAgent);
const LIFETIME = 3600;

export const homeAddress = (router: number): Address => Address.fromWords(LAB, HOMES | router, 0, 1);
const networkOf = (router: number): Prefix => Prefix.covering(homeAddress(router), 64);

/** The care-of address of a binding after so many moves. */
export const careOf = (router: number, bid: number, move: number): Address =>
  Address.fromWords(LAB, VISITED | (bid << 16) | router, 0, move + 1);

/** Whose care-of address this is: what `careOf` was given. */
export function ownerOf(packet: Uint8Array, at: number): { router: number; bid: number } {
  const view = new DataView(packet.buffer, packet.byteOffset + at, 16);
  return { router: view.getUint16(6), bid: view.getUint16(4) & 0x7fff };
}

/** Has a node send for all routers, and keep what comes back for them. */
export async function standIn(node: LabNode): Promise<void> {
  await node.sysctl({ 'ipv6.ip_nonlocal_bind': 1 });
  await node.ip(`route add blackhole ${VISITED_PREFIX}`);
}

/** Made of the number of the router: it protects nothing but a benchmark. */
function keyOf(router: number): AuthenticationKey {
  const key = new Uint8Array(32).fill(0xc0);
  new DataView(key.buffer).setUint32(0, router);
  return { spi: 0x1000 + router, key };
}

const keyFile = (folder: string, router: number): string => join(folder, `${router}.key`);

/** Writes the key of each router into a new folder, for the daemon to read. */
export function writeKeys(folder: string, routers: number): void {
  mkdirSync(folder);
  for (let router = 0; router < routers; router++) {
    const { spi, key } = keyOf(router);
    const path = keyFile(folder, router);
    writeFileSync(path, `{spi: ${spi}, key: '${Buffer.from(key).toString('hex')}'}\n`, { mode: 0o600 });
    chownSync(path, DAEMON_USER, DAEMON_USER);
  }
}

/** The home agent of so many routers with so many bindings each, its tables large enough for twice as many. */
export function agentConfig(routers: number, bindings: number, keys: string, state: string): DaemonConfig {
  const room = 2 * routers + 16;
  return {
    role: 'home-agent',
    home: { agent: addresses.homeAgent },
    interfaces: ['core0', 'cn0'],
    state,
    registration: {},
    limits: {
      ...{ bindings: bindings * room, routers: room, policies: room, prefixes: 2 * room, routes: 4 * room },
    },
    routers: Array.from({ length: routers }, (_, router) => ({
      name: `mr${router}`,
      address: homeAddress(router).toString(),
      prefixes: [networkOf(router).toString()],
      key: keyFile(keys, router),
    })),
  };
}

/** What one Binding Update says. */
export interface UpdateContent {
  readonly router: number;
  readonly bids: readonly number[];
  readonly move: number;
  readonly sequence: number;
  /** Nanoseconds since 1970, when it is to be sent. */
  readonly at: bigint;
}

/** A whole packet: a Binding Update with authentication from the care-of address of its first binding. */
export function updatePacket(content: UpdateContent): Uint8Array {
  const { router, bids, move, sequence, at } = content;
  const home = homeAddress(router);
  const source = careOf(router, bids[0] ?? 1, move);
  return encodeMobilityPacket({ source, destination: AGENT, homeAddress: home }, (ends) =>
    encodeAuthenticated(
      {
        type: 'binding-update',
        sequence: sequence & 0xffff,
        flags: ['acknowledge', 'home', 'mobile-router'],
        lifetime: LIFETIME,
        options: [
          ...bids.map((bid) => ({
            ...{ type: 'binding-identifier' as const, bid, status: 0, home: false, priority: bid },
            careOf: careOf(router, bid, move),
          })),
          { type: 'mobile-network-prefix', prefix: networkOf(router) },
          { type: 'replay-protection', timestamp: ntpTimestamp(at) },
        ],
      },
      { careOf: source, homeAddress: home },
      keyOf(router),
      ends,
    ),
  );
}

/** Walks a compiled generation the way the kernel program does, over plain bytes. */
import { Address } from '../../../src/net/index.js';
import type { CompiledGeneration, CompiledPolicy, Packet } from '../../../src/policy/index.js';

export type Outcome =
  | { readonly kind: 'binding'; readonly index: number; readonly policyId: number | null }
  | { readonly kind: 'mark-decides' }
  | { readonly kind: 'none' };

export function interpret(
  generation: CompiledGeneration,
  routerId: number,
  packet: Packet,
  markKnown: boolean,
  usable: (index: number) => boolean,
): Outcome {
  const router = generation.routers[routerId];
  if (!router) throw new Error(`no router ${routerId}`);
  const mark = packet.mark ?? 0;
  for (let position = 0; position < router.policyCount; position++) {
    const row = generation.policies[router.firstPolicy + position];
    if (!row) throw new Error(`no policy row ${router.firstPolicy + position}`);
    if (!matches(row, packet)) continue;
    if (row.match & 1) {
      if (!markKnown) return { kind: 'mark-decides' };
      if ((mark & row.markMask) >>> 0 !== row.mark) continue;
    }
    const index = row.bindings.slice(0, row.bindingCount).find(usable);
    if (index !== undefined) return { kind: 'binding', index, policyId: row.id };
  }
  const index = router.bindings.slice(0, router.bindingCount).find(usable);
  return index === undefined ? { kind: 'none' } : { kind: 'binding', index, policyId: null };
}

function matches(row: CompiledPolicy, packet: Packet): boolean {
  if (row.match & 2 && !inPrefix(packet.source, row.source, row.sourceMask)) return false;
  if (row.match & 4 && !inPrefix(packet.destination, row.destination, row.destinationMask)) return false;
  if (row.match & 8 && packet.protocol !== row.protocol) return false;
  if (row.match & 16 && !inRange(packet.sourcePort, row.sourcePortLow, row.sourcePortHigh)) return false;
  return !(
    row.match & 32 && !inRange(packet.destinationPort, row.destinationPortLow, row.destinationPortHigh)
  );
}

function inPrefix(address: Address, prefix: string, mask: string): boolean {
  const [bytes, wanted, compared] = [address, Address.parse(prefix), Address.parse(mask)].map((a) =>
    a.toBytes(),
  );
  return bytes?.every((byte, i) => (byte & (compared?.[i] ?? 0)) === wanted?.[i]) ?? false;
}

function inRange(port: number | undefined, low: number, high: number): boolean {
  return port !== undefined && low <= port && port <= high;
}

// Named counters of netfilter in a namespace.
import type { LabNode } from '../../lab/node.js';

/** Packets, or bytes, by the counter's name. @throws CommandError */
export async function nftCounters(
  node: LabNode,
  unit: 'packets' | 'bytes' = 'packets',
): Promise<Record<string, number>> {
  const { stdout } = await node.exec('nft', ['-j', 'list', 'counters']);
  const { nftables } = JSON.parse(stdout) as {
    nftables: { counter?: { name: string; packets: number; bytes: number } }[];
  };
  return Object.fromEntries(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter[unit]]] : [])),
  );
}

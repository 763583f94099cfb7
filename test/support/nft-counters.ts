// Named counters of netfilter in a namespace.
import type { LabNode } from '../../lab/node.js';

/** Packets by the counter's name. @throws CommandError */
export async function nftCounters(node: LabNode): Promise<Record<string, number>> {
  const { stdout } = await node.exec('nft', ['-j', 'list', 'counters']);
  const { nftables } = JSON.parse(stdout) as {
    nftables: { counter?: { name: string; packets: number } }[];
  };
  return Object.fromEntries(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])),
  );
}

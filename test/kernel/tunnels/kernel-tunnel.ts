// The kernel's own IPv6-in-IPv6 tunnels between one address and another, as the peer of ours.
import type { LabNode } from '../../../lab/node.js';
import type { Maker } from './leg.js';

export interface KernelTunnel {
  readonly name: string;
  readonly local: string;
  readonly remote: string;
  /** With the kernel's default limit of 4 it puts an option in front of the inner packet. */
  readonly maker: Exclude<Maker, 'bpf'>;
}

/** `ip` lines that make it. The name stands behind its keyword: `ip` takes short ones for others. */
export function tunnelLines({ name, local, remote, maker }: KernelTunnel): string[] {
  const limit = maker === 'ip6tnl' ? 'encaplimit none' : '';
  return [
    `link add name ${name} type ip6tnl mode ip6ip6 local ${local} remote ${remote} ${limit} hoplimit 64`,
    `link set dev ${name} up`,
  ];
}

/** Makes it anew with another maker: same name, same routes through it. */
export async function remake(node: LabNode, tunnel: KernelTunnel, routes: readonly string[]): Promise<void> {
  await node.batch([
    `link del dev ${tunnel.name}`,
    ...tunnelLines(tunnel),
    ...routes.map((route) => `route replace ${route}`),
  ]);
}

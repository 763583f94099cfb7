// What XDP wants of the veths around the routers of a lab.
import type { Lab } from './lab.js';

/** The far ends of the links that packets of ours leave by. */
const ENDS = { lan: 'eth0', ra: 'mr0', rb: 'mr0', core: 'ha0', cn: 'eth0' } as const;

/**
 * Makes the links around the daemons fit for XDP: a veth takes frames only with GRO at its other end, and a checksum that
 * was left to a device that is none (a veth) would not be filled in.
 */
export async function takeXdp(lab: Lab): Promise<void> {
  for (const [node, name] of Object.entries(ENDS)) {
    const words = ['-K', name, 'gro', 'on', 'tx', 'off'];
    await lab.node(node as keyof typeof ENDS).exec('ethtool', words);
  }
}

// Whole IPv6 packets, sent as they are.
import type { LabNode } from '../../lab/node.js';

// IPV6_HDRINCL (36): the packet brings its header. On one processor what is sent first is forwarded first.
const SEND = `
import os, socket, sys
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
s.setsockopt(41, 36, 1)
for line in sys.stdin:
    packet = bytes.fromhex(line)
    s.sendto(packet, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))
`;

/** Sends packets from the IPv6 header on, in order, by the node's routes. @throws CommandError */
export async function sendPackets(node: LabNode, packets: readonly Uint8Array[]): Promise<void> {
  const input = packets.map((packet) => `${Buffer.from(packet).toString('hex')}\n`).join('');
  await node.exec('python3', ['-c', SEND], { input });
}

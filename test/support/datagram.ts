// UDP with the socket options that node has no way to: no local fragments, UDP_SEGMENT.
import type { LabNode } from '../../lab/node.js';

/** Headers of a UDP datagram. */
const HEADERS = 48;

export interface DatagramOptions {
  readonly to: string;
  readonly port: number;
  readonly source?: string;
  readonly sourcePort?: number;
  /** Bytes of the whole IPv6 packet; with `segment` of the one that offload carries, headers once. */
  readonly size: number;
  /** Bytes of payload of each datagram that the kernel is to make of one call (UDP_SEGMENT). */
  readonly segment?: number;
  /** Calls, one when left out. */
  readonly count?: number;
  /** The whole byte, ECN bits included; 0 when left out. */
  readonly trafficClass?: number;
}

// IPV6_MTU_DISCOVER (23) = IPV6_PMTUDISC_PROBE (3): whole packets, whatever path MTU is known; IPV6_TCLASS (67).
const SEND = `
import json, socket, sys
for o in json.loads(sys.argv[1]):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(41, 23, 3)
    if o.get('segment'): s.setsockopt(17, 103, o['segment'])
    s.setsockopt(41, 67, o.get('trafficClass', 0))
    s.bind((o.get('source', '::'), o.get('sourcePort', 0)))
    for n in range(o.get('count', 1)):
        s.sendto(b'\\0' * (o['size'] - ${HEADERS}), (o['to'], o['port']))
`;

/** Sends datagrams as whole packets of a size, as a path MTU probe does; several kinds in order. @throws CommandError */
export async function sendDatagrams(node: LabNode, ...kinds: readonly DatagramOptions[]): Promise<void> {
  await node.exec('python3', ['-c', SEND, JSON.stringify(kinds)]);
}

/** What became of a conversation. */
export interface Conversation {
  /** Bytes of payload of the last datagram. */
  readonly size: number;
  /** Times that no answer came. */
  readonly timeouts: number;
  /** Times that the kernel said that the path is narrower. */
  readonly refused: number;
}

// IPV6_PMTUDISC_DO (2): the kernel refuses what is larger than the path MTU, IPV6_MTU (24) tells it.
const CONVERSE = `
import json, socket, sys
o = json.loads(sys.argv[1])
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(41, 23, 2)
s.settimeout(0.5)
s.bind((o.get('source', '::'), o.get('sourcePort', 0)))
s.connect((o['to'], o['port']))
size, answers, timeouts, refused = o['size'] - ${HEADERS}, 0, 0, 0
while answers < o['count'] and timeouts < 10:
    try:
        s.send(b'\\0' * size)
        s.recv(65536)
        answers += 1
    except TimeoutError:
        timeouts += 1
    except OSError as e:
        if e.errno != 90: raise
        refused += 1
        size = min(size, s.getsockopt(41, 24) - ${HEADERS})
print(json.dumps({'size': size, 'timeouts': timeouts, 'refused': refused}))
`;

/**
 * Sends a datagram, waits for its echo, sends the next; as QUIC does, takes smaller ones when the kernel says
 * so, and repeats what got lost. @throws CommandError
 */
export async function converse(
  node: LabNode,
  options: DatagramOptions & { count: number },
): Promise<Conversation> {
  const { stdout } = await node.exec('python3', ['-c', CONVERSE, JSON.stringify(options)]);
  return JSON.parse(stdout) as Conversation;
}

// Bytes through one TCP connection, compared at its ends: nothing lost, nothing torn.
import { createHash, randomBytes } from 'node:crypto';
import type { LabNode } from '../../lab/node.js';
import { LineReader } from '../../lab/process.js';

export interface TcpCopy {
  readonly to: string;
  readonly port: number;
  readonly bytes: number;
  /** Milliseconds, 60 s when left out. */
  readonly timeout?: number;
}

/** SHA-256 of what was sent and of what arrived. */
export interface Digests {
  readonly sent: string;
  readonly arrived: string;
}

/** Sends random bytes from one node to another. @throws CommandError, WaitTimeoutError */
export async function copyOverTcp(from: LabNode, to: LabNode, options: TcpCopy): Promise<Digests> {
  const { timeout = 60_000 } = options;
  const command = `socat -u TCP6-LISTEN:${options.port},reuseaddr - | sha256sum`;
  const listener = to.spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const reader = new LineReader(listener.child);
    const bytes = randomBytes(options.bytes);
    const target = `TCP6:[${options.to}]:${options.port},retry=100,interval=0.1`;
    await from.exec('socat', ['-u', '-b', '65536', '-', target], { input: bytes, timeout });
    const arrived = await reader.find((line) => line.split(' ')[0], { what: 'the digest', timeout });
    return { sent: createHash('sha256').update(bytes).digest('hex'), arrived };
  } finally {
    await listener.end();
  }
}

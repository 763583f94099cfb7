// Bulk TCP through the lab, by iperf3.
import type { LabNode } from '../../lab/node.js';
import { until } from '../../lab/wait.js';

interface Report {
  readonly error?: string;
  readonly intervals?: readonly { readonly sum: { readonly bytes: number; readonly end: number } }[];
  readonly end?: {
    readonly sum_sent?: { readonly retransmits: number };
    readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number };
  };
}

export interface Bulk {
  /** Bytes that arrived. */
  readonly bytes: number;
  readonly bitsPerSecond: number;
  readonly retransmits: number;
  /** Longest time without a byte, in seconds and to 0.1 s. */
  readonly longestStall: number;
}

const INTERVAL = 0.1;

/**
 * Sends for some seconds; `reverse` lets the server send. With `mbits` it sends that much a second and not all that it
 * can. @throws CommandError
 */
export async function transfer(
  from: LabNode,
  server: { node: LabNode; address: string; port: number },
  options: { seconds: number; source?: string; reverse?: boolean; mbits?: number },
): Promise<Bulk> {
  const listening = server.node.spawn('iperf3', ['-s', '-1', '-p', String(server.port)], { stdio: 'ignore' });
  try {
    const port = ['-Hltn', `sport = :${server.port}`];
    await until(async () => (await server.node.exec('ss', port)).stdout !== '', { what: 'iperf3 to listen' });
    const { stdout } = await from.exec(
      'iperf3',
      [
        ...['-6', '-c', server.address, '-p', String(server.port), '-t', String(options.seconds), '-J'],
        ...['-i', String(INTERVAL), '--connect-timeout', '3000'],
        ...(options.source === undefined ? [] : ['-B', options.source]),
        ...(options.reverse === true ? ['-R'] : []),
        ...(options.mbits === undefined ? [] : ['-b', `${options.mbits}M`]),
      ],
      { mayFail: true, timeout: options.seconds * 1_000 + 8_000 },
    );
    const { error, intervals = [], end } = JSON.parse(stdout) as Report;
    if (error !== undefined) throw new Error(`iperf3: ${error}`);
    let [stall, longest] = [0, 0];
    for (const { sum } of intervals) {
      stall = sum.bytes === 0 ? stall + INTERVAL : 0;
      longest = Math.max(longest, stall);
    }
    return {
      bytes: end?.sum_received?.bytes ?? 0,
      bitsPerSecond: end?.sum_received?.bits_per_second ?? 0,
      retransmits: end?.sum_sent?.retransmits ?? 0,
      longestStall: longest,
    };
  } finally {
    await listening.end();
  }
}

// When the kernel reported what about an address: `ip -ts monitor` on a node.
import type { LabNode } from './node.js';
import { type LabProcess, LineReader } from './process.js';
import { until } from './wait.js';

/** An address nobody uses, to see that reports arrive. */
const PROBE = '2001:db8:feed::1/128';

/** `[2025-11-24T23:21:11.123456] 3: wb    inet6 ...` in UTC */
const LINE = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})\] (.*)$/;

export class AddressMonitor {
  readonly #process: LabProcess;
  readonly #reader: LineReader;

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#reader = new LineReader(process.child);
  }

  /** Resolves when the kernel's reports arrive. */
  static async start(node: LabNode): Promise<AddressMonitor> {
    // Ahead of everything else, so that its clock is read when the kernel speaks.
    const process = node.spawn('chrt', ['--fifo', '50', 'ip', '-o', '-ts', 'monitor', 'address'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TZ: 'UTC' },
    });
    const monitor = new AddressMonitor(process);
    await until(
      async () => {
        await node.ip(`address replace ${PROBE} dev lo nodad`);
        await node.ip(`address del ${PROBE} dev lo`);
        return monitor.#reader.lines.length > 0;
      },
      { what: `address reports on ${node.name}` },
    );
    return monitor;
  }

  /** Time (CLOCK_REALTIME, ns) of the first report on an address that `fits`. @throws WaitTimeoutError */
  async report(address: string, fits: (line: string) => boolean): Promise<bigint> {
    return this.#reader.find(
      (text) => {
        const [, seconds = '', micros = '', line = ''] = LINE.exec(text) ?? [];
        if (!line.includes(` ${address}/`) || line.startsWith('Deleted') || !fits(line)) return undefined;
        return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(micros) * 1_000n;
      },
      { what: `a report on ${address}` },
    );
  }

  async end(): Promise<void> {
    await this.#process.end();
  }
}

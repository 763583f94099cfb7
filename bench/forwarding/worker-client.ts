// Speaks to the worker, which runs on one CPU with the daemon's capabilities.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, run } from '../../lab/command.js';
import type { LabNode } from '../../lab/node.js';
import { asDaemon } from '../../lab/privileges.js';
import { LabProcess, LineReader } from '../../lab/process.js';
import type { RunAnswer, RunRequest, WorkerAnswer, WorkerRequest } from './worker-protocol.js';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
/** The longest that one request may take, milliseconds. */
const PATIENCE = 60_000;

/** The worker could not do what it was asked for. */
class WorkerError extends Error {
  readonly code = 'BENCH_WORKER_FAILED';
}

export class Worker {
  readonly #process: LabProcess;
  readonly #reader: LineReader;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#reader = new LineReader(process.child);
  }

  /** @param cpu the one that packets are made, forwarded and counted on */
  static async start(cpu: number, flows: number): Promise<Worker> {
    const words = asDaemon(process.execPath, ['--enable-source-maps', WORKER, 'serve']);
    const child = spawn('taskset', ['-c', String(cpu), 'setpriv', ...words], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment,
    });
    const worker = new Worker(new LabProcess(child));
    await worker.ask({ do: 'open', flows });
    return worker;
  }

  /**
   * From now on its main thread, which sends, goes ahead of everything else on its CPU. Not before all is loaded:
   * what the kernel does for a load runs on the same CPU at an ordinary priority.
   */
  async goFirst(): Promise<void> {
    await run('chrt', ['--fifo', '--pid', '1', String(this.#process.pid)]);
  }

  async run(request: RunRequest): Promise<RunAnswer> {
    const answer = await this.ask({ do: 'run', ...request });
    if (answer === undefined) throw new WorkerError('a run without an answer');
    return answer;
  }

  /** Requests are answered one after the other. @throws WorkerError */
  async ask(request: WorkerRequest): Promise<RunAnswer | undefined> {
    const asked = this.#last.then(async () => this.#ask(request));
    this.#last = asked.catch(() => undefined);
    return asked;
  }

  async #ask(request: WorkerRequest): Promise<RunAnswer | undefined> {
    const from = this.#reader.lines.length;
    this.#process.child.stdin?.write(`${JSON.stringify(request)}\n`);
    let answer: WorkerAnswer;
    try {
      answer = await this.#reader.find((line) => JSON.parse(line) as WorkerAnswer, {
        what: `the worker's answer to '${request.do}'`,
        from,
        timeout: PATIENCE,
      });
    } catch (error) {
      throw new WorkerError(`the worker has ended: ${this.#process.stderr.trim()}`, { cause: error });
    }
    if ('error' in answer) throw new WorkerError(`${request.do}: ${answer.error}`);
    return answer.ok;
  }

  async end(): Promise<void> {
    this.#process.child.stdin?.end();
    await this.#process.end();
  }
}

/** Attaches a pinned TC program at the ingress of an interface, as the daemon attaches its own. */
export async function attachTc(
  node: LabNode,
  at: { program: string; interface: string; link: string },
): Promise<void> {
  const { ifindex } = await node.link(at.interface);
  const words = asDaemon(process.execPath, [WORKER, 'attach-tc', at.program, String(ifindex), at.link]);
  await node.exec('setpriv', words);
}

/** Attaches a pinned XDP program in the driver. */
export async function attachXdp(node: LabNode, at: { program: string; interface: string }): Promise<void> {
  await node.ip(`link set dev ${at.interface} xdpdrv pinned ${at.program}`);
}

/** Enters a device of a node into a pinned device map. */
export async function enterDevice(
  node: LabNode,
  map: string,
  at: { row: number; interface: string },
): Promise<void> {
  const { ifindex } = await node.link(at.interface);
  const bytes = (value: number): string[] =>
    [...new Uint8Array(Uint32Array.of(value).buffer)].map((byte) => byte.toString(16).padStart(2, '0'));
  await node.exec('bpftool', [
    ...['map', 'update', 'pinned', map],
    ...['key', 'hex', ...bytes(at.row), 'value', 'hex', ...bytes(ifindex)],
  ]);
}

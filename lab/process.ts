// A program that keeps running inside the lab.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { patient } from './patience.js';
import { Changes } from './wait.js';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child: its error output is kept, its end can be waited for. */
export class LabProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<ProcessExit>;
  #exit: ProcessExit | undefined;
  #stderr = '';
  readonly #changes = new Changes();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => {
      this.#stderr += text;
      this.#changes.notify();
    });
    child.stdin?.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      const end = (exit: ProcessExit): void => {
        this.#exit ??= exit;
        this.#changes.notify();
        resolve(this.#exit);
      };
      child.once('error', (error) => {
        this.#stderr += error.message;
        end({ code: 127, signal: null });
      });
      child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** How it ended; undefined while it runs. */
  get exit(): ProcessExit | undefined {
    return this.#exit;
  }

  /** Everything it wrote to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.child.kill(signal);
  }

  /** Sends `signal`, and SIGKILL when it still runs `patience` ms later; resolves when it has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM', patience = 3_000): Promise<ProcessExit> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), patient(patience));
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first match of `pattern` in standard error behind position `from`, as soon as it is there. */
  async stderrMatch(
    pattern: RegExp,
    options: { from?: number; timeout?: number } = {},
  ): Promise<RegExpExecArray> {
    return this.#changes.wait(
      () => {
        const match = pattern.exec(this.#stderr.slice(options.from ?? 0));
        if (match === null && this.#exit !== undefined)
          throw new Error(`ended early: ${this.#stderr.trim()}`);
        return match ?? undefined;
      },
      { what: `${pattern} from ${this.child.spawnargs.join(' ')}`, timeout: options.timeout ?? 5_000 },
    );
  }
}

/** The lines of a child's standard output, kept and awaited one condition at a time. */
export class LineReader {
  readonly lines: string[] = [];
  readonly #changes = new Changes();
  #ended = false;

  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new TypeError('the child has no standard output to read');
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => {
      this.lines.push(line);
      this.#changes.notify();
    });
    reader.on('close', () => {
      this.#ended = true;
      this.#changes.notify();
    });
  }

  /** The first line from position `from` on for which `pick` gives something, as what it gave. */
  async find<T>(
    pick: (line: string) => T | undefined,
    options: { what: string; from?: number; timeout?: number },
  ): Promise<T> {
    let next = options.from ?? 0;
    return this.#changes.wait(
      () => {
        while (next < this.lines.length) {
          const picked = pick(this.lines[next++] ?? '');
          if (picked !== undefined) return picked;
        }
        if (this.#ended) throw new Error(`output ended before ${options.what}`);
        return undefined;
      },
      { what: options.what, timeout: options.timeout ?? 5_000 },
    );
  }
}

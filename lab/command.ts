// Runs one program to its end and hands back what it said.
import { spawn } from 'node:child_process';
import { patient } from './patience.js';

/** What a finished program left behind. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status; -1 when a signal ended it. */
  readonly exitCode: number;
}

export interface CommandOptions {
  /** Text or bytes for standard input. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program is killed; 20 s when left out. */
  readonly timeout?: number;
  /** Hand back a non-zero exit status instead of throwing. */
  readonly mayFail?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that could not be started, took too long or ended with a non-zero status. */
class CommandError extends Error {
  readonly code = 'COMMAND_FAILED';
  readonly result: CommandResult;

  constructor(command: string, args: readonly string[], result: CommandResult, note = '') {
    const said = result.stderr.trim() || result.stdout.trim();
    super(`'${[command, ...args].join(' ')}' ended with status ${result.exitCode}${note}: ${said}`);
    this.name = 'CommandError';
    this.result = result;
  }
}

/**
 * The environment of the lab's programs: system directories only, for npx puts its packages' programs
 * in front, and one of them is called `nft`.
 */
export const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

/**
 * Runs a program and waits for its end.
 * @throws CommandError when it fails, cannot be started or takes longer than `timeout`
 */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeout = patient(options.timeout ?? 20_000);
  const child = spawn(command, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...environment, ...options.env },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that ends without reading its input is judged by its status, not by the broken pipe.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout);
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      err.push(Buffer.from(error.message));
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? -1));
  });
  clearTimeout(timer);
  const result = { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), exitCode };
  if (late) throw new CommandError(command, args, result, ` (killed after ${timeout} ms)`);
  if (exitCode !== 0 && options.mayFail !== true) throw new CommandError(command, args, result);
  return result;
}

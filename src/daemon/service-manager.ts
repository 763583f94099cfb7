import { spawn } from 'node:child_process';
import type { Logger } from 'pino';

/** How long to wait for one message to be read. */
const PATIENCE_MS = 1000;

/**
 * Tells systemd how we are (sd_notify), if it asked for it with NOTIFY_SOCKET. Node has no datagram
 * sockets in the file system, so the program `systemd-notify` sends for us: the unit needs
 * `NotifyAccess=all`.
 */
export class ServiceManager {
  readonly #log: Logger;
  readonly #asked: boolean;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(log: Logger, environment: NodeJS.ProcessEnv = process.env) {
    this.#log = log;
    this.#asked = (environment.NOTIFY_SOCKET ?? '') !== '';
    const interval = watchdogInterval(environment);
    if (this.#asked && interval !== undefined) {
      this.#watchdog = setInterval(() => void this.#send('WATCHDOG=1'), interval);
      this.#watchdog.unref();
    }
  }

  /** The API answers and traffic flows. */
  async ready(): Promise<void> {
    await this.#send('READY=1', `MAINPID=${process.pid}`);
  }

  async stopping(): Promise<void> {
    clearInterval(this.#watchdog);
    this.#watchdog = undefined;
    await this.#send('STOPPING=1');
  }

  async #send(...words: string[]): Promise<void> {
    if (!this.#asked) return;
    await new Promise<void>((resolve) => {
      const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], { stdio: 'ignore' });
      // It waits for systemd to have read the message; a busy systemd must not hold us up.
      const patience = setTimeout(resolve, PATIENCE_MS);
      const done = () => {
        clearTimeout(patience);
        resolve();
      };
      child.once('error', (error) => {
        this.#log.warn({ error: error.message }, 'systemd cannot be told: systemd-notify does not run');
        done();
      });
      child.once('exit', done);
    });
  }
}

/** Half of what systemd allows between two signs of life, milliseconds. */
function watchdogInterval(environment: NodeJS.ProcessEnv): number | undefined {
  const microseconds = Number(environment.WATCHDOG_USEC);
  const owner = environment.WATCHDOG_PID;
  if (!(microseconds > 0) || (owner !== undefined && Number(owner) !== process.pid)) return undefined;
  return Math.max(100, Math.floor(microseconds / 2000));
}

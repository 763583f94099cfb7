// A coaxial daemon running on one node of the lab.
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { CLI } from './cli.js';
import type { CommandResult } from './command.js';
import type { LabNode } from './node.js';
import { patient } from './patience.js';
import { asDaemon } from './privileges.js';
import type { LabProcess, ProcessExit } from './process.js';
import type { Release } from './release.js';
import { until } from './wait.js';

/** A config file's content; the daemon is the one to check it. */
export type DaemonConfig = Readonly<Record<string, unknown>>;

export interface DaemonPlace {
  /** Configs and logs. */
  readonly directory: string;
  /** Sockets and locks. */
  readonly runtime: string;
  readonly bpffs: string;
  readonly instance: string;
  /** Outlive the process that started it. */
  readonly detached: boolean;
}

/** How a daemon is started. */
export interface StartOptions {
  /** Words in front of its command, such as those of `prlimit`; they run as root. */
  readonly under?: readonly string[];
  /** Node's own options. */
  readonly node?: readonly string[];
  /** Capabilities beside those of all daemons, such as `sys_admin`. */
  readonly capabilities?: readonly string[];
  /** Where its standard error goes instead of its log. */
  readonly logFile?: string;
}

/** The API's answer to one request. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The daemon ended before it was ready, or refused a request. */
class DaemonError extends Error {
  readonly code = 'DAEMON_FAILED';
}

/** Start, restart and kill one daemon; ask its API. */
export class LabDaemon {
  readonly node: LabNode;
  readonly instance: string;
  readonly socket: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly bpffs: string;
  readonly #detached: boolean;
  /** The version that runs when it is not this one. */
  #release: Release | undefined;
  #config: DaemonConfig;
  readonly #options: StartOptions;
  #process: LabProcess | undefined;

  constructor(node: LabNode, config: DaemonConfig, place: DaemonPlace, options: StartOptions = {}) {
    this.#options = options;
    this.node = node;
    this.instance = place.instance;
    this.bpffs = place.bpffs;
    this.socket = join(place.runtime, `${node.name}.sock`);
    this.configFile = join(place.directory, `${node.name}.yaml`);
    this.logFile = join(place.directory, `${node.name}.log`);
    this.#detached = place.detached;
    this.#config = config;
  }

  /** Pid of the running daemon. @throws DaemonError when there is none */
  get pid(): number {
    if (this.#process === undefined) throw new DaemonError(`no daemon runs on ${this.node.name}`);
    return this.#process.pid;
  }

  /** The config that it was given last. */
  get config(): DaemonConfig {
    return this.#config;
  }

  /** How it ended; undefined while it runs. @throws DaemonError when it was never started */
  get exit(): ProcessExit | undefined {
    if (this.#process === undefined) throw new DaemonError(`no daemon was started on ${this.node.name}`);
    return this.#process.exit;
  }

  /** Writes the config and starts; resolves when the API answers. @throws DaemonError with its log */
  async start(options: StartOptions = {}): Promise<void> {
    await this.#writeConfig();
    const { node = [], capabilities = [], logFile = this.logFile } = { ...this.#options, ...options };
    const under = [...(this.#options.under ?? []), ...(options.under ?? [])];
    const log = openSync(logFile, 'a');
    try {
      const command = [...node, this.#cli, 'daemon', '--config', this.configFile];
      const words = asDaemon(process.execPath, command, capabilities);
      const [program = '', ...rest] = [...under, 'setpriv', ...words];
      this.#process = this.node.spawn(program, rest, {
        stdio: ['ignore', log, log],
        detached: this.#detached,
      });
      if (this.#detached) this.#process.child.unref();
    } finally {
      closeSync(log);
    }
    const started = this.#process;
    await until(
      async () => {
        if (started.exit !== undefined) return true;
        return (await this.api('GET', '/v1/status')).status === 200;
      },
      { what: `the API of the daemon on ${this.node.name}`, timeout: 40_000, interval: 20 },
    );
    if (started.exit !== undefined) {
      const said = (await this.log()).split('\n').slice(-20).join('\n');
      throw new DaemonError(
        `the daemon on ${this.node.name} ended with status ${started.exit.code ?? started.exit.signal}:\n${said}`,
      );
    }
  }

  /** Ends it politely: traffic keeps flowing. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM', 10_000);
  }

  /** Resolves when it has ended, whoever ended it. */
  async ended(): Promise<void> {
    await this.#process?.exited;
  }

  /** Sends a signal; with SIGKILL resolves when it is dead. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#process?.kill(signal);
    if (signal === 'SIGKILL') await this.#process?.exited;
  }

  /** Stops what still runs and starts again, with another config if one is given. */
  async restart(config: DaemonConfig = this.#config): Promise<void> {
    await this.stop();
    this.#config = config;
    await this.start();
  }

  /** The version that runs when it is not this one. */
  get release(): Release | undefined {
    return this.#release;
  }

  /** Another version takes the place of the running one. */
  async upgrade(release: Release): Promise<void> {
    await this.stop();
    this.#release = release;
    await this.start();
  }

  get #cli(): string {
    return this.#release?.cli ?? CLI;
  }

  /** Gives the running daemon another config. @throws DaemonError when it does not take it */
  async reload(config: DaemonConfig): Promise<void> {
    this.#config = config;
    await this.#writeConfig();
    const answer = await this.api('POST', '/v1/reload');
    if (answer.status >= 300) {
      throw new DaemonError(
        `the daemon on ${this.node.name} refused the config: ${JSON.stringify(answer.body)}`,
      );
    }
  }

  async log(): Promise<string> {
    return readFile(this.logFile, 'utf8').catch(() => '');
  }

  /** The command line tool, told to talk to this daemon. @throws CommandError */
  async coax(args: readonly string[], options: { mayFail?: boolean } = {}): Promise<CommandResult> {
    return this.node.exec(process.execPath, [this.#cli, ...args, '--socket', this.socket], options);
  }

  /** One request to the API; a path on the file system reaches it from every network namespace. */
  async api(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const call = request(
        { socketPath: this.socket, method, path, headers, timeout: patient(5_000) },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            try {
              resolve({ status, body: text === '' ? undefined : (JSON.parse(text) as unknown) });
            } catch {
              resolve({ status, body: text });
            }
          });
        },
      );
      call.on('timeout', () =>
        call.destroy(new DaemonError(`no answer from ${this.socket} to ${method} ${path}`)),
      );
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async #writeConfig(): Promise<void> {
    const state = join(dirname(this.socket), 'state');
    const settings = { instance: this.instance, socket: this.socket, bpffs: this.bpffs };
    await writeFile(this.configFile, stringify({ state, ...this.#config, ...settings }));
  }
}

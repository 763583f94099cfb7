import type { Logger } from 'pino';
import { type ApiServer, createApi, serveApi } from '../api/index.js';
import { type Config, readConfig } from '../config/index.js';
import type { Controller, CreateController, ReloadResult } from '../views/index.js';
import { RequestError } from '../views/index.js';
import { allowLongCollections } from './heap.js';
import { InstanceLock, pidFilePath } from './instance-lock.js';
import { createLog, logChanges } from './log.js';
import { ServiceManager } from './service-manager.js';
import { packageVersion } from './version.js';

export interface DaemonOptions {
  /** Makes the controller; default: the real one. */
  createController?: CreateController;
  log?: Logger;
  /** Ends the daemon as SIGTERM does. */
  signal?: AbortSignal;
}

/**
 * Runs the daemon of one configuration file until it is told to stop (SIGTERM, SIGINT or `signal`).
 * Everything it loaded stays in the kernel: traffic flows on. SIGHUP reads the file again; when that fails,
 * the problems are logged and nothing changes.
 * @throws ConfigError, DaemonError, SocketError or what the controller's start throws, before it is ready
 */
export async function runDaemon(configPath: string, options: DaemonOptions = {}): Promise<void> {
  const config = await readConfig(configPath);
  if (config.role === 'home-agent' && config.registration) allowLongCollections();
  const log = (options.log ?? createLog()).child({ instance: config.instance });
  const lock = InstanceLock.acquire(pidFilePath(config.socket, config.instance), { purpose: 'daemon' });
  try {
    await new Daemon(configPath, config, log, options).run();
  } finally {
    lock.release();
  }
}

class Daemon {
  readonly #configPath: string;
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #startedAt = Date.now();
  #config: Config;
  /** Reloads run one after the other. */
  #reloading: Promise<unknown> = Promise.resolve();
  /** Ends the reading of a file of which nothing would come any more. */
  readonly #stopping = new AbortController();

  constructor(configPath: string, config: Config, log: Logger, options: DaemonOptions) {
    this.#configPath = configPath;
    this.#config = config;
    this.#log = log;
    this.#options = options;
  }

  async run(): Promise<void> {
    const create =
      this.#options.createController ?? (await import('./controller-factory.js')).createController;
    const controller = await create(this.#config, this.#log);
    logChanges(controller, this.#log);
    const services = new ServiceManager(this.#log);
    const stop = stopRequest(this.#options.signal);
    const onFault = (error: unknown) => {
      this.#log.fatal({ err: error }, 'a fault in the daemon; traffic flows on, a restart adopts it');
      process.exit(1);
    };
    process.on('uncaughtException', onFault);
    const onHangup = () => void this.#reload(controller).catch(() => undefined);
    process.on('SIGHUP', onHangup);
    let server: ApiServer | undefined;
    try {
      await Promise.race([controller.start(), stop.asked]);
      if (stop.reason === undefined) {
        server = await this.#serve(controller);
        this.#log.info({ socket: server.path, version: packageVersion() }, 'ready');
        await services.ready();
        await stop.asked;
      }
      this.#log.info({ reason: stop.reason }, 'stopping; traffic flows on');
      this.#stopping.abort();
      await services.stopping();
    } finally {
      process.off('SIGHUP', onHangup);
      process.off('uncaughtException', onFault);
      stop.end();
      await server?.close();
      await this.#reloading.catch(() => undefined);
      await controller.stop();
    }
    this.#log.info({}, 'stopped');
  }

  async #serve(controller: Controller): Promise<ApiServer> {
    const api = createApi(controller, {
      version: packageVersion(),
      startedAt: this.#startedAt,
      reload: () => this.#reload(controller),
      onFailure: (error) => this.#log.error({ err: error }, 'a request failed'),
    });
    return serveApi(api, this.#config.socket);
  }

  async #reload(controller: Controller): Promise<ReloadResult> {
    const turn = this.#reloading.then(() => this.#reloadNow(controller));
    this.#reloading = turn.catch(() => undefined);
    return turn;
  }

  async #reloadNow(controller: Controller): Promise<ReloadResult> {
    try {
      const config = await readConfig(this.#configPath, { signal: this.#stopping.signal });
      refuseMove(this.#config, config);
      const result = await controller.reload(config);
      this.#config = config;
      this.#log.info({ ...result }, 'configuration reloaded');
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const code = (error as { code?: unknown }).code;
      this.#log.error(
        { code, problems: message.split('\n') },
        'configuration not reloaded, the old one stays',
      );
      throw error;
    }
  }
}

/** What tells one daemon from another cannot change while it runs. */
function refuseMove(before: Config, after: Config): void {
  for (const setting of ['role', 'instance', 'socket', 'bpffs'] as const) {
    if (before[setting] === after[setting]) continue;
    throw new RequestError(
      'RELOAD_REFUSED',
      `\`${setting}\` cannot change while the daemon runs (${before[setting]} -> ${after[setting]})`,
      'run `coax down`, then start the daemon with the new file',
    );
  }
}

interface StopRequest {
  readonly asked: Promise<void>;
  /** What asked, once something has. */
  readonly reason: string | undefined;
  end(): void;
}

function stopRequest(signal: AbortSignal | undefined): StopRequest {
  let reason: string | undefined;
  let resolve: () => void = () => undefined;
  const asked = new Promise<void>((done) => {
    resolve = done;
  });
  const ask = (why: string) => {
    reason ??= why;
    resolve();
  };
  const onSignal = (name: NodeJS.Signals) => ask(name);
  const onAbort = () => ask('abort');
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  return {
    asked,
    get reason() {
      return reason;
    },
    end: () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

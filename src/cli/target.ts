import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { UsageError } from './cli-error.js';

/** Options that say which daemon is meant, as commander gives them. */
export interface TargetOptions {
  json?: boolean;
  config?: string;
  socket?: string;
  instance?: string;
}

/** Which instance a command is about. */
export interface Target {
  socket: string;
  instance: string;
  bpffs: string;
  /** The configuration, when `--config` named its file. */
  config: Config | undefined;
}

const DEFAULT_INSTANCE = 'default';
const DEFAULT_BPFFS = '/sys/fs/bpf';

/** Where the daemon of the instance `default` listens. */
export const DEFAULT_SOCKET = '/run/coaxial/coaxial.sock';

/** Adds the options every command that speaks with a daemon has. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file of the daemon; says where its socket is')
    .option('--socket <path>', `socket of the daemon (default: ${DEFAULT_SOCKET})`)
    .option('--instance <name>', 'name of the instance, when it is not in the configuration')
    .option('--json', 'print JSON');
}

/**
 * The instance that is meant: what a flag says, else the configuration file, else the defaults.
 * @throws UsageError, ConfigError
 */
export async function resolveTarget(options: TargetOptions): Promise<Target> {
  if (options.instance !== undefined && !/^[a-z0-9-]{1,32}$/.test(options.instance)) {
    throw new UsageError(
      `"${options.instance}" is not an instance name`,
      'use 1 to 32 lower-case letters, digits and dashes',
    );
  }
  const config = options.config === undefined ? undefined : await load(options.config);
  const instance = options.instance ?? config?.instance ?? DEFAULT_INSTANCE;
  return {
    instance,
    socket: options.socket ?? (await socketOf(instance, config)),
    bpffs: config?.bpffs ?? DEFAULT_BPFFS,
    config: config?.instance === instance ? config : undefined,
  };
}

/** The value of an option without which a command makes no sense. */
export function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') {
    throw new UsageError(`${option} is missing`, `add ${option}; \`--help\` shows the options`);
  }
  return value;
}

async function socketOf(instance: string, config: Config | undefined): Promise<string> {
  if (config?.instance === instance) return config.socket;
  if (instance === DEFAULT_INSTANCE) return DEFAULT_SOCKET;
  const { defaultSocket } = await import('../config/index.js');
  return defaultSocket(instance);
}

async function load(file: string): Promise<Config> {
  const { loadConfig } = await import('../config/index.js');
  return loadConfig(file);
}

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Config } from './config.js';
import { ConfigError } from './config-error.js';
import { MAX_FILE_SIZE, YamlDocument } from './document.js';
import { freeze } from './freeze.js';
import { readHomeAgent } from './home-agent.js';
import { readMobileRouter } from './mobile-router.js';
import type { Places } from './places.js';
import { Report } from './report.js';
import { show } from './text.js';

/**
 * Reads a configuration file.
 * @throws ConfigError CONFIG_UNREADABLE when there is no such file, CONFIG_INVALID naming everything wrong in it
 */
export async function loadConfig(path: string): Promise<Config> {
  return (await loadConfigWithPlaces(path)).config;
}

/**
 * Reads a configuration file, with the way from its settings to their lines.
 * @throws ConfigError as {@link loadConfig}
 */
export async function loadConfigWithPlaces(path: string): Promise<ConfigWithPlaces> {
  return parse(decode(await read(path), path), path);
}

/**
 * Reads a configuration from text; `fileName` is only used in messages.
 * @throws ConfigError CONFIG_INVALID naming everything that is wrong
 */
export function parseConfig(text: string, fileName: string): Config {
  return parse(text, fileName).config;
}

/** A configuration and the file it is from. */
export interface ConfigWithPlaces {
  readonly config: Config;
  readonly places: Places;
}

function parse(text: string, fileName: string): ConfigWithPlaces {
  if (text.length > MAX_FILE_SIZE) throw tooLarge(fileName);
  const document = YamlDocument.parse(text, fileName);
  const report = new Report(document);
  const config = readByRole(document, report);
  if (config === undefined || report.problems.length > 0)
    throw new ConfigError('CONFIG_INVALID', report.problems);
  return { config: freeze(config), places: document };
}

function readByRole(document: YamlDocument, report: Report): Config | undefined {
  const { value } = document;
  const roleHint = 'write role: mobile-router or role: home-agent';
  if (value === null || value === undefined) {
    report.at([], 'the file is empty', roleHint);
    return undefined;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    report.at([], `${show(value)} is not a configuration`, "write settings, one 'key: value' on each line");
    return undefined;
  }
  const role: unknown = Object.hasOwn(value, 'role') ? (value as { role: unknown }).role : undefined;
  if (role === 'mobile-router') return readMobileRouter(document, report);
  if (role === 'home-agent') return readHomeAgent(document, report);
  report.at(['role'], role === undefined ? 'is missing' : `${show(role)} is not a role`, roleHint);
  return undefined;
}

async function read(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK opening a pipe would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(path, 'is not a file', 'name a YAML file');
    if (stat.size > MAX_FILE_SIZE) throw tooLarge(path);
    const content = await file.readFile();
    if (content.length > MAX_FILE_SIZE) throw tooLarge(path);
    return content;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unreadable(path, ...openFailure(error), error);
  } finally {
    await file?.close();
  }
}

function openFailure(error: unknown): [message: string, hint: string] {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return ['there is no such file', 'create it or name another one with --config'];
    case 'EACCES':
    case 'EPERM':
      return ['you are not allowed to read it', 'run as a user who is, or change its permissions'];
    case 'ENXIO':
      return ['is not a file', 'name a YAML file'];
    case 'EMFILE':
    case 'ENFILE':
      return [`cannot be read (${message})`, 'raise the limit of open files (LimitNOFILE=, ulimit -n)'];
    default:
      return [`cannot be read (${message})`, 'name another file with --config'];
  }
}

function decode(content: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw new ConfigError('CONFIG_INVALID', [wholeFile(path, 'is not UTF-8 text', 'save it as UTF-8')], {
      cause: error,
    });
  }
}

function tooLarge(path: string): ConfigError {
  const message = `is larger than ${MAX_FILE_SIZE / 1024 / 1024} MiB`;
  return new ConfigError('CONFIG_INVALID', [wholeFile(path, message, 'write fewer policies or routers')]);
}

function unreadable(path: string, message: string, hint: string, cause?: unknown): ConfigError {
  return new ConfigError('CONFIG_UNREADABLE', [wholeFile(path, message, hint)], { cause });
}

function wholeFile(file: string, message: string, hint: string) {
  return { file, line: 0, column: 0, path: '', message, hint };
}

import { type ExecFileException, execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIp6tables } from './ip6tables.js';
import { parseRuleset } from './nft.js';
import type { Ruleset } from './ruleset.js';
import { RulesetError, type RulesetErrorCode } from './ruleset-error.js';

/** Never by PATH: a program of another package is called `nft`, too. */
const FOLDERS: readonly string[] = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

const TIMEOUT_MS = 5000;
/** Bytes; what is longer is not read to its end. */
const OUTPUT_LIMIT = 16 << 20;

/** Which tables of the older ip6tables are in use in this network namespace. */
const TABLE_NAMES = '/proc/self/net/ip6_tables_names';
/** The modules that have such tables; without one of them there are none. */
const TABLE_MODULES = ['filter', 'nat', 'mangle', 'raw', 'security'].map(
  (table) => `/sys/module/ip6table_${table}`,
);

/**
 * All rules of netfilter in this network namespace.
 * @param mayHaveRules whether nf_tables may have any: nothing is started to find that there are none
 * @param folders where the programs that list rules are looked for
 * @throws RulesetError, and what `mayHaveRules` throws
 */
export async function readRuleset(
  mayHaveRules: () => Promise<boolean>,
  folders: readonly string[] = FOLDERS,
): Promise<Ruleset> {
  const older = await readIp6tables(folders);
  return [...older, ...((await mayHaveRules()) ? await readNftables(folders) : [])];
}

async function readNftables(folders: readonly string[]): Promise<Ruleset> {
  const nft = find(folders, 'nft');
  if (nft === undefined) {
    throw new RulesetError(
      'NFT_MISSING',
      'there are rules of netfilter, but no nft to list them: install nftables',
    );
  }
  // Without counters and the contents of sets, which may be long and do not matter here.
  const listing = ['list', 'ruleset'];
  const json = await run(nft, ['-s', '-t', '-j', ...listing], 'NFT_FAILED');
  return parseRuleset(json, await run(nft, ['-s', '-t', '-a', ...listing], 'NFT_FAILED'));
}

/**
 * The rules of the older ip6tables (iptables-legacy), which nf_tables does not know of. Nothing is loaded by
 * looking: only tables that are there already are listed.
 */
async function readIp6tables(folders: readonly string[]): Promise<Ruleset> {
  const tables = legacyTables();
  if (tables.length === 0) {
    return [];
  }
  const program = find(folders, 'ip6tables-legacy-save') ?? find(folders, 'ip6tables-save');
  if (program === undefined) {
    throw new RulesetError(
      'IP6TABLES_MISSING',
      `ip6tables has the tables ${tables.join(', ')}, but there is no ip6tables-legacy-save: install iptables`,
    );
  }
  const texts: string[] = [];
  for (const table of tables) {
    texts.push(await run(program, ['-t', table], 'IP6TABLES_FAILED'));
  }
  return parseIp6tables(texts.join('\n'));
}

/** May there be rules of the older ip6tables? The kernel does not announce their changes. */
export function hasIp6tables(): boolean {
  try {
    return legacyTables().length > 0;
  } catch {
    return true;
  }
}

function legacyTables(): string[] {
  try {
    return readFileSync(TABLE_NAMES, 'utf8')
      .split('\n')
      .filter((name) => name !== '');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || !TABLE_MODULES.some(existsSync)) {
      return [];
    }
    throw new RulesetError(
      'IP6TABLES_UNREADABLE',
      'the kernel has the tables of ip6tables-legacy, which only root may list: use iptables-nft, or unload them',
      { cause },
    );
  }
}

function find(folders: readonly string[], name: string): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What was stopped because of its length or its time. */
function tooLong(error: ExecFileException): string | undefined {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return `said more than ${OUTPUT_LIMIT} bytes`;
  }
  return error.killed === true ? `was stopped after ${TIMEOUT_MS} ms` : undefined;
}

async function run(program: string, args: readonly string[], code: RulesetErrorCode): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_LIMIT, killSignal: 'SIGKILL' } as const;
    execFile(program, args, { ...options, env: { LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const said = stderr.trim().split('\n')[0];
      const reason = tooLong(error) ?? (said || error.message);
      reject(new RulesetError(code, `"${[program, ...args].join(' ')}": ${reason}`, { cause: error }));
    });
  });
}

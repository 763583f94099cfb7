import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIp6tables } from './ip6tables.js';
import { parseRuleset } from './nft.js';
import type { Ruleset } from './ruleset.js';
import { RulesetError, type RulesetErrorCode } from './ruleset-error.js';

/** Never by PATH: a program of another package is called `nft`, too. */
const FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'] as const;

const TIMEOUT_MS = 5000;
/** Bytes; what is longer is not read to its end. */
const OUTPUT_LIMIT = 16 << 20;

/** Which tables of the older ip6tables are in use in this network namespace. */
const TABLE_NAMES = '/proc/self/net/ip6_tables_names';
/** The modules that have such tables; without one of them there are none. */
const TABLE_MODULES = ['filter', 'nat', 'mangle', 'raw', 'security'].map(
  (table) => `/sys/module/ip6table_${table}`,
);

/** The rules that the kernel's nf_tables has. @throws RulesetError */
export async function readNftables(): Promise<Ruleset> {
  const nft = find('nft');
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
 * @throws RulesetError
 */
export async function readIp6tables(): Promise<Ruleset> {
  const tables = legacyTables();
  if (tables.length === 0) {
    return [];
  }
  const program = find('ip6tables-legacy-save') ?? find('ip6tables-save');
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

function find(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
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
      const reason = error.killed === true ? `was stopped after ${TIMEOUT_MS} ms` : said || error.message;
      reject(
        new RulesetError(code, `"${[program, ...args].join(' ')}": ${reason}`, { cause: error }),
      );
    });
  });
}

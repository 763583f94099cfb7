/** The keys that routers register with (RFC 4285): can the daemon read them, can nobody else, is each one router's. */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { getgid, getuid } from 'node:process';
import type { Config } from '../config/index.js';
import { KeyError, readRegistrationKey } from '../keys/index.js';
import { type Check, fail, ok, reasonText, warn } from './check.js';

/** As whom the daemon runs. */
interface DaemonUser {
  readonly uid: number;
  readonly gid: number;
}

/** A key file of the configuration. */
interface NamedKey {
  /** The router that registers with it, as it is called in a finding. */
  readonly owner: string;
  readonly path: string;
}

type Key = ReturnType<typeof readRegistrationKey>;

/** Routers whose keys have one SPI. */
interface SpiUse {
  readonly key: Uint8Array;
  readonly owners: string[];
  /** Whether they have one key, too. */
  isOneKey: boolean;
}

const NAME = 'registration keys';
/** Findings that are listed: a home agent may have ten thousand keys. */
const MOST_LISTED = 10;
/** Routers that a finding names. */
const MOST_NAMED = 3;
/** Where systemd puts what it hands to a service, which only that can look at. */
const CREDENTIALS = '/run/credentials/';

/**
 * What is wrong with the key files of a configuration, one check for each problem, and how many are right; none where no
 * router registers with a key. Never tells more of a key than its SPI.
 */
export function checkRegistrationKeys(config: Config, user: DaemonUser = daemonUser(config.state)): Check[] {
  const keys = keysOf(config);
  const files = keys.filter(({ path }) => !path.startsWith(CREDENTIALS));
  const spis = new Map<number, SpiUse>();
  const findings: Check[] = [];
  for (const file of files) {
    const found = examineKey(file, user);
    if ('spi' in found) countUse(spis, file, found);
    else findings.push(found);
  }
  const right = files.length - findings.length;
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)));
  findings.push(...[...folders].flatMap((folder) => closedFolder(folder, user)), ...sharedSpis(spis));
  return [
    ...(right > 0
      ? [
          ok(
            NAME,
            `${right} of ${keys.length} are right, and closed to all but the daemon (user ${user.uid})`,
          ),
        ]
      : []),
    ...(files.length < keys.length ? [handedOver(keys.length - files.length)] : []),
    ...bounded(findings),
  ];
}

/** The owner of the folder with the daemon's state; before its first start whoever asks. */
function daemonUser(state: string): DaemonUser {
  try {
    return statSync(state);
  } catch {
    return { uid: getuid?.() ?? 0, gid: getgid?.() ?? 0 };
  }
}

function keysOf(config: Config): NamedKey[] {
  if (config.registration === undefined) return [];
  const routers =
    config.role === 'mobile-router'
      ? [{ name: 'this router', keyFile: config.registration.keyFile }]
      : config.routers;
  return routers.flatMap(({ name, keyFile }) =>
    keyFile === undefined ? [] : [{ owner: name, path: keyFile }],
  );
}

/** What a file holds, or what is wrong with it. */
function examineKey({ owner, path }: NamedKey, user: DaemonUser): Key | Check {
  const wrong = (found: string, advice: string): Check => fail(NAME, `${owner}: ${found}`, advice);
  const make = `\`coax keys --registration ${path}\``;
  const close = `\`chown ${user.uid} ${path}; chmod 600 ${path}\``;
  try {
    const status = statSync(path);
    // Opening something else might take for ever.
    if (!status.isFile()) return wrong(`${path} is no file`, `write a key with ${make} where nothing is`);
    const key = readRegistrationKey(path, user.uid);
    return mayRead(status, user)
      ? key
      : wrong(
          `${path} has mode ${octal(status)} and owner ${status.uid}, which the daemon (user ${user.uid}) cannot read`,
          `${close}, or have systemd hand it over with \`LoadCredential=\``,
        );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    switch (code) {
      case 'ENOENT':
      case 'ENOTDIR':
        return wrong(`${path} is not there`, `${make} makes one, and both ends get the same file`);
      case 'KEY_FILE_OPEN':
        return wrong(reasonText(error), `${close}, then make a new key with ${make}: this one is known`);
      case 'KEY_FILE_INVALID':
        return wrong(reasonText(error), `write another one with ${make}, for both ends`);
      default:
        if (!(error instanceof KeyError) && code === undefined) throw error;
        return hidden(owner, reasonText(error), close, user);
    }
  }
}

/** A file that we cannot look at; that says something about the daemon only if it is the same user. */
function hidden(owner: string, reason: string, close: string, user: DaemonUser): Check {
  const found = `${owner}: ${reason}`;
  return getuid?.() === 0 || getuid?.() === user.uid
    ? fail(NAME, found, `${close}, and let the daemon into the folders above it`)
    : warn(NAME, found, 'run `coax doctor` as root');
}

/** Groups are left out: what a group can read is not closed. */
function mayRead({ uid, mode }: Stats, user: DaemonUser): boolean {
  return user.uid === 0 || (uid === user.uid && (mode & 0o400) !== 0);
}

function octal({ mode }: Stats): string {
  return (mode & 0o777).toString(8);
}

/** The folders that lead to a file. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === dirname(folder)) return folders;
  }
}

/** Which groups the daemon is in beside its own is not known here, nor are access lists: so no more than a warning. */
function closedFolder(folder: string, { uid, gid }: DaemonUser): Check[] {
  let status: Stats;
  try {
    status = statSync(folder);
  } catch {
    // That is said of each file in it.
    return [];
  }
  const bit = status.uid === uid ? 0o100 : status.gid === gid ? 0o010 : 0o001;
  if (uid === 0 || (status.mode & bit) !== 0) return [];
  const found = `folder ${folder} has mode ${octal(status)} and owner ${status.uid}: the daemon (user ${uid}) may not get in`;
  return [
    warn(NAME, found, `\`chgrp ${gid} ${folder}; chmod g+x ${folder}\`, unless an access list lets it in`),
  ];
}

function countUse(spis: Map<number, SpiUse>, { owner }: NamedKey, { spi, key }: Key): void {
  const use = spis.get(spi);
  if (use === undefined) {
    spis.set(spi, { key, owners: [owner], isOneKey: true });
    return;
  }
  use.owners.push(owner);
  use.isOneKey &&= Buffer.compare(use.key, key) === 0;
}

function sharedSpis(spis: ReadonlyMap<number, SpiUse>): Check[] {
  return [...spis].flatMap(([spi, { owners, isOneKey }]) => {
    if (owners.length === 1) return [];
    const more = owners.length - MOST_NAMED;
    const names = `${owners.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const what = isOneKey
      ? 'have one key: each can register as the other'
      : 'have keys of one SPI: messages of the one use up the allowance of the other';
    const advice = 'make a key for each router with `coax keys --registration FILE`';
    return [warn(NAME, `${names} ${what} (SPI 0x${spi.toString(16)})`, advice)];
  });
}

function handedOver(count: number): Check {
  const found = `${count} in ${CREDENTIALS}: not looked at, only the service can`;
  return warn(NAME, found, 'look at `coax status` when it runs: keys that it cannot use are named there');
}

/** What fails comes first. */
function bounded(findings: readonly Check[]): Check[] {
  const inOrder = [...findings].sort((a, b) => rank(a) - rank(b));
  const [next, ...others] = inOrder.slice(MOST_LISTED);
  const listed = inOrder.slice(0, MOST_LISTED);
  if (next === undefined) return listed;
  const found = `${others.length + 1} more problems are not listed`;
  return [...listed, { ...next, found, advice: 'correct those above, then ask again' }];
}

function rank({ verdict }: Check): number {
  return verdict === 'fail' ? 0 : 1;
}

/**
 * An apt beside the system's: lists and archives of its own in the cache, more suites than the system has. Nothing
 * below /etc/apt and /var/lib/apt changes; mirror, proxy and keys are those of the system.
 */
import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, run } from '../../lab/command.js';
import { VmUnavailableError } from './errors.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where Debian offers kernels, by the last folder of the archive's address. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  debian: ['bookworm', 'bookworm-backports', 'trixie-backports', 'forky', 'sid'],
  'debian-security': ['bookworm-security', 'trixie-security'],
};

const UPDATE_TIMEOUT_MS = 180_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;
/** How old lists may be before they are asked for again. */
const LISTS_AGE_MS = 12 * 3_600_000;

export class PrivateApt {
  readonly #folder: string;
  readonly #options: readonly string[];
  /** Why the lists are not the newest, if they are not. */
  #stale = '';

  private constructor(folder: string) {
    this.#folder = folder;
    const none = join(folder, 'none');
    this.#options = Object.entries({
      'Dir::Etc::SourceList': join(folder, 'sources.list'),
      'Dir::Etc::SourceParts': none,
      'Dir::Etc::Preferences': join(none, 'preferences'),
      'Dir::Etc::PreferencesParts': none,
      'Dir::State': folder,
      'Dir::State::Lists': join(folder, 'lists'),
      'Dir::State::Status': join(folder, 'status'),
      'Dir::Cache': folder,
      // The folders are root's own.
      'APT::Sandbox::User': 'root',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '30',
      'Acquire::https::Timeout': '30',
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /**
   * Its lists are at most half a day old, or as old as they are where there is no network.
   * @throws VmUnavailableError where the system is no Debian
   */
  static async open(cache: string, options: { refresh?: boolean } = {}): Promise<PrivateApt> {
    const folder = join(cache, 'apt');
    for (const name of ['lists/partial', 'archives/partial', 'none']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    if (!existsSync(join(folder, 'status'))) writeFileSync(join(folder, 'status'), '');
    const apt = new PrivateApt(folder);
    writeFileSync(join(folder, 'sources.list'), await sources());
    await apt.#update(options.refresh ?? false);
    return apt;
  }

  /** What to add to a message about a package that is not there. */
  get staleness(): string {
    return this.#stale === '' ? '' : `; the package lists could not be fetched: ${this.#stale}`;
  }

  /** Names of the packages whose name matches a POSIX regular expression. */
  async search(pattern: string): Promise<string[]> {
    const { stdout } = await run('apt-cache', [...this.#options, 'search', '--names-only', pattern]);
    return stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  }

  /**
   * Fetches packages and unpacks them over each other into a folder.
   * @throws VmUnavailableError when they cannot be had
   */
  async unpack(packages: readonly string[], into: string, release?: string): Promise<void> {
    const archives = join(into, 'archives');
    mkdirSync(archives, { recursive: true });
    const target = release === undefined ? [] : ['-t', release];
    const args = [...this.#options, '-qq', ...target, 'download', ...packages];
    const fetched = await run('env', ['-C', archives, 'apt-get', ...args], {
      timeout: DOWNLOAD_TIMEOUT_MS,
      mayFail: true,
    });
    if (fetched.exitCode !== 0) {
      throw new VmUnavailableError(`cannot fetch ${packages.join(', ')}: ${complaint(fetched)}`);
    }
    const unpackAll = 'for package in "$1"/*.deb; do dpkg-deb -x "$package" "$2"; done && rm -r "$1"';
    await run('sh', ['-e', '-c', unpackAll, 'sh', archives, into], { timeout: DOWNLOAD_TIMEOUT_MS });
  }

  async #update(refresh: boolean): Promise<void> {
    const stamp = join(this.#folder, 'updated');
    const age = existsSync(stamp) ? Date.now() - statSync(stamp).mtimeMs : Number.POSITIVE_INFINITY;
    if (age < LISTS_AGE_MS && !refresh) return;
    // One at a time: apt does not wait for another that holds its lists.
    const lock = ['-w', '300', join(this.#folder, 'lock')];
    const updated = await run('flock', [...lock, 'apt-get', ...this.#options, '-qq', 'update'], {
      timeout: UPDATE_TIMEOUT_MS + 300_000,
      mayFail: true,
    });
    // apt counts a mirror that it cannot reach as a warning.
    if (updated.exitCode !== 0 || /^[EW]:.*fetch/m.test(updated.stderr)) {
      this.#stale = complaint(updated);
      return;
    }
    writeFileSync(stamp, '');
    utimesSync(stamp, new Date(), new Date());
  }
}

/** The lines of sources.list, with the mirrors that the system's own apt uses. */
async function sources(): Promise<string> {
  if (!existsSync(KEYRING)) {
    throw new VmUnavailableError(`${KEYRING} is not there: kernels are fetched from Debian, with its keys`);
  }
  const format = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', format, { mayFail: true });
  const mirrors = new Set(stdout.split('\n').map((uri) => uri.replace(/\/$/, '')));
  const lines = Object.entries(SUITES).flatMap(([archive, suites]) => {
    const mirror = [...mirrors].find((uri) => uri.endsWith(`/${archive}`));
    return mirror === undefined
      ? []
      : suites.map((suite) => `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  });
  if (lines.length === 0) {
    throw new VmUnavailableError("the sources of this machine's apt name no mirror of Debian");
  }
  return lines.join('');
}

/** What apt says of the first thing that it could not do. */
function complaint({ stderr, exitCode }: CommandResult): string {
  const lines = stderr.trim().split('\n');
  const telling = lines.find((line) => /^[EW]: Failed/.test(line)) ?? lines.at(-1);
  return telling?.replace(/^[EW]: /, '').trim() || `apt-get ended with status ${exitCode}`;
}

/** Debian's kernels: which are on offer, and one of them in the cache with what a guest needs of it. */
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../../lab/command.js';
import { fillFolder } from './cache.js';
import { VmUnavailableError } from './errors.js';
import { PrivateApt } from './private-apt.js';

/** The flavour without drivers for hardware: small, and has every network device there is. */
const FLAVOUR = 'cloud-amd64';
const RELEASE = new RegExp(`^\\d+\\.\\d+\\.\\d+(-\\d+|\\+deb[\\d.]+)-${FLAVOUR}$`);
/** Up to 6.x all is in `linux-image`; from 7.x on that is empty and the others hold its parts. */
const PARTS = ['image', 'base', 'binary', 'modules'] as const;
/** What the guest needs before it has its root. */
const EARLY_MODULES = ['virtio_pci', 'virtio_console', 'virtiofs', 'overlay'] as const;

/** The oldest that we support; it has no TCX. */
export const OLDEST = '6.1';
/** The name that stands for the newest one on offer. */
export const NEWEST = 'newest';

/** A kernel in the cache. */
export interface Kernel {
  /** Such as `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  readonly image: string;
  /** Folder with one folder, called as the release: what /lib/modules is. */
  readonly modules: string;
  /** Files of the modules to load at first, in order. */
  readonly early: readonly string[];
}

/** Numbers of a release, by which releases are ordered: 6.1.0-9 comes before 6.1.0-56. */
function compareReleases(a: string, b: string): number {
  const [left = [], right = []] = [a, b].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The newest release that a name means: `6.1` is 6.1.0-56-cloud-amd64, and not 6.12. */
export function chooseRelease(name: string, releases: readonly string[]): string | undefined {
  const meant = (release: string): boolean =>
    name === NEWEST || (release.startsWith(name) && !/^\d/.test(release.slice(name.length)));
  return releases.filter(meant).sort(compareReleases).at(-1);
}

export class KernelCache {
  readonly #cache: string;
  readonly #folder: string;
  readonly #refresh: boolean;
  #apt: Promise<PrivateApt> | undefined;

  /** With `refresh` the mirror is asked, whatever the cache has. */
  constructor(cache: string, options: { refresh?: boolean } = {}) {
    this.#cache = cache;
    this.#folder = join(cache, 'kernels');
    this.#refresh = options.refresh ?? false;
  }

  apt(): Promise<PrivateApt> {
    this.#apt ??= PrivateApt.open(this.#cache, { refresh: this.#refresh });
    return this.#apt;
  }

  /** Releases that Debian offers now, the oldest first. @throws VmUnavailableError */
  async offered(): Promise<string[]> {
    const apt = await this.apt();
    const names = await apt.search(`^linux-image-[0-9].*-${FLAVOUR}$`);
    return names
      .map((name) => name.replace('linux-image-', ''))
      .filter((release) => RELEASE.test(release))
      .sort(compareReleases);
  }

  /**
   * A kernel by the beginning of its release, or `newest`. It is fetched once and then stays as it is, but `newest`
   * is what the package lists say.
   * @throws VmUnavailableError when Debian does not offer it or it cannot be fetched
   */
  async get(name: string): Promise<Kernel> {
    const kept = chooseRelease(name, this.#kept());
    if (kept !== undefined && name !== NEWEST && !this.#refresh) return this.#describe(kept);
    const release = chooseRelease(name, await this.offered());
    if (release !== undefined && existsSync(join(this.#folder, release))) return this.#describe(release);
    if (release === undefined) {
      if (kept !== undefined) return this.#describe(kept);
      const { staleness } = await this.apt();
      throw new VmUnavailableError(`Debian offers no kernel ${name}${staleness}`);
    }
    await fillFolder(join(this.#folder, release), (folder) => this.#fetch(release, folder));
    return this.#describe(release);
  }

  #kept(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).filter((name) => RELEASE.test(name));
  }

  #describe(release: string): Kernel {
    const folder = join(this.#folder, release);
    return {
      release,
      image: join(folder, 'vmlinuz'),
      modules: join(folder, 'lib/modules'),
      early: readdirSync(join(folder, 'early'))
        .sort()
        .map((file) => join(folder, 'early', file)),
    };
  }

  async #fetch(release: string, folder: string): Promise<void> {
    const apt = await this.apt();
    const there = await apt.search(`^linux-(${PARTS.join('|')})-[0-9].*-${FLAVOUR}$`);
    const wanted = PARTS.map((part) => `linux-${part}-${release}`).filter((name) => there.includes(name));
    const unpacked = join(folder, 'unpacked');
    await apt.unpack(wanted, unpacked);
    const modules = join(folder, 'lib/modules');
    mkdirSync(modules, { recursive: true });
    // Either place, by version: Debian moved them below /usr.
    for (const place of ['lib/modules', 'usr/lib/modules']) {
      const from = join(unpacked, place, release);
      if (existsSync(from)) cpSync(from, join(modules, release), { recursive: true });
    }
    const images = [join(unpacked, 'boot', `vmlinuz-${release}`), join(modules, release, 'vmlinuz')];
    const image = images.find((path) => existsSync(path));
    if (image === undefined) {
      throw new VmUnavailableError(`no kernel image in ${wanted.join(', ')}: Debian packs it in another way`);
    }
    renameSync(image, join(folder, 'vmlinuz'));
    rmSync(unpacked, { recursive: true });
    await run('depmod', ['-b', folder, release], { timeout: 120_000 });
    await takeEarlyModules(folder, release);
  }
}

/** Copies what is a module and not built in, unpacked and numbered in the order of loading. */
async function takeEarlyModules(folder: string, release: string): Promise<void> {
  const early = join(folder, 'early');
  mkdirSync(early);
  const args = ['-d', folder, '-S', release, '-a', '--show-depends', ...EARLY_MODULES];
  const { stdout } = await run('modprobe', args, { mayFail: true });
  const files = new Set([...stdout.matchAll(/^insmod (\S+)/gm)].map(([, file = '']) => file));
  let number = 10;
  for (const file of files) {
    const copy = join(early, `${number++}-${basename(file)}`);
    cpSync(file, copy);
    if (copy.endsWith('.xz')) await run('xz', ['-d', copy]);
  }
}

/**
 * Cgroups for the sockets of test runs: the kernel gives such a socket the cgroup of the process that asks for the
 * run. Cases name them below `/coaxial`, which stands for a group of this process.
 */
import { CgroupTree } from '../../../support/cgroup-tree.js';
import { CGROUPS } from '../world-writer.js';

const TOP = '/coaxial';
const NAMES = ['a', 'a/b', 'a/b/c', 'a-b', 'd'];
/** A process of a test is in one of these. */
export const CGROUPS_OF_PACKETS: readonly string[] = [TOP, ...NAMES.map((name) => `${TOP}/${name}`)];
/** Policies ask for one of these. */
export const CGROUPS_OF_POLICIES: readonly string[] = ['/', ...CGROUPS_OF_PACKETS, `${TOP}/gone`];

/** While it lives, `CGROUPS` of the worlds has the ids. */
export class SenderCgroups implements AsyncDisposable {
  readonly #tree: CgroupTree;
  #current: string | undefined;

  private constructor(tree: CgroupTree) {
    this.#tree = tree;
  }

  static create(): SenderCgroups {
    const tree = CgroupTree.create('oracle', NAMES);
    CGROUPS.set('/', tree.rootId);
    for (const path of CGROUPS_OF_PACKETS) CGROUPS.set(path, tree.id(path.slice(TOP.length + 1)));
    return new SenderCgroups(tree);
  }

  /** Makes this process one of the group's, so that its test runs are. */
  enter(path: string): void {
    if (path === this.#current) return;
    this.#tree.move(process.pid, path.slice(TOP.length + 1));
    this.#current = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    CGROUPS.clear();
    await this.#tree.remove();
  }
}

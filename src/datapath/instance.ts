import { existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatapathError } from './datapath-error.js';
import { CX_SCHEMA } from './generated.js';

const BPF_FS_MAGIC = 0xcafe4a11;

/** How pins of ours are named, in every schema. */
const MAP_PIN = /^cx_/;
const LINK_PIN = /^[a-z]+-\d+$/;

/**
 * Where one instance keeps its pins: `<bpffs>/coaxial/<instance>/<schema>/{maps,links}`. Nothing else of
 * coaxial lives in the bpf file system, so a removed instance leaves no trace there.
 */
export class Instance {
  readonly name: string;
  readonly bpffs: string;
  readonly root: string;
  readonly directory: string;

  constructor(name: string, bpffs: string) {
    this.name = name;
    this.bpffs = bpffs;
    this.root = join(bpffs, 'coaxial', name);
    this.directory = join(this.root, String(CX_SCHEMA));
  }

  mapPin(name: string): string {
    return join(this.directory, 'maps', name);
  }

  linkPin(name: string): string {
    return join(this.directory, 'links', name);
  }

  /** Names of the link pins there are. */
  linkPins(): string[] {
    const directory = join(this.directory, 'links');
    return existsSync(directory)
      ? readdirSync(directory)
          .filter((name) => LINK_PIN.test(name))
          .sort()
      : [];
  }

  get exists(): boolean {
    return existsSync(this.root);
  }

  /** Layouts of which there is state, ours among them. */
  schemas(): string[] {
    return this.exists ? readdirSync(this.root).filter((entry) => /^\d+$/.test(entry)) : [];
  }

  /** Other layouts of this instance's state: left by another version. */
  foreignSchemas(): string[] {
    return this.schemas().filter((entry) => entry !== String(CX_SCHEMA));
  }

  /** Makes the directories. @throws DatapathError BPFFS_MISSING, PINNED_STATE_UNREADABLE */
  create(): void {
    let type: number | undefined;
    try {
      type = statfsSync(this.bpffs).type;
    } catch {
      type = undefined;
    }
    if (type !== BPF_FS_MAGIC) {
      throw new DatapathError(
        'BPFFS_MISSING',
        `${this.bpffs} is not a bpf file system`,
        `mount one: mkdir -p ${this.bpffs} && mount -t bpf bpf ${this.bpffs}, or set "bpffs" in the config`,
      );
    }
    const foreign = this.foreignSchemas();
    if (foreign.length > 0) {
      throw new DatapathError(
        'PINNED_STATE_UNREADABLE',
        `instance ${this.name} has state of another version (schema ${foreign.join(', ')}, this one is ${CX_SCHEMA})`,
        `remove it with the version that made it, or with "coax down --instance ${this.name}"`,
      );
    }
    for (const part of ['maps', 'links']) {
      mkdirSync(join(this.directory, part), { recursive: true, mode: 0o700 });
    }
  }

  /**
   * Removes every pin of the instance, of any schema, and says which there were. What somebody else has put
   * there stays, and so do the directories it is in.
   */
  remove(): string[] {
    const removed: string[] = [];
    for (const schema of this.schemas()) {
      const directory = join(this.root, schema);
      for (const [part, ours] of [
        ['maps', MAP_PIN],
        ['links', LINK_PIN],
      ] as const) {
        const folder = join(directory, part);
        for (const entry of existsSync(folder) ? readdirSync(folder) : []) {
          if (ours.test(entry)) {
            const path = join(folder, entry);
            unlinkSync(path);
            removed.push(path);
          }
        }
        removeIfEmpty(folder);
      }
      removeIfEmpty(directory);
    }
    removeIfEmpty(this.root);
    removeIfEmpty(join(this.bpffs, 'coaxial'));
    return removed;
  }
}

function removeIfEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length === 0) {
    rmdirSync(directory);
  }
}

import { existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatapathError } from './datapath-error.js';
import { CX_SCHEMA } from './generated.js';

const BPF_FS_MAGIC = 0xcafe4a11;

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
    return existsSync(directory) ? readdirSync(directory).sort() : [];
  }

  get exists(): boolean {
    return existsSync(this.root);
  }

  /** Other layouts of this instance's state: left by another version. */
  foreignSchemas(): string[] {
    return this.exists ? readdirSync(this.root).filter((entry) => entry !== String(CX_SCHEMA)) : [];
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

  /** Removes every pin of the instance, of any schema, and says which there were. */
  remove(): string[] {
    const removed: string[] = [];
    const clear = (directory: string): void => {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) {
          clear(path);
        } else {
          unlinkSync(path);
          removed.push(path);
        }
      }
      rmdirSync(directory);
    };
    if (this.exists) {
      clear(this.root);
    }
    const parent = join(this.bpffs, 'coaxial');
    if (existsSync(parent) && readdirSync(parent).length === 0) {
      rmdirSync(parent);
    }
    return removed;
  }
}

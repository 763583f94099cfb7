import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatapathError } from './datapath-error.js';
import { CX_SCHEMA } from './generated.js';

const BPF_FS_MAGIC = 0xcafe4a11;

/** How pins of ours are named, in every schema. */
const MAP_PIN = /^cx_/;
const LINK_PIN = /^[a-z]+-\d+$/;
const SCHEMA = /^\d+$/;
const OURS = /^\d+(-filling)?$/;

/** The pins of one state, below its directory. */
abstract class PinnedState {
  abstract readonly directory: string;

  mapPin(name: string): string {
    return join(this.directory, 'maps', name);
  }

  linkPin(name: string): string {
    return join(this.directory, 'links', name);
  }

  /** Names of the link pins there are. */
  linkPins(): string[] {
    return readdir(join(this.directory, 'links'))
      .filter((name) => LINK_PIN.test(name))
      .sort();
  }
}

/**
 * Where one instance keeps its pins: `<bpffs>/coaxial/<instance>/<schema>/{maps,links}`. Nothing else of
 * coaxial lives in the bpf file system, so a removed instance leaves no trace there.
 *
 * A state that is made beside that of an older schema is `<schema>-filling` until it is complete: what is
 * called by its number alone can be relied on, also after a crash.
 */
export class Instance extends PinnedState {
  readonly name: string;
  readonly bpffs: string;
  readonly root: string;
  #filling = false;

  constructor(name: string, bpffs: string) {
    super();
    this.name = name;
    this.bpffs = bpffs;
    this.root = join(bpffs, 'coaxial', name);
  }

  get directory(): string {
    return join(this.root, this.#filling ? `${CX_SCHEMA}-filling` : String(CX_SCHEMA));
  }

  /** Is our state being made beside an older one, which packets still use? */
  get filling(): boolean {
    return this.#filling;
  }

  get exists(): boolean {
    return existsSync(this.root);
  }

  /** Layouts of which there is state, ours among them, oldest first. */
  schemas(): number[] {
    return readdir(this.root)
      .filter((entry) => SCHEMA.test(entry))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** State of other versions of this instance, the newest of them first. */
  others(): OtherState[] {
    return this.schemas()
      .filter((schema) => schema !== CX_SCHEMA)
      .reverse()
      .map((schema) => new OtherState(schema, join(this.root, String(schema))));
  }

  /** State of older versions, which ours takes over; an empty directory is none. */
  predecessors(): OtherState[] {
    return this.others().filter((other) => other.schema < CX_SCHEMA && other.used);
  }

  /** Removes the state of older versions; returns their schemas. */
  removePredecessors(): number[] {
    const older = this.others().filter((other) => other.schema < CX_SCHEMA);
    for (const state of older) {
      removePins(state.directory);
    }
    return older.map(({ schema }) => schema);
  }

  /**
   * Makes the directories. Beside the state of an older version they are those of a state that is being
   * filled; call `complete` when it is.
   * @throws DatapathError BPFFS_MISSING, PINNED_STATE_NEWER
   */
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
    const newer = this.schemas().filter((schema) => schema > CX_SCHEMA);
    if (newer.length > 0) {
      throw new DatapathError(
        'PINNED_STATE_NEWER',
        `instance ${this.name} has state of a newer version (schema ${newer.join(', ')}, this one is ${CX_SCHEMA})`,
        `start the newer version again, or remove the state with "coax down --instance ${this.name}"`,
      );
    }
    this.#filling = !this.schemas().includes(CX_SCHEMA) && this.predecessors().length > 0;
    this.makeDirectories();
  }

  /** Makes the directories of the pins where they are missing. */
  makeDirectories(): void {
    for (const part of ['maps', 'links']) {
      mkdirSync(join(this.directory, part), { recursive: true, mode: 0o700 });
    }
  }

  /** What an attempt that did not come to its end has left, ours or another version's, is thrown away. */
  discardFilling(): void {
    for (const entry of readdir(this.root)) {
      if (OURS.test(entry) && !SCHEMA.test(entry)) {
        removePins(join(this.root, entry));
      }
    }
  }

  /** From now on the state has the name by which it is adopted. */
  complete(): void {
    const filled = this.directory;
    this.#filling = false;
    renameSync(filled, this.directory);
  }

  /**
   * Removes every pin of the instance, of any schema, and says which there were. What somebody else has put
   * there stays, and so do the directories it is in.
   */
  remove(): string[] {
    const removed = readdir(this.root)
      .filter((entry) => OURS.test(entry))
      .flatMap((entry) => removePins(join(this.root, entry)));
    removeIfEmpty(this.root);
    removeIfEmpty(join(this.bpffs, 'coaxial'));
    return removed;
  }
}

/** The state of another version of an instance. */
export class OtherState extends PinnedState {
  readonly schema: number;
  readonly directory: string;

  constructor(schema: number, directory: string) {
    super();
    this.schema = schema;
    this.directory = directory;
  }

  /** Is there more than an empty directory? */
  get used(): boolean {
    return this.linkPins().length > 0 || readdir(join(this.directory, 'maps')).length > 0;
  }
}

function readdir(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function removePins(directory: string): string[] {
  const removed: string[] = [];
  for (const [part, ours] of [
    ['maps', MAP_PIN],
    ['links', LINK_PIN],
  ] as const) {
    const folder = join(directory, part);
    for (const entry of readdir(folder)) {
      if (ours.test(entry)) {
        const path = join(folder, entry);
        unlinkSync(path);
        removed.push(path);
      }
    }
    removeIfEmpty(folder);
  }
  removeIfEmpty(directory);
  return removed;
}

function removeIfEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length === 0) {
    rmdirSync(directory);
  }
}

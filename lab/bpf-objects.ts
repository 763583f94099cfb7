// Which BPF objects a lab has: by the ids of what is pinned and of what its processes hold open, so that nothing
// else on the machine is ever mistaken for them.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BpfLink, BpfMap } from '../src/libbpf-ts/index.js';
import { run } from './command.js';

const KINDS = ['prog', 'map', 'link'] as const;

type Kind = (typeof KINDS)[number];

/** Ids of programs, maps and links. */
export class BpfObjects {
  readonly #ids: Record<Kind, Set<number>> = { prog: new Set(), map: new Set(), link: new Set() };

  /** How many there are of each kind. */
  get counts(): Readonly<Record<'programs' | 'maps' | 'links', number>> {
    const { prog, map, link } = this.#ids;
    return { programs: prog.size, maps: map.size, links: link.size };
  }

  /** Adds what is pinned in our way at or below a directory: maps, links and the programs that those hold. */
  addPinned(directory: string): void {
    for (const path of filesBelow(directory)) {
      if (path.includes('/maps/')) {
        using map = BpfMap.fromPin(path);
        this.#ids.map.add(map.info.id);
      } else if (path.includes('/links/')) {
        using link = BpfLink.fromPin(path);
        this.#ids.link.add(link.info.id);
        this.#ids.prog.add(link.info.programId);
      }
    }
  }

  /** Adds what a process holds open; one that has gone holds nothing. */
  addHeldBy(pid: number): void {
    const directory = `/proc/${pid}/fdinfo`;
    for (const fd of namesIn(directory)) {
      const text = textOf(join(directory, fd));
      for (const kind of KINDS) {
        const id = new RegExp(`^${kind}_id:\\s*(\\d+)`, 'm').exec(text)?.[1];
        if (id !== undefined) this.#ids[kind].add(Number(id));
      }
    }
  }

  addAll(other: BpfObjects): void {
    for (const kind of KINDS) {
      for (const id of other.#ids[kind]) this.#ids[kind].add(id);
    }
  }

  /** Those that the kernel still has, one line each. */
  async existing(): Promise<string[]> {
    const left: string[] = [];
    for (const kind of KINDS) {
      if (this.#ids[kind].size === 0) continue;
      const { stdout } = await run('bpftool', ['-j', kind, 'list']);
      for (const { id, name } of JSON.parse(stdout) as { id: number; name?: string }[]) {
        if (this.#ids[kind].has(id)) left.push(`BPF ${kind} ${id}${name === undefined ? '' : ` (${name})`}`);
      }
    }
    return left;
  }
}

/** Everything below a folder that is not a folder; nothing where there is no such folder. */
export function filesBelow(directory: string): string[] {
  return namesIn(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // closed in the meantime
  }
}

// Proves that a lab has gone: nothing of it is left in the kernel or on disk.
import { existsSync } from 'node:fs';
import { run } from './command.js';
import { mountsBelow, namespaceNames, namespacePids } from './removal.js';
import { type LabState, readStates } from './state.js';
import { until } from './wait.js';

/** BPF objects of this project that exist on the machine. */
interface BpfObjects {
  readonly programs: ReadonlyMap<number, string>;
  readonly maps: ReadonlyMap<number, string>;
  readonly links: ReadonlyMap<number, string>;
}

/** What names the traces of one lab; a Lab is one. */
export interface LabTraces {
  readonly name: string;
  readonly directory: string;
  readonly state: LabState;
}

/** How programs and maps of this project are called. */
const OURS = /^(cx_|coax)/;

interface Listed {
  readonly id: number;
  readonly name?: string;
  readonly prog_id?: number;
}

async function list(kind: 'prog' | 'map' | 'link'): Promise<Listed[]> {
  const { stdout } = await run('bpftool', ['-j', kind, 'list']);
  return JSON.parse(stdout) as Listed[];
}

async function bpfObjects(): Promise<BpfObjects> {
  const [programs, maps, links] = await Promise.all([list('prog'), list('map'), list('link')]);
  const named = (objects: Listed[]): Map<number, string> =>
    new Map(objects.flatMap(({ id, name = '' }) => (OURS.test(name) ? [[id, name] as const] : [])));
  const ours = named(programs);
  return {
    programs: ours,
    maps: named(maps),
    links: new Map(
      links.flatMap(({ id, prog_id = 0 }) => {
        const program = ours.get(prog_id);
        return program === undefined ? [] : [[id, program] as const];
      }),
    ),
  };
}

/** Remembers what was there before a lab, to be compared with what is there after it. */
export class Leftovers {
  readonly #before: BpfObjects;

  private constructor(before: BpfObjects) {
    this.#before = before;
  }

  static async before(): Promise<Leftovers> {
    return new Leftovers(await bpfObjects());
  }

  /**
   * What is left of a destroyed lab, one line each; empty when nothing is. The kernel takes network
   * namespaces apart after the fact, so this looks again until `timeout` ms have passed.
   */
  async of(lab: LabTraces, timeout = 10_000): Promise<string[]> {
    let left: string[] = [];
    try {
      await until(
        async () => {
          left = await this.#look(lab);
          return left.length === 0;
        },
        { what: 'the lab to be gone', timeout, interval: 50 },
      );
    } catch (error) {
      if (left.length === 0) throw error;
    }
    return left;
  }

  async #look(lab: LabTraces): Promise<string[]> {
    const left: string[] = [];
    const existing = await namespaceNames();
    for (const name of lab.state.namespaces) {
      if (!existing.has(name)) continue;
      left.push(`network namespace ${name}`);
      for (const pid of await namespacePids(name)) left.push(`process ${pid} in ${name}`);
    }
    for (const mount of await mountsBelow(lab.directory)) left.push(`mount ${mount}`);
    if (existsSync(lab.directory)) left.push(`directory ${lab.directory}`);
    if (readStates().some((state) => state.name === lab.name)) left.push(`state file of ${lab.name}`);
    const now = await bpfObjects();
    for (const kind of ['programs', 'maps', 'links'] as const) {
      for (const [id, name] of now[kind]) {
        if (!this.#before[kind].has(id)) left.push(`BPF ${kind.slice(0, -1)} ${id} (${name})`);
      }
    }
    return left;
  }
}

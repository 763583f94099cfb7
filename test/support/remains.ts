// What a lab's instances leave behind: by the ids of their own kernel objects, so that other labs on the
// machine are never mistaken for it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../lab/command.js';
import type { Lab } from '../../lab/lab.js';
import type { LabNode } from '../../lab/node.js';
import { mountsBelow, namespaceNames } from '../../lab/removal.js';
import { until } from '../../lab/wait.js';
import { BpfLink, BpfMap } from '../../src/libbpf-ts/index.js';

type Kind = 'prog' | 'map' | 'link';

/** Everything below a folder that is not a folder. */
function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

export class Remains {
  readonly #lab: Lab;
  readonly #ids: Record<Kind, Set<number>> = { prog: new Set(), map: new Set(), link: new Set() };

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Remembers the objects that are pinned now. May be called again. */
  note(): void {
    for (const path of this.pins()) {
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

  /** The pins there are. */
  pins(): string[] {
    return filesBelow(join(this.#lab.bpffs, 'coaxial'));
  }

  /** What is left in the network namespace of a node after `coax down`, one line each. */
  async inNode(node: LabNode): Promise<string[]> {
    const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
    const [rules, routes, links, neighbours] = await Promise.all([
      node.ip('-6 rule show'),
      node.ip('-6 route show table all proto 191'),
      node.ip('-o link show'),
      node.ip('-6 -d neigh show'),
    ]);
    return [
      ...lines(rules).filter((line) => line.includes('proto 191')),
      ...lines(routes),
      ...lines(links).filter((line) => /: coax/.test(line)),
      ...lines(neighbours).filter((line) => line.includes('managed') && line.includes('proto 191')),
    ];
  }

  /** Kernel objects that were noted and are still there; looks again until the kernel is done. */
  async objects(): Promise<string[]> {
    return untilNone(() => this.#objects());
  }

  /** What is left once the lab is destroyed, one line each; looks again until the kernel is done. */
  async afterwards(): Promise<string[]> {
    return untilNone(() => this.#look());
  }

  async #look(): Promise<string[]> {
    const { directory, state } = this.#lab;
    const names = await namespaceNames();
    const left = state.namespaces.filter((name) => names.has(name));
    left.push(...(await mountsBelow(directory)));
    if (existsSync(directory)) left.push(directory);
    return left;
  }

  async #objects(): Promise<string[]> {
    const left: string[] = [];
    for (const kind of ['prog', 'map', 'link'] as const) {
      const { stdout } = await run('bpftool', ['-j', kind, 'list']);
      for (const { id } of JSON.parse(stdout) as { id: number }[]) {
        if (this.#ids[kind].has(id)) left.push(`BPF ${kind} ${id}`);
      }
    }
    return left;
  }
}

/** Looks until nothing is left, or until it is clear that something is. */
async function untilNone(look: () => Promise<string[]>): Promise<string[]> {
  let left: string[] = [];
  try {
    await until(
      async () => {
        left = await look();
        return left.length === 0;
      },
      { what: 'nothing to be left', timeout: 15_000, interval: 50 },
    );
  } catch (error) {
    if (left.length === 0) throw error;
  }
  return left;
}

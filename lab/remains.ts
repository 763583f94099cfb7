// What a lab and its instances leave behind: looked for by its own names and by the ids of its own kernel objects.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObjects, filesBelow } from './bpf-objects.js';
import type { LabNode } from './node.js';
import { bpffsOf, mountsBelow, namespaceNames, namespacePids } from './removal.js';
import { type LabState, readStates } from './state.js';
import { until } from './wait.js';

/** What names the traces of a lab; a Lab is one. */
interface LabTraces {
  readonly name: string;
  readonly directory: string;
  readonly state: LabState;
}

/** How long the kernel may take to take network namespaces and BPF objects apart, milliseconds. */
const PATIENCE = 15_000;

export class Remains {
  readonly #lab: LabTraces;
  readonly #objects = new BpfObjects();

  constructor(lab: LabTraces) {
    this.#lab = lab;
  }

  /** Remembers the BPF objects that there are now, pinned or held by a process of the lab. May be called again. */
  async note(): Promise<void> {
    this.#objects.addPinned(this.#pinned);
    const pids = await Promise.all(this.#lab.state.namespaces.map((name) => namespacePids(name)));
    for (const pid of pids.flat()) this.#objects.addHeldBy(pid);
  }

  /** Remembers objects found otherwise. */
  add(objects: BpfObjects): void {
    this.#objects.addAll(objects);
  }

  /** The pins there are. */
  pins(): string[] {
    return filesBelow(this.#pinned);
  }

  /** What is left in the network namespace of a node after `coax down`, one line each. */
  async inNode(node: LabNode): Promise<string[]> {
    const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');
    const [rules, routes, links, neighbours, proxies] = await Promise.all([
      node.ip('-6 rule show'),
      node.ip('-6 route show table all proto 191'),
      node.ip('-o link show'),
      node.ip('-6 -d neigh show'),
      node.ip('-6 neigh show proxy'),
    ]);
    return [
      ...lines(rules).filter((line) => line.includes('proto 191')),
      ...lines(routes),
      ...lines(links).filter((line) => /: coax/.test(line)),
      ...lines(neighbours).filter((line) => line.includes('managed') && line.includes('proto 191')),
      ...lines(proxies),
    ];
  }

  /** Kernel objects that were noted and are still there; looks again until the kernel is done. */
  async objects(): Promise<string[]> {
    return untilNone(() => this.#objects.existing());
  }

  /** What is left once the lab is destroyed, one line each; looks again until the kernel is done. */
  async afterwards(): Promise<string[]> {
    return untilNone(() => this.look());
  }

  /** What there is of the lab now, one line each. */
  async look(): Promise<string[]> {
    const { name: lab, directory, state } = this.#lab;
    const left: string[] = [];
    const existing = await namespaceNames();
    for (const name of state.namespaces) {
      if (!existing.has(name)) continue;
      left.push(`network namespace ${name}`);
      for (const pid of await namespacePids(name)) left.push(`process ${pid} in ${name}`);
    }
    for (const mount of await mountsBelow(directory)) left.push(`mount ${mount}`);
    if (existsSync(directory)) left.push(`directory ${directory}`);
    if (readStates().some((one) => one.name === lab)) left.push(`state file of ${lab}`);
    return [...left, ...(await this.#objects.existing())];
  }

  get #pinned(): string {
    return join(bpffsOf(this.#lab.directory), 'coaxial');
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
      { what: 'nothing to be left', timeout: PATIENCE, interval: 50 },
    );
  } catch (error) {
    if (left.length === 0) throw error;
  }
  return left;
}

// What the two daemons hold of the kernel: programs, maps, links, pins, descriptors.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObjects, filesBelow } from '../bpf-objects.js';
import type { LabDaemon } from '../daemon.js';
import type { Lab } from '../lab.js';
import type { Remains } from '../remains.js';
import { until } from '../wait.js';

/** Counts by what is counted. */
export type Holdings = ReadonlyMap<string, number>;

/** Counts now; the objects themselves are noted for what must be gone with the lab. */
function take(lab: Lab, daemons: readonly LabDaemon[], remains: Remains): Holdings {
  const objects = new BpfObjects();
  const pinned = join(lab.bpffs, 'coaxial');
  objects.addPinned(pinned);
  const holdings = new Map<string, number>();
  for (const { pid, node } of daemons) {
    objects.addHeldBy(pid);
    holdings.set(`descriptors of ${node.name}`, readdirSync(`/proc/${pid}/fd`).length);
  }
  for (const [kind, count] of Object.entries(objects.counts)) holdings.set(kind, count);
  holdings.set('pins', filesBelow(pinned).length);
  remains.add(objects);
  return holdings;
}

/** What there is more of than before. */
function surplus(before: Holdings, after: Holdings): string[] {
  return [...after].flatMap(([what, count]) => {
    const was = before.get(what) ?? 0;
    return count > was ? [`${what} went from ${was} to ${count}`] : [];
  });
}

export class HoldingsWatch {
  readonly #take: () => Holdings;
  #before: Holdings = new Map();

  constructor(lab: Lab, daemons: readonly LabDaemon[], remains: Remains) {
    this.#take = () => take(lab, daemons, remains);
  }

  /** Remembers what there is. */
  start(): void {
    this.#before = this.#take();
  }

  /** Notes the objects there are. */
  note(): void {
    this.#take();
  }

  /** Leaks, one line each. Connections to the API, and what the kernel frees after the fact, have time to end. */
  async leaks(): Promise<string[]> {
    let found: string[] = [];
    await until(
      () => {
        found = surplus(this.#before, this.#take());
        return found.length === 0;
      },
      { what: 'nothing to be left over', timeout: 10_000, interval: 100 },
    ).catch((error: unknown) => {
      if (found.length === 0) throw error;
    });
    return found;
  }

  describe(): string {
    return [...this.#take()].map(([what, count]) => `${count} ${what}`).join(', ');
  }
}

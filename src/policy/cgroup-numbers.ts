/**
 * Numbers for the cgroups that policies name: counted depth first, so that a cgroup and all that lie below it
 * are an interval. A packet has the number of the deepest one that its process is in.
 */
import type { Range } from './selector.js';

export class CgroupNumbers {
  /** In the order of their numbers, which start at 1. */
  readonly paths: readonly string[];
  readonly #intervals = new Map<string, Range>();

  constructor(paths: Iterable<string>) {
    const named = [...new Set(paths)].map((path) => ({ path, names: namesOf(path) }));
    named.sort((a, b) => compareNames(a.names, b.names));
    this.paths = named.map(({ path }) => path);
    for (const [at, { path, names }] of named.entries()) {
      let last = at;
      while (last + 1 < named.length && startsWith(named[last + 1]?.names ?? [], names)) last++;
      this.#intervals.set(path, { low: at + 1, high: last + 1 });
    }
  }

  /** Numbers of a path and of what lies below it. */
  interval(path: string): Range | undefined {
    return this.#intervals.get(path);
  }
}

/** Levels below the root. */
export function cgroupDepth(path: string): number {
  return namesOf(path).length;
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function compareNames(a: readonly string[], b: readonly string[]): number {
  for (const [at, name] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    if (name !== other) return name < other ? -1 : 1;
  }
  return a.length - b.length;
}

function startsWith(names: readonly string[], ancestor: readonly string[]): boolean {
  return ancestor.every((name, at) => names[at] === name);
}

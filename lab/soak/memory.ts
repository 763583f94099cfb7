// Whether the memory of the daemons is flat: a curve over the life of each process, not one bound for all.
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LabDaemon, StartOptions } from '../daemon.js';
import { until } from '../wait.js';
import type { Held } from './collector.js';

const COLLECTOR = fileURLToPath(new URL('collector.js', import.meta.url));

/** What a process has held after each event of its life, oldest first. */
export type Curve = readonly Held[];

/** What is freed goes back to the kernel, instead of waiting in the allocator's pools for the next burst. */
const ALLOCATOR = ['MALLOC_ARENA_MAX=1', 'MALLOC_TRIM_THRESHOLD_=65536', 'MALLOC_MMAP_THRESHOLD_=65536'];

/** Samples that an early and a late window must have at least for their medians to mean anything. */
const WINDOW = 4;

/**
 * Growth between the two windows that is not a leak, bytes. Live memory grows by some 1.5 MB in the first hundred
 * events, as code is compiled and types are learnt; native memory moves by whole pages, and has the heap of the thread that
 * compiles policies in it.
 */
const NOISE = { live: 2 * 1024 * 1024, native: 2 * 1024 * 1024 };

/** In fewer events the thread that compiles is still growing: native memory may be more by this. */
const YOUNG = { events: 100, native: 2 * 1024 * 1024 };

/** Growth for each event that is not a leak, bytes: half of the smallest leak that must be found. */
const PER_EVENT = 5 * 1024;

/**
 * What is wrong with a curve, undefined when it is flat.
 *
 * The first third is left out: code is compiled, tables get their size. Of the rest the median of the first third is
 * compared with that of the last, so that no burst that a sample happens to see decides. A leak is growth beyond the
 * noise that is also more than PER_EVENT for each event between the windows. In one minute some 15 events lie between
 * them, so only the noise bound counts and a leak of 150 KB an event is found (300 KB of native memory); in 30 minutes they are 250 to 400, and
 * 10 KB an event are 2.5 MB and more. A leak adds up in the life of one process, so the soak ends none in its second
 * half. Resident memory is judged in two parts, the heap of JavaScript by what is live in it and the rest as it is:
 * how much of an empty heap V8 keeps is no leak and would hide one.
 */
export function growthOf(curve: Curve): string | undefined {
  const settled = curve.slice(Math.floor(curve.length / 3));
  const size = Math.floor(settled.length / 3);
  if (size < WINDOW) return undefined;
  const events = settled.length - size;
  for (const kind of ['live', 'native'] as const) {
    const values = settled.map((sample) => sample[kind]);
    const growth = median(values.slice(-size)) - median(values.slice(0, size));
    const young = kind === 'native' && events < YOUNG.events ? YOUNG.native : 0;
    if (growth > NOISE[kind] + young && growth > events * PER_EVENT) {
      return `${kind} memory grew by ${kilobytes(growth)} in ${events} events`;
    }
  }
  return undefined;
}

/** Follows the processes of one daemon. */
export class MemoryWatch {
  readonly #daemon: LabDaemon;
  readonly #file: string;
  /** By process, oldest first. */
  readonly #curves = new Map<number, Held[]>();

  constructor(daemon: LabDaemon, directory: string) {
    this.#daemon = daemon;
    this.#file = fileOf(daemon.node.name, directory);
  }

  /**
   * How the daemon has to be started to be followed. The young generation is kept small, for how far it has grown is
   * no leak and would hide one.
   */
  static options(node: string, directory: string): StartOptions {
    return {
      under: ['env', `LAB_MEMORY=${fileOf(node, directory)}`, ...ALLOCATOR],
      node: ['--expose-gc', '--max-semi-space-size=1', '--import', COLLECTOR],
    };
  }

  /** Adds a sample to the curve of the process that runs now. */
  async sample(): Promise<void> {
    const { pid } = this.#daemon;
    rmSync(this.#file, { force: true });
    await this.#daemon.kill('SIGUSR2');
    const held = await until(() => JSON.parse(readFileSync(this.#file, 'utf8')) as Held, {
      what: `the memory of ${this.#daemon.node.name}`,
      timeout: 20_000,
    });
    const curve = this.#curves.get(pid) ?? [];
    this.#curves.set(pid, [...curve, held]);
  }

  /** Leaks, one line each. */
  leaks(): string[] {
    const name = this.#daemon.node.name;
    const found = [...this.#curves.values()].flatMap((curve) => growthOf(curve) ?? []);
    // What is left in the kernel and read again by every new process shows in those of the same age: the youngest.
    const births = growthOf([...this.#curves.values()].flatMap(([first]) => first ?? []));
    return [
      ...found.map((what) => `${name}: ${what}`),
      ...(births === undefined ? [] : [`${name}, just started: ${births}`]),
    ];
  }

  /** The longest life in one line. */
  describe(): string {
    const longest = [...this.#curves.values()].reduce<Curve>((a, b) => (b.length > a.length ? b : a), []);
    const [first, last] = [longest[Math.floor(longest.length / 3)], longest.at(-1)];
    if (first === undefined || last === undefined) return `${this.#daemon.node.name} was never looked at`;
    return (
      `${this.#daemon.node.name}: in ${longest.length - Math.floor(longest.length / 3)} events ` +
      `live memory ${kilobytes(first.live)} to ${kilobytes(last.live)}, native ${kilobytes(first.native)} to ` +
      `${kilobytes(last.native)}, resident ${kilobytes(first.resident)} to ${kilobytes(last.resident)}`
    );
  }
}

/** The daemons have a user of their own, who makes the file. */
function fileOf(node: string, directory: string): string {
  const folder = join(directory, 'memory');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  return join(folder, node);
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KB`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

import type { Log } from '../views/index.js';

/** How often what comes again and again is told, milliseconds. */
const INTERVAL_MS = 10_000;

/** Counts outcomes of messages; tells the log of each kind when it is new, then once in an interval how many there were. */
export class Tally {
  readonly #log: Log;
  readonly #counts = new Map<string, number>();
  readonly #told = new Map<string, { at: number; count: number }>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** So many of each kind since the start. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** Counts what somebody should know of. Fields are those of the one that happens to be told. */
  warn(kind: string, text: string, fields: object): void {
    this.count(kind);
    const count = this.#counts.get(kind) ?? 0;
    const told = this.#told.get(kind);
    const now = performance.now();
    if (told !== undefined && now - told.at < INTERVAL_MS) return;
    this.#told.set(kind, { at: now, count });
    this.#log.warn({ ...fields, outcome: kind, messages: count - (told?.count ?? 0) }, text);
  }
}

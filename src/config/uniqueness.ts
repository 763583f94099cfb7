import { formatPath, type Path } from './document.js';
import type { Report } from './report.js';

/** Reports values that occur a second time and says where the first one is. */
export class Uniqueness {
  readonly #what: string;
  readonly #report: Report;
  readonly #first = new Map<string, Path>();

  constructor(what: string, report: Report) {
    this.#what = what;
    this.#report = report;
  }

  /** Returns false, after a report at `path`, when the value was there before. */
  add(value: string | number, path: Path, hint: string): boolean {
    const key = String(value);
    const first = this.#first.get(key);
    if (first === undefined) {
      this.#first.set(key, path);
      return true;
    }
    this.#report.at(path, `duplicate ${this.#what} ${key}, the first one is ${formatPath(first)}`, hint);
    return false;
  }
}

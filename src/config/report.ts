import type { ConfigProblem } from './config-error.js';
import type { Path, YamlDocument } from './document.js';

/** Collects the problems of a file, each at its line and column. */
export class Report {
  readonly #document: YamlDocument;
  readonly #problems: ConfigProblem[] = [];

  constructor(document: YamlDocument) {
    this.#document = document;
  }

  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /** A problem with the value at `path`. */
  at(path: Path, message: string, hint: string): void {
    this.#problems.push(this.#document.problemAt(path, message, hint));
  }

  /** A problem with the setting itself, shown at its key. */
  atKey(path: Path, message: string, hint: string): void {
    this.#problems.push(this.#document.problemAtKey(path, message, hint));
  }

  add(problems: readonly ConfigProblem[]): void {
    // Not push(...problems): there may be more of them than a call takes arguments.
    for (const problem of problems) this.#problems.push(problem);
  }
}

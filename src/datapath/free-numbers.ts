/** Which of the numbers from 1 on are free; the lowest is taken first. */
export class FreeNumbers {
  /** By number: 1 = taken. */
  readonly #taken: Uint8Array;
  /** All below are taken. */
  #lowest = 1;

  /** @param end the first number that there is not */
  constructor(end: number, taken: Iterable<number>) {
    this.#taken = new Uint8Array(end);
    for (const number of taken) this.#taken[number] = 1;
  }

  /** Takes the lowest; undefined when there is none. */
  take(): number | undefined {
    while (this.#taken[this.#lowest] === 1) this.#lowest++;
    if (this.#lowest >= this.#taken.length) return undefined;
    this.#taken[this.#lowest] = 1;
    return this.#lowest++;
  }

  /** Gives one back. */
  free(number: number): void {
    this.#taken[number] = 0;
    this.#lowest = Math.min(this.#lowest, number);
  }
}

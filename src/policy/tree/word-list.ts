/** A list of 32-bit words that grows. */
export class WordList {
  words: Uint32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.words = new Uint32Array(capacity);
  }

  push(word: number): void {
    if (this.length === this.words.length) this.#grow(1);
    this.words[this.length++] = word;
  }

  /** Adds `count` words that are zero; answers where they start. */
  reserve(count: number): number {
    const start = this.length;
    if (start + count > this.words.length) this.#grow(count);
    // A call costs more than a few words.
    if (count > 32) this.words.fill(0, start, start + count);
    else for (let at = start; at < start + count; at++) this.words[at] = 0;
    this.length = start + count;
    return start;
  }

  #grow(count: number): void {
    const next = new Uint32Array(Math.max(2 * this.words.length, this.length + count));
    next.set(this.words.subarray(0, this.length));
    this.words = next;
  }
}

/** A number that equal words have in common. */
export function hash(words: Uint32Array): number {
  let sum = 0;
  for (let at = 0; at < words.length; at++) {
    sum = Math.imul(sum ^ (words[at] as number), 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum >>> 0;
}

export function isEqual(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

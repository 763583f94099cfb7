import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { KeyError } from './key-error.js';

/**
 * Which pairs of keys were used for sending, by their SPIs. A pair that is used again would begin its sequence
 * numbers again, which the far end refuses as replayed and AES-GCM does not forgive (RFC 4106 section 4): what was
 * used is written down before it is, in a way that survives a power cut.
 */
export class UsedPairs {
  readonly #path: string;

  /** @param path of the file, which need not be there */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KeyError KEY_STATE_BROKEN */
  has(spi: number): boolean {
    return this.#read().has(spi);
  }

  /**
   * Returns when it is on the disk.
   * @throws KeyError KEY_STATE_BROKEN
   */
  add(spi: number): void {
    const all = this.#read().add(spi);
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o750 });
      const next = `${this.#path}.new`;
      writeThrough(next, JSON.stringify([...all]));
      renameSync(next, this.#path);
      syncFolder(dirname(this.#path));
    } catch (error) {
      throw new KeyError('KEY_STATE_BROKEN', `${this.#path} cannot be written: ${(error as Error).message}`);
    }
  }

  #read(): Set<number> {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return new Set();
      throw new KeyError('KEY_STATE_BROKEN', `${this.#path} cannot be read: ${message}`);
    }
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list) && list.every((spi) => Number.isSafeInteger(spi))) return new Set(list);
    } catch {
      // Reported below.
    }
    throw new KeyError('KEY_STATE_BROKEN', `${this.#path} does not say which keys were used`);
  }
}

function writeThrough(path: string, text: string): void {
  const descriptor = openSync(path, 'w', 0o640);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

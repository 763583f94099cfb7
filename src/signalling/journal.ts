import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Registration,
  type RouterRecord,
  type SavedState,
  savedRegistrations,
} from '../registration/index.js';
import { now } from './clock.js';
import { SignallingError } from './signalling-error.js';

/** Lines beyond those of one record for each router, before the file is written anew. */
const SLACK = 1000;

/** Records that are written without letting others run: about a millisecond. */
const AT_ONCE = 256;

/** Where the daemon of an instance has its journal. */
export function journalPath({
  state,
  instance,
}: {
  readonly state: string;
  readonly instance: string;
}): string {
  return join(state, `${instance}-registrations.jsonl`);
}

/**
 * What routers have registered by a journal, by the `key` of their home addresses: for those who only look, whether its
 * daemon runs or not. None where there is no file.
 * @throws SignallingError JOURNAL_UNREADABLE, RegistrationError REGISTRATION_STATE_INVALID
 */
export function writtenRegistrations(path: string): ReadonlyMap<string, Registration> {
  const saved = new Journal(path).read();
  return saved === undefined ? new Map() : savedRegistrations(saved, now());
}

/**
 * The registrations of a home agent in a file that survives a crash: a line for each record, of which the last one of a
 * home address holds. What was appended before a power cut is there after it, but for a last line that is cut.
 */
export class Journal implements Disposable {
  readonly #path: string;
  #descriptor: number | undefined;
  /** Whether the file ends where a line does, as far as is known: nothing may follow half a line. */
  #isWhole = false;
  #lines = 0;
  #routers = 0;
  #slack = SLACK;
  /** What has come while the file is being written anew; undefined: it is not. */
  #late: Late[] | undefined;

  /** @param path of the file, which need not be there */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What is there, for `saved` of a registrar; undefined when there is nothing.
   * @throws SignallingError JOURNAL_UNREADABLE
   */
  read(): { readonly version: number; readonly routers: readonly unknown[] } | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new SignallingError('JOURNAL_UNREADABLE', `${this.#path} cannot be read: ${message}`);
    }
    const [head, ...lines] = text.split('\n');
    const { version } = this.#parse(head ?? '', 1) as { version?: unknown };
    if (typeof version !== 'number') throw this.#malformed(1);
    // What follows the last line break was cut.
    const whole = lines.slice(0, -1);
    this.#isWhole = lines.at(-1) === '';
    return { version, routers: whole.map((line, at) => this.#parse(line, at + 2)) };
  }

  /** Puts a file aside that cannot be used. Returns where it is now; undefined where the folder is not writable. */
  putAside(): string | undefined {
    const aside = `${this.#path}.unusable`;
    this.#isWhole = false;
    try {
      renameSync(this.#path, aside);
    } catch {
      return undefined;
    }
    return aside;
  }

  /** Writes the file anew. @throws SignallingError JOURNAL_NOT_WRITTEN */
  rewrite({ version, routers }: SavedState): void {
    this.#late = undefined;
    this.#guard(() => {
      this.#close();
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o750 });
      const next = `${this.#path}.new`;
      try {
        const lines = [{ version }, ...routers].map((one) => `${JSON.stringify(one)}\n`);
        writeFileSync(next, lines.join(''), { mode: 0o640, flush: true });
      } catch (error) {
        // It may be what takes the last of the room.
        rmSync(next, { force: true });
        throw error;
      }
      renameSync(next, this.#path);
      syncFolder(dirname(this.#path));
      this.#descriptor = openSync(this.#path, 'a');
      this.#isWhole = true;
      this.#routers = routers.length;
      this.#lines = routers.length;
    });
  }

  /**
   * Appends records; on the disk when it returns.
   * @returns whether the file has to be written anew: nothing was appended because its end is cut
   * @throws SignallingError JOURNAL_NOT_WRITTEN
   */
  append(records: readonly RouterRecord[]): boolean {
    if (!this.#isWhole) return true;
    const text = linesOf(records);
    this.#guard(() => {
      this.#isWhole = false;
      this.#descriptor ??= openSync(this.#path, 'a', 0o640);
      writeFileSync(this.#descriptor, text);
      fdatasyncSync(this.#descriptor);
      this.#isWhole = true;
    });
    this.#lines += records.length;
    this.#late?.push({ text, count: records.length });
    return false;
  }

  /** Whether the file has grown much, so that `compact` is due. */
  get isLong(): boolean {
    return this.#late === undefined && this.#lines > 2 * this.#routers + this.#slack;
  }

  /**
   * Writes the file anew, in pieces between which others run; what is appended meanwhile is in the old one and in the new
   * one. Ends early when the file is written anew at once, or closed, before that.
   * @throws SignallingError JOURNAL_NOT_WRITTEN: the file is as it was
   */
  async compact(version: number, records: Iterable<RouterRecord>): Promise<void> {
    const late: Late[] = [];
    this.#late = late;
    const next = `${this.#path}.compact`;
    let file: FileHandle | undefined;
    let routers = 0;
    try {
      file = await open(next, 'w', 0o640);
      await file.write(`${JSON.stringify({ version })}\n`);
      for (const piece of pieces(records)) {
        if (this.#late !== late) return;
        await file.write(linesOf(piece));
        routers += piece.length;
      }
      await file.sync();
      // From here on nobody else runs: what has come so far is all there is.
      if (this.#late !== late) return;
      writeFileSync(file.fd, late.map(({ text }) => text).join(''));
      fdatasyncSync(file.fd);
      renameSync(next, this.#path);
      syncFolder(dirname(this.#path));
      this.#close();
      this.#descriptor = openSync(this.#path, 'a');
      this.#routers = routers;
      this.#lines = late.reduce((sum, { count }) => sum + count, routers);
      this.#slack = SLACK;
    } catch (error) {
      // There may be no room; not again with each record.
      this.#slack = 2 * this.#lines;
      const { message } = error as Error;
      throw new SignallingError('JOURNAL_NOT_WRITTEN', `${next} cannot be written: ${message}`);
    } finally {
      if (this.#late === late) this.#late = undefined;
      await file?.close();
      // Gone already, where all went well.
      if (file) rmSync(next, { force: true });
    }
  }

  [Symbol.dispose](): void {
    this.#late = undefined;
    this.#close();
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#close();
      const { message } = error as Error;
      throw new SignallingError('JOURNAL_NOT_WRITTEN', `${this.#path} cannot be written: ${message}`);
    }
  }

  #parse(line: string, number: number): object {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      // Reported below.
    }
    throw this.#malformed(number);
  }

  #malformed(line: number): SignallingError {
    return new SignallingError('JOURNAL_UNREADABLE', `${this.#path}: line ${line} is no record`);
  }
}

/** What was appended while the file is being written anew. */
interface Late {
  readonly text: string;
  readonly count: number;
}

function linesOf(records: readonly RouterRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function* pieces(records: Iterable<RouterRecord>): Generator<RouterRecord[]> {
  let piece: RouterRecord[] = [];
  for (const record of records) {
    piece.push(record);
    if (piece.length < AT_ONCE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { getuid } from 'node:process';
import { parse } from 'yaml';
import { KeyError } from './key-error.js';

/** More than any file with keys has. */
const MAX_BYTES = 1 << 20;

/** Bits of a mode that let somebody else than the owner in. */
const OTHERS = 0o077;

/**
 * The text of a file with keys, which nobody but root and its reader may read.
 * @param reader id of the user who is to read it in the end: this process, or the daemon that it is looked at for
 * @throws KeyError KEY_FILE_UNREADABLE, KEY_FILE_OPEN, KEY_FILE_INVALID
 */
export function readKeyFile(path: string, reader = getuid?.()): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new KeyError('KEY_FILE_UNREADABLE', `${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    // Of the open file, so that nobody can put another one in its place meanwhile.
    const status = fstatSync(descriptor);
    const { mode, uid, size } = status;
    if (!status.isFile()) throw new KeyError('KEY_FILE_INVALID', `${path} is no file`);
    const isClosed = (mode & OTHERS) === 0 && (uid === 0 || uid === reader);
    if (!isClosed && !isCredential(path)) {
      const octal = (mode & 0o777).toString(8);
      throw new KeyError(
        'KEY_FILE_OPEN',
        `${path} has mode ${octal} and owner ${uid}, which is not safe for keys`,
      );
    }
    if (size > MAX_BYTES)
      throw new KeyError('KEY_FILE_INVALID', `${path} is no file with keys: ${size} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * What a file with keys in YAML says.
 * @param reader see `readKeyFile`
 * @throws KeyError KEY_FILE_UNREADABLE, KEY_FILE_OPEN, KEY_FILE_INVALID
 */
export function parseKeyFile(path: string, reader?: number): unknown {
  const text = readKeyFile(path, reader);
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    // The parser's message would quote the line, and with it a key.
    throw new KeyError('KEY_FILE_INVALID', `${path}: is not YAML`);
  }
}

/**
 * Writes a file that only its owner can read; on the disk when it returns.
 * @throws KeyError KEY_FILE_EXISTS, KEY_FILE_UNREADABLE
 */
export function writeNewKeyFile(path: string, text: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new KeyError('KEY_FILE_EXISTS', `${path} is there already`);
    throw new KeyError('KEY_FILE_UNREADABLE', `${path} cannot be written: ${message}`);
  }
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What systemd hands to a service is closed to others by the folder it is in. */
function isCredential(path: string): boolean {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  return folder !== undefined && folder !== '' && path.startsWith(`${folder}/`);
}

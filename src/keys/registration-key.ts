import { randomBytes, randomInt } from 'node:crypto';
import { KeyError } from './key-error.js';
import { parseKeyFile, writeNewKeyFile } from './key-file.js';

/** What a mobile router and its home agent authenticate registrations with (RFC 4285 section 5). */
interface RegistrationKey {
  /** Mobility SPI, by which messages name the key. */
  readonly spi: number;
  readonly key: Uint8Array;
}

const KEY_BYTES = 32;
const KEY = /^[0-9a-f]{64}$/;
/** SPIs below are reserved (RFC 4285 section 5). */
const LOWEST_SPI = 256;
const HIGHEST_SPI = 0xffff_ffff;

/**
 * Reads the key that a mobile router shares with its home agent.
 * @param reader id of the user who is to read it in the end, if not this process
 * @throws KeyError
 */
export function readRegistrationKey(path: string, reader?: number): RegistrationKey {
  const value = parseKeyFile(path, reader);
  const invalid = (what: string): KeyError => new KeyError('KEY_FILE_INVALID', `${path}: ${what}`);
  if (typeof value !== 'object' || value === null) throw invalid('is not a group with spi and key');
  const { spi, key } = value as Record<string, unknown>;
  if (typeof spi !== 'number' || !Number.isInteger(spi) || spi < LOWEST_SPI || spi > HIGHEST_SPI) {
    throw invalid(`needs an spi from ${LOWEST_SPI} to ${HIGHEST_SPI}`);
  }
  if (typeof key !== 'string' || !KEY.test(key)) throw invalid('needs a key of 64 hex digits in quotes');
  return { spi, key: Buffer.from(key, 'hex') };
}

/**
 * Writes a new key into a new file that only its owner can read. Both ends get the same file.
 * @throws KeyError KEY_FILE_EXISTS, KEY_FILE_UNREADABLE
 */
export function makeRegistrationKey(path: string): void {
  const spi = randomInt(LOWEST_SPI, HIGHEST_SPI).toString(16);
  const key = randomBytes(KEY_BYTES).toString('hex');
  writeNewKeyFile(
    path,
    `# Authenticates registrations of one mobile router.\n{spi: 0x${spi}, key: '${key}'}\n`,
  );
}

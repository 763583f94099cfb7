import { randomBytes, randomInt } from 'node:crypto';
import { KeyError } from './key-error.js';
import { parseKeyFile, writeNewKeyFile } from './key-file.js';

/** A pair of security associations between a mobile router and its home agent, one for each direction. */
export interface EspPair {
  /** Security Parameters Index of both, which have other destinations. */
  readonly spi: number;
  /** AES key and salt (RFC 4106) towards the home agent. */
  readonly up: Uint8Array;
  /** The same towards the mobile router. */
  readonly down: Uint8Array;
}

/** An AES key of 16, 24 or 32 bytes and 4 bytes of salt, in hex digits. */
const KEY = /^(?:[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{72})$/;
const NEW_KEY_BYTES = 32 + 4;
/** SPIs below are reserved (RFC 4303 section 2.1). */
const LOWEST_SPI = 256;
const HIGHEST_SPI = 0xffff_ffff;
/** Most pairs of one file: each is a security association of the kernel for every address that may be in use. */
export const MOST_PAIRS = 256;

/**
 * Reads the pairs of a binding, which are used one after the other, each once.
 * @throws KeyError
 */
export function readEspKeys(path: string): EspPair[] {
  const value = parseKeyFile(path);
  const invalid = (what: string): KeyError => new KeyError('KEY_FILE_INVALID', `${path}: ${what}`);
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_PAIRS) {
    throw invalid(`has to be a list of 1 to ${MOST_PAIRS} pairs of keys`);
  }
  const pairs = value.map((item, position) =>
    readPair(item, (what) => invalid(`entry ${position + 1} ${what}`)),
  );
  const twice = pairs.findIndex(({ spi }, at) =>
    pairs.some((other, before) => before < at && other.spi === spi),
  );
  if (twice >= 0) throw invalid(`entry ${twice + 1} has an SPI that another one has`);
  return pairs;
}

function readPair(item: unknown, invalid: (what: string) => KeyError): EspPair {
  if (typeof item !== 'object' || item === null) throw invalid('is not a group with spi, up and down');
  const { spi, up, down } = item as Record<string, unknown>;
  if (typeof spi !== 'number' || !Number.isInteger(spi) || spi < LOWEST_SPI || spi > HIGHEST_SPI) {
    throw invalid(`needs an spi from ${LOWEST_SPI} to ${HIGHEST_SPI}`);
  }
  return {
    spi,
    up: readKey(up, () => invalid(keyFault('up'))),
    down: readKey(down, () => invalid(keyFault('down'))),
  };
}

function keyFault(name: string): string {
  return `needs a key ${name} of 40, 56 or 72 hex digits in quotes: AES key and salt`;
}

function readKey(value: unknown, invalid: () => KeyError): Uint8Array {
  if (typeof value !== 'string' || !KEY.test(value)) throw invalid();
  return Buffer.from(value, 'hex');
}

/**
 * Writes new pairs into a new file that only its owner can read. Both ends get the same file.
 * @throws KeyError KEY_FILE_EXISTS, KEY_FILE_UNREADABLE
 */
export function makeEspKeys(path: string, count: number): void {
  const spis = new Set<number>();
  while (spis.size < count) spis.add(randomInt(0x1000, HIGHEST_SPI));
  const key = (): string => randomBytes(NEW_KEY_BYTES).toString('hex');
  const lines = [...spis].map((spi) => `- {spi: 0x${spi.toString(16)}, up: '${key()}', down: '${key()}'}\n`);
  const text = `# ESP with AES-GCM: each care-of address uses the next pair, and none is used twice.\n${lines.join('')}`;
  writeNewKeyFile(path, text);
}

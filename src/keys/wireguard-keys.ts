import { KeyError } from './key-error.js';
import { readKeyFile } from './key-file.js';

/** 32 bytes in base64, as `wg genkey` writes them. */
const KEY = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Reads a private or preshared key.
 * @throws KeyError
 */
export function readWireguardKey(path: string): Uint8Array {
  const text = readKeyFile(path).trim();
  if (!KEY.test(text)) {
    throw new KeyError('KEY_FILE_INVALID', `${path} does not hold one key of WireGuard`);
  }
  return Buffer.from(text, 'base64');
}

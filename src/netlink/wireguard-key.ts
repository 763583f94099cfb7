import { createPrivateKey, createPublicKey } from 'node:crypto';
import { NetlinkError } from './errors.js';

const KEY_LENGTH = 32;

/** What precedes the 32 bytes of a private key of X25519 in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/**
 * The public key, in base64, of a private key of 32 bytes (RFC 7748).
 * @throws NetlinkError NETLINK_ARGUMENT for another length
 */
export function wireguardPublicKey(privateKey: Uint8Array): string {
  const key = Buffer.concat([PKCS8_PREFIX, secretBytes(privateKey, 'private key')]);
  try {
    const { x } = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({
      format: 'jwk',
    });
    return Buffer.from(x ?? '', 'base64url').toString('base64');
  } finally {
    key.fill(0);
  }
}

/** A private or preshared key as it is. @throws NetlinkError NETLINK_ARGUMENT, without the key */
export function secretBytes(key: Uint8Array, what: string): Uint8Array {
  if (key.length !== KEY_LENGTH) throw keyError(`The ${what} must have ${KEY_LENGTH} bytes: ${key.length}`);
  return key;
}

/**
 * A public key of 32 bytes or their base64.
 * @throws NetlinkError NETLINK_ARGUMENT, without the key: it could be a private one by mistake
 */
export function publicKeyBytes(key: Uint8Array | string): Uint8Array {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  if (bytes.length !== KEY_LENGTH || (typeof key === 'string' && publicKeyText(bytes) !== key)) {
    throw keyError(`The public key of a peer must be ${KEY_LENGTH} bytes or their base64`);
  }
  return bytes;
}

export function publicKeyText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function keyError(message: string): NetlinkError {
  return new NetlinkError('NETLINK_ARGUMENT', message);
}

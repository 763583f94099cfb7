/** Authentication between mobile node and home agent: HMAC-SHA1, its first 96 bits (RFC 4285 section 5.1). */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Address } from '../net/index.js';
import { ByteReader } from './byte-reader.js';
import { CHECKSUM_OFFSET, type ChecksumAddresses, setChecksum } from './checksum.js';
import type { MobilityMessage, OtherMessage } from './message.js';
import { encodeWithPlace, optionsOf } from './message-codec.js';
import { MobilityError } from './mobility-error.js';
import { OptionType } from './option.js';

/** What both ends know of each other and of one message. */
export interface AuthenticationParties {
  /** Source of a Binding Update, destination of its acknowledgement: the address in the IPv6 header. */
  readonly careOf: Address;
  readonly homeAddress: Address;
}

/** A shared key and the number by which a message names it. */
export interface AuthenticationKey {
  /** Mobility SPI, 256..0xffffffff. */
  readonly spi: number;
  /** At least 16 bytes. */
  readonly key: Uint8Array;
}

/**
 * - `valid`
 * - `missing`: no authentication option between mobile node and home agent
 * - `misplaced`: an option that is none of authentication follows it
 * - `key-unknown`: no key has its SPI
 * - `wrong`: the value is not the one of this message, these addresses and this key
 */
export type AuthenticationVerdict = 'valid' | 'missing' | 'misplaced' | 'key-unknown' | 'wrong';

const RULE = 'RFC 4285 section 5.1';
/** Subtype of the option. */
const MN_HA = 1;
const VALUE_LENGTH = 12;
/** Of the option up to and with its SPI: type, length, subtype, SPI. */
const UP_TO_SPI = 7;
const SHORTEST_KEY = 16;
/** Of SHA-1, bytes: what it takes at once, and what it answers. */
const BLOCK = 64;
const DIGEST = 20;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * Encodes a message with an authentication option of its own behind its options.
 * @param addresses for the checksum, see `encodeMobilityHeader`
 * @throws MobilityError MOBILITY_VALUE_INVALID, MOBILITY_TOO_LONG
 */
export function encodeAuthenticated(
  message: Exclude<MobilityMessage, OtherMessage>,
  parties: AuthenticationParties,
  { spi, key }: AuthenticationKey,
  addresses?: ChecksumAddresses,
): Uint8Array {
  if (message.options.some((option) => option.type === 'authentication' && option.subtype === MN_HA)) {
    throw new MobilityError(
      'MOBILITY_VALUE_INVALID',
      0,
      RULE,
      'the message has an authentication option already',
    );
  }
  checkKey(key);
  const empty = { type: 'authentication', subtype: MN_HA, spi, data: new Uint8Array(VALUE_LENGTH) } as const;
  const { bytes, lastOption } = encodeWithPlace({ ...message, options: [...message.options, empty] });
  const at = lastOption + UP_TO_SPI;
  bytes.set(authenticator(bytes.subarray(0, at), parties, key), at);
  if (addresses !== undefined) setChecksum(bytes, addresses);
  return bytes;
}

/**
 * Checks a mobility header as it was received; its checksum does not matter here.
 * @param keyOf the key that has an SPI
 * @throws MobilityError when the header cannot be decoded up to its options, or a key is too short
 */
export function verifyAuthentication(
  bytes: Uint8Array,
  parties: AuthenticationParties,
  keyOf: (spi: number) => Uint8Array | undefined,
): AuthenticationVerdict {
  const options = optionsOf(bytes);
  const at = options.findIndex(({ number, offset }) => {
    return number === OptionType.AUTHENTICATION && bytes[offset + 2] === MN_HA;
  });
  const option = options[at];
  if (option === undefined || option.value.left < UP_TO_SPI - 2) return 'missing';
  if (options.slice(at + 1).some(({ number }) => number !== OptionType.AUTHENTICATION)) return 'misplaced';
  const { offset } = option;
  const spi = new ByteReader(bytes, RULE, offset + 3).u32();
  const key = keyOf(spi);
  if (key === undefined) return 'key-unknown';
  checkKey(key);
  const value = option.value.copy().subarray(UP_TO_SPI - 2);
  const wanted = authenticator(bytes.subarray(0, offset + UP_TO_SPI), parties, key);
  return value.length === VALUE_LENGTH && timingSafeEqual(value, wanted) ? 'valid' : 'wrong';
}

/** @param header the mobility header up to and with the SPI of the option */
function authenticator(header: Uint8Array, parties: AuthenticationParties, key: Uint8Array): Uint8Array {
  const { careOf, homeAddress } = parties;
  const text = BLOCK + (careOf.bits + homeAddress.bits) / 8;
  const inner = keyedBlock(key, INNER_PAD, text - BLOCK + header.length);
  careOf.copyTo(inner, BLOCK);
  homeAddress.copyTo(inner, BLOCK + careOf.bits / 8);
  inner.set(header, text);
  inner.fill(0, text + CHECKSUM_OFFSET, text + CHECKSUM_OFFSET + 2);
  const outer = keyedBlock(key, OUTER_PAD, DIGEST);
  outer.set(hash('sha1', inner, 'buffer'), BLOCK);
  return hash('sha1', outer, 'buffer').subarray(0, VALUE_LENGTH);
}

/**
 * The key as HMAC has it in front of what it hashes (RFC 2104 section 2), and room for that. Not `createHmac`: its
 * object in native code costs the garbage collector several times what the hashes cost, twice for each message.
 */
function keyedBlock(key: Uint8Array, pad: number, room: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK + room);
  bytes.set(key.length > BLOCK ? hash('sha1', key, 'buffer') : key);
  for (let at = 0; at < BLOCK; at++) bytes[at] = (bytes[at] as number) ^ pad;
  return bytes;
}

function checkKey(key: Uint8Array): void {
  if (key.length < SHORTEST_KEY) {
    const what = `a key has ${key.length} bytes, ${SHORTEST_KEY} is the least`;
    throw new MobilityError('MOBILITY_VALUE_INVALID', 0, RULE, what);
  }
}

import { Address } from '../net/index.js';
import { IPPROTO, XFRM_STATE_ESN, XFRMA } from './constants.js';
import { NetlinkError } from './errors.js';
import { nameOf } from './names.js';
import { Attributes, decodeString, Reader, Writer } from './wire.js';
import {
  anyAddress,
  anyPrefix,
  familyNumber,
  familyOf,
  formatHex,
  formatProtocol,
  readAddress,
  readIfId,
  readMark,
  writeAddress,
  writeMark,
  writeUnlimited,
  XFRM_MODES,
  type XfrmMark,
  type XfrmMode,
} from './xfrm-common.js';
import { writeSelector } from './xfrm-selector.js';

/** What names a state (security association) of the kernel. */
export interface XfrmStateId {
  destination: Address | string;
  spi: number;
  /** IPPROTO_*, default ESP */
  protocol?: number | undefined;
  mark?: XfrmMark | undefined;
}

/** A new state of ESP with AES-GCM (RFC 4106), a check value of 16 bytes, and no end. */
export interface XfrmStateSpec extends XfrmStateId {
  protocol?: typeof IPPROTO.ESP | undefined;
  /** Default any, which only an inbound one can have. */
  source?: Address | string | undefined;
  mode: 'transport' | 'tunnel';
  reqid?: number | undefined;
  ifId?: number | undefined;
  /** The AES key of 16, 24 or 32 bytes, and after it 4 bytes of salt (RFC 4106 section 8.1). It is not kept. */
  key: Uint8Array;
  /** Packets by which one may be late and still be taken, default 0: no look at sequence numbers. */
  replayWindow?: number | undefined;
  /** Extended sequence numbers of 64 bits (RFC 4304), which need a window; both ends have them or none. */
  esn?: boolean | undefined;
}

/** A state of the kernel, without its keys. */
export interface XfrmState extends XfrmStateId {
  source: Address;
  destination: Address;
  protocol: number;
  mode: XfrmMode;
  reqid: number;
  ifId: number | undefined;
  mark: XfrmMark | undefined;
  /** The kernel's name of the combined algorithm, if it is one. */
  aead: string | undefined;
  replayWindow: number;
  esn: boolean;
  /** Of what it has protected or taken so far. */
  packets: number;
  bytes: number;
}

/** struct xfrm_usersa_info */
const STATE_LENGTH = 224;

const AEAD_NAME = 'rfc4106(gcm(aes))';
const AEAD_NAME_LENGTH = 64;
const ICV_BITS = 128;
const SALT = 4;
const KEYS: ReadonlySet<number> = new Set([16 + SALT, 24 + SALT, 32 + SALT]);

/** What struct xfrm_usersa_info has room for, and the most that the kernel takes (XFRMA_REPLAY_ESN_MAX). */
const [SHORT_WINDOW, LONGEST_WINDOW] = [32, 4096];

/** Decodes the body of XFRM_MSG_NEWSA. The keys in it are passed over. @throws NetlinkDecodeError */
export function decodeState(body: Uint8Array): XfrmState {
  const reader = new Reader(body);
  const family = familyOf(reader.u16(212));
  const attributes = new Attributes(body.subarray(STATE_LENGTH));
  const aead = attributes.bytes(XFRMA.ALG_AEAD);
  const long = attributes.bytes(XFRMA.REPLAY_ESN_VAL);
  return {
    destination: readAddress(body, 56, family),
    spi: reader.be32(72),
    protocol: reader.u8(76),
    source: readAddress(body, 80, family),
    bytes: reader.u64(160),
    packets: reader.u64(168),
    reqid: reader.u32(208),
    mode: nameOf(XFRM_MODES, reader.u8(214), 'unknown'),
    ifId: readIfId(attributes),
    mark: readMark(attributes),
    aead: aead && decodeString(aead.subarray(0, AEAD_NAME_LENGTH)),
    replayWindow: long === undefined ? reader.u8(215) : new Reader(long).u32(20),
    esn: (reader.u8(216) & XFRM_STATE_ESN) !== 0,
  };
}

/** Body of XFRM_MSG_NEWSA. @throws NetlinkError NETLINK_ARGUMENT, which never says anything of the key but its length */
export function newStateBody(spec: XfrmStateSpec, attempted: string): Uint8Array {
  const { replayWindow = 0, esn = false, key } = spec;
  const destination = Address.from(spec.destination);
  const { family } = destination;
  const source = spec.source === undefined ? anyAddress(family) : Address.from(spec.source);
  const wrong = argumentFault(source, destination, key.length, replayWindow, esn);
  if (wrong !== undefined) {
    throw new NetlinkError('NETLINK_ARGUMENT', `Cannot ${attempted}: ${wrong}`, { attempted });
  }
  const long = esn || replayWindow > SHORT_WINDOW;
  const writer = new Writer();
  writeSelector(writer, { destination: anyPrefix(family) }, attempted);
  writeId(writer, destination, spec);
  writeAddress(writer, source);
  writeUnlimited(writer);
  writer
    .zeros(3 * 4)
    .u32(0)
    .u32(spec.reqid ?? 0)
    .u16(familyNumber(family))
    .u8(XFRM_MODES[spec.mode])
    .u8(long ? 0 : replayWindow)
    .u8(esn ? XFRM_STATE_ESN : 0)
    .zeros(STATE_LENGTH - 217);
  writer.attribute(XFRMA.ALG_AEAD, algorithm(key));
  if (long) writer.attribute(XFRMA.REPLAY_ESN_VAL, replayState(replayWindow));
  writeMark(writer, spec.mark);
  return writer.attributeU32(XFRMA.IF_ID, spec.ifId || undefined).finish();
}

function argumentFault(
  source: Address,
  destination: Address,
  keyLength: number,
  window: number,
  esn: boolean,
): string | undefined {
  if (source.family !== destination.family) return `${source} is of another family`;
  if (!KEYS.has(keyLength)) return `a key has 20, 28 or 36 bytes with its salt, not ${keyLength}`;
  if (!Number.isInteger(window) || window < 0 || window > LONGEST_WINDOW) {
    return `a replay window has 0 to ${LONGEST_WINDOW} packets, not ${window}`;
  }
  return esn && window === 0 ? 'extended sequence numbers need a replay window' : undefined;
}

/** struct xfrm_id */
function writeId(writer: Writer, destination: Address, { spi, protocol }: XfrmStateId): void {
  writeAddress(writer, destination);
  writer
    .be32(spi)
    .u8(protocol ?? IPPROTO.ESP)
    .zeros(3);
}

/** struct xfrm_algo_aead */
function algorithm(key: Uint8Array): Uint8Array {
  return new Writer()
    .bytes(Buffer.from(AEAD_NAME))
    .zeros(AEAD_NAME_LENGTH - AEAD_NAME.length)
    .u32(8 * key.length)
    .u32(ICV_BITS)
    .bytes(key)
    .finish();
}

/** struct xfrm_replay_state_esn: nothing sent or seen yet. Its bitmap has one bit for each packet of the window. */
function replayState(window: number): Uint8Array {
  const words = Math.ceil(window / 32);
  return new Writer()
    .u32(words)
    .zeros(4 * 4)
    .u32(window)
    .zeros(4 * words)
    .finish();
}

/** Body of XFRM_MSG_DELSA: struct xfrm_usersa_id. */
export function deleteStateBody(id: XfrmStateId): Uint8Array {
  const destination = Address.from(id.destination);
  const writer = new Writer();
  writeAddress(writer, destination);
  writer
    .be32(id.spi)
    .u16(familyNumber(destination.family))
    .u8(id.protocol ?? IPPROTO.ESP)
    .zeros(1);
  writeMark(writer, id.mark);
  return writer.finish();
}

/** `state dst D proto esp spi 0x100` */
export function describeState({ destination, protocol = IPPROTO.ESP, spi }: XfrmStateId): string {
  return `state dst ${destination} proto ${formatProtocol(protocol)} spi ${formatHex(spi)}`;
}

import { Address } from '../net/index.js';
import { AF, NETLINK } from './constants.js';
import { NetlinkError } from './errors.js';
import { RequestSocket } from './request-socket.js';
import { Writer } from './wire.js';

const RECEIVE_BUFFER = 256 * 1024;
const IPPROTO_ESP = 50;

/** linux/xfrm.h */
const XFRM = { MSG_UPDSA: 0x1a, MODE_TUNNEL: 1, ALG_AEAD: 18, ALG_NAME_LENGTH: 64 } as const;
/** Lengths of parts of struct xfrm_usersa_info, and what fills it up at the end. */
const LENGTH = { selector: 56, lifetimes: 64 + 32, stats: 12, end: 7 } as const;

/** RFC 4106: a key of 128 bits and a salt of 32, a check value of 128. */
const AES_GCM = { name: 'rfc4106(gcm(aes))', keyBits: 160, icvBits: 128 } as const;
/** Nobody can have states between these: 100::/64 is the prefix to discard (RFC 6666). */
const ENDS = { source: Address.parse('100::1'), destination: Address.parse('100::2'), spi: 0x100 } as const;

/** What says that there is no ESP, no such algorithm, or nothing of IPsec at all. */
const ABSENT = ['ENOSYS', 'ENOENT', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', 'EOPNOTSUPP'];

/**
 * Whether the kernel has ESP over IPv6 with AES-GCM. It is asked to change a state that is not there: it puts the new
 * state together, with type and cipher (xfrm_state_construct() of net/xfrm/xfrm_user.c), before it looks for the old
 * one and answers ESRCH. Nothing is made or changed; modules with the cipher are loaded and stay.
 * @throws NetlinkError NETLINK_KERNEL with EPERM without CAP_NET_ADMIN, NETLINK_SOCKET
 */
export async function offersEsp(algorithm: string = AES_GCM.name): Promise<boolean> {
  try {
    using socket = new RequestSocket(RECEIVE_BUFFER, NETLINK.XFRM);
    const request = { type: XFRM.MSG_UPDSA, flags: 0, body: stateBody(algorithm) };
    await socket.request(request, `find out about ESP with ${algorithm}`);
  } catch (error) {
    const name = error instanceof NetlinkError ? error.errnoName : undefined;
    if (name === 'ESRCH') return true;
    if (name !== undefined && ABSENT.includes(name)) return false;
    throw error;
  }
  return true;
}

/** struct xfrm_usersa_info and the algorithm, with a key of zeros that never protects anything. */
function stateBody(algorithm: string): Uint8Array {
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  const name = zeros(XFRM.ALG_NAME_LENGTH);
  name.set(Buffer.from(algorithm));
  const aead = new Writer()
    .bytes(name)
    .u32(AES_GCM.keyBits)
    .u32(AES_GCM.icvBits)
    .bytes(zeros(AES_GCM.keyBits / 8));
  const spi = zeros(4);
  new DataView(spi.buffer).setUint32(0, ENDS.spi);
  return new Writer()
    .bytes(zeros(LENGTH.selector))
    .bytes(ENDS.destination.toBytes())
    .bytes(spi)
    .bytes(Uint8Array.of(IPPROTO_ESP, 0, 0, 0))
    .bytes(ENDS.source.toBytes())
    .bytes(zeros(LENGTH.lifetimes + LENGTH.stats))
    .u32(0)
    .u32(0)
    .u16(AF.INET6)
    .u8(XFRM.MODE_TUNNEL)
    .u8(0)
    .u8(0)
    .bytes(zeros(LENGTH.end))
    .attribute(XFRM.ALG_AEAD, aead.finish())
    .finish();
}

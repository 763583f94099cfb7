import { NETLINK } from './constants.js';
import { NetlinkError } from './errors.js';
import { RequestSocket } from './request-socket.js';
import { Attributes, Reader, Writer } from './wire.js';

const RECEIVE_BUFFER = 256 * 1024;

/** linux/genetlink.h */
const GENL = {
  ID_CTRL: 0x10,
  CTRL_CMD_GETFAMILY: 3,
  CTRL_ATTR_FAMILY_ID: 1,
  CTRL_ATTR_FAMILY_NAME: 2,
} as const;

/** linux/ethtool_netlink.h */
const ETHTOOL = {
  MSG_FEATURES_SET: 12,
  A_FEATURES_HEADER: 1,
  A_FEATURES_WANTED: 3,
  A_HEADER_DEV_INDEX: 1,
  A_BITSET_BITS: 3,
  A_BITSET_BITS_BIT: 1,
  A_BITSET_BIT_NAME: 2,
} as const;

const HEADER_LENGTH = 4;

/** struct genlmsghdr: command, version, two bytes of nothing. */
const header = (command: number): Writer => new Writer().u8(command).u8(1).u16(0);

/**
 * Turns features of a device off, named as `ethtool -k` does: what the device was to do with a packet, the
 * kernel does before the device gets it. Needs CAP_NET_ADMIN.
 * @throws NetlinkError ENOENT where the kernel has no such interface (ETHTOOL_NETLINK), EINVAL for a name it
 * does not know
 */
export async function turnOffFeatures(ifindex: number, names: readonly string[]): Promise<void> {
  const attempted = `turn off ${names.join(', ')} of link ${ifindex}`;
  using socket = new RequestSocket(RECEIVE_BUFFER, NETLINK.GENERIC);
  const [reply] = await socket.request(
    {
      type: GENL.ID_CTRL,
      flags: 0,
      body: header(GENL.CTRL_CMD_GETFAMILY).attributeString(GENL.CTRL_ATTR_FAMILY_NAME, 'ethtool').finish(),
    },
    attempted,
  );
  const family = reply && new Attributes(reply.body.subarray(HEADER_LENGTH)).bytes(GENL.CTRL_ATTR_FAMILY_ID);
  if (family === undefined) {
    throw new NetlinkError('NETLINK_ARGUMENT', `Cannot ${attempted}: the kernel does not number ethtool`);
  }
  const body = header(ETHTOOL.MSG_FEATURES_SET)
    .nested(ETHTOOL.A_FEATURES_HEADER, (content) => content.attributeU32(ETHTOOL.A_HEADER_DEV_INDEX, ifindex))
    .nested(ETHTOOL.A_FEATURES_WANTED, (wanted) =>
      wanted.nested(ETHTOOL.A_BITSET_BITS, (bits) => {
        for (const name of names) {
          // A bit without a value is off.
          bits.nested(ETHTOOL.A_BITSET_BITS_BIT, (bit) =>
            bit.attributeString(ETHTOOL.A_BITSET_BIT_NAME, name),
          );
        }
      }),
    )
    .finish();
  await socket.request({ type: new Reader(family).u16(0), flags: 0, body }, attempted);
}

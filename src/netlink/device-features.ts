import { GenericFamily } from './generic-family.js';

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

/**
 * Turns features of a device off, named as `ethtool -k` does: what the device was to do with a packet, the
 * kernel does before the device gets it. Needs CAP_NET_ADMIN.
 * @throws NetlinkError ENOENT where the kernel has no such interface (ETHTOOL_NETLINK), EINVAL for a name it
 * does not know
 */
export async function turnOffFeatures(ifindex: number, names: readonly string[]): Promise<void> {
  const attempted = `turn off ${names.join(', ')} of link ${ifindex}`;
  using ethtool = await GenericFamily.open('ethtool', attempted);
  await ethtool.request(
    ETHTOOL.MSG_FEATURES_SET,
    (body) =>
      body
        .nested(ETHTOOL.A_FEATURES_HEADER, (content) =>
          content.attributeU32(ETHTOOL.A_HEADER_DEV_INDEX, ifindex),
        )
        .nested(ETHTOOL.A_FEATURES_WANTED, (wanted) =>
          wanted.nested(ETHTOOL.A_BITSET_BITS, (bits) => {
            for (const name of names) {
              // A bit without a value is off.
              bits.nested(ETHTOOL.A_BITSET_BITS_BIT, (bit) =>
                bit.attributeString(ETHTOOL.A_BITSET_BIT_NAME, name),
              );
            }
          }),
        ),
    attempted,
  );
}

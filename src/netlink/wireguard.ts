import { WG_CMD } from './constants.js';
import { NetlinkError } from './errors.js';
import { GenericFamily } from './generic-family.js';
import { decodeWireguardDevice, type WireguardDevice } from './wireguard-device.js';
import { setDeviceMessages, type WireguardChange, writeDevice } from './wireguard-request.js';

/**
 * Reads and sets WireGuard devices of the network namespace of the process. Everything needs CAP_NET_ADMIN. Keys are
 * in no error.
 */
export class Wireguard implements Disposable {
  readonly #family: GenericFamily;

  private constructor(family: GenericFamily) {
    this.#family = family;
  }

  /** @throws NetlinkError ENOENT where the kernel has no WireGuard, NETLINK_SOCKET */
  static async open(): Promise<Wireguard> {
    const attempted = 'speak to WireGuard';
    try {
      return new Wireguard(await GenericFamily.open('wireguard', attempted));
    } catch (error) {
      if (!isRefusal(error, 'ENOENT')) throw error;
      const message = `Cannot ${attempted}: this kernel does not have it (CONFIG_WIREGUARD, module wireguard)`;
      throw new NetlinkError('NETLINK_KERNEL', message, { errno: error.errno, attempted, cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#family[Symbol.dispose]();
  }

  /**
   * A device by ifindex or name; undefined when there is no such link.
   * @throws NetlinkError EOPNOTSUPP for a link that is no WireGuard device, EPERM
   */
  async getDevice(which: number | string): Promise<WireguardDevice | undefined> {
    const attempted = `read WireGuard device ${which}`;
    try {
      const messages = await this.#family.dump(WG_CMD.GET_DEVICE, attempted, (body) =>
        writeDevice(body, which),
      );
      return decodeWireguardDevice(messages);
    } catch (error) {
      if (isRefusal(error, 'ENODEV')) return undefined;
      throw asOtherKind(error, attempted);
    }
  }

  /**
   * Changes what is given. Very many peers or prefixes take several messages, between which a part of them is set.
   * @throws NetlinkError NETLINK_ARGUMENT for keys and numbers that are none; ENODEV for no such link, EOPNOTSUPP for
   * one that is no WireGuard device, EADDRINUSE for a listen port that is taken; AddressError
   */
  async setDevice(which: number | string, change: WireguardChange): Promise<void> {
    const attempted = `set WireGuard device ${which}`;
    try {
      for (const write of setDeviceMessages(which, change)) {
        await this.#family.request(WG_CMD.SET_DEVICE, write, attempted);
      }
    } catch (error) {
      throw asOtherKind(error, attempted);
    }
  }
}

function isRefusal(error: unknown, errnoName: string): error is NetlinkError {
  return error instanceof NetlinkError && error.errnoName === errnoName;
}

/** The kernel's answer for a link of another kind, in words that say so. */
function asOtherKind(error: unknown, attempted: string): unknown {
  if (!isRefusal(error, 'EOPNOTSUPP')) return error;
  const { errno } = error;
  return new NetlinkError('NETLINK_KERNEL', `Cannot ${attempted}: the link is of another kind`, {
    errno,
    attempted,
    cause: error,
  });
}

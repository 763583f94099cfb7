import type { WireguardConfig } from '../config/index.js';
import { readWireguardKey } from '../keys/index.js';
import { Prefix } from '../net/index.js';
import { type Link, Wireguard } from '../netlink/index.js';
import type { DeviceEnds } from './device-kinds.js';

/** How often this end is heard although it has nothing to say, seconds: filters on the way forget it else. */
const KEEPALIVE = 25;

/**
 * Gives WireGuard devices their keys and peers. A device has no setting for its outer source: it takes that of the
 * route for its mark and keeps it until it is told a mark or the peer's address again (wg_set_device() and set_peer()
 * in drivers/net/wireguard/netlink.c).
 */
export class WireguardDevices {
  /** By ifindex: what the device was told last by this process. */
  readonly #told = new Map<number, string>();

  /**
   * @param device its settings; undefined for one that somebody else has made, whose keys and peers stay
   * @throws KeyError, NetlinkError
   */
  async settle(link: Link, device: WireguardConfig | undefined, ends: DeviceEnds): Promise<void> {
    const told = `${ends.local} ${ends.remote}`;
    if (this.#told.get(link.ifindex) === told) return;
    using wireguard = await Wireguard.open();
    if (device) await this.#configure(wireguard, link, device, ends);
    else await this.#remind(wireguard, link, ends);
    this.#told.set(link.ifindex, told);
  }

  /** A device of ours. The far end hears of another source by the keepalive that is sent at once. */
  async #configure(
    wireguard: Wireguard,
    link: Link,
    device: WireguardConfig,
    { remote, mark }: DeviceEnds,
  ): Promise<void> {
    const isMobileRouter = mark !== undefined;
    const peer = { publicKey: device.peer, allowedPrefixes: [Prefix.DEFAULT], replaceAllowedPrefixes: true };
    const presharedKey =
      device.presharedKeyFile === undefined ? undefined : readWireguardKey(device.presharedKeyFile);
    const known = await wireguard.getDevice(link.ifindex);
    const strangers = (known?.peers ?? []).filter(({ publicKey }) => publicKey !== device.peer);
    await wireguard.setDevice(link.ifindex, {
      privateKey: readWireguardKey(device.privateKeyFile),
      ...(isMobileRouter ? { fwmark: mark } : { listenPort: device.port }),
      peers: [
        ...strangers.map(({ publicKey }) => ({ publicKey, remove: true })),
        {
          ...peer,
          presharedKey,
          ...(isMobileRouter ? { endpoint: { address: remote, port: device.port }, keepalive: 0 } : {}),
        },
      ],
    });
    if (isMobileRouter) {
      await wireguard.setDevice(link.ifindex, {
        peers: [{ publicKey: device.peer, keepalive: KEEPALIVE, updateOnly: true }],
      });
    }
  }

  /** Somebody else's. */
  async #remind(wireguard: Wireguard, link: Link, { mark }: DeviceEnds): Promise<void> {
    if (mark === undefined) return;
    // Setting it, even to what it is, has the sources of all peers forgotten.
    await wireguard.setDevice(link.ifindex, { fwmark: mark });
  }
}

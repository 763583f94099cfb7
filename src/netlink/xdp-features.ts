import { NetlinkError } from './errors.js';
import { GenericFamily } from './generic-family.js';
import { Reader } from './wire.js';

/** linux/netdev.h */
const NETDEV = { CMD_DEV_GET: 1, A_DEV_IFINDEX: 1, A_DEV_XDP_FEATURES: 3 } as const;

/** enum netdev_xdp_act */
const XDP_ACT = { BASIC: 1, REDIRECT: 2, NDO_XMIT: 4 } as const;

/** What a driver does with XDP by itself. */
export interface XdpFeatures {
  /** It runs XDP programs, and those may give packets to other devices. */
  readonly native: boolean;
  /** It takes packets from XDP programs of other devices now. */
  readonly transmits: boolean;
}

/** Asks again and again by one socket. */
export class XdpFeatureReader implements Disposable {
  #family: GenericFamily | undefined;

  /**
   * What the drivers of this network namespace do with XDP, by ifindex; undefined where the kernel does not tell
   * (before 6.3).
   * @throws NetlinkError
   */
  async read(): Promise<Map<number, XdpFeatures> | undefined> {
    const attempted = 'list what devices do with XDP';
    try {
      this.#family ??= await GenericFamily.open('netdev', attempted);
    } catch (error) {
      if (error instanceof NetlinkError && error.errnoName === 'ENOENT') return undefined;
      throw error;
    }
    const devices = new Map<number, XdpFeatures>();
    for (const attributes of await this.#family.dump(NETDEV.CMD_DEV_GET, attempted)) {
      const ifindex = attributes.u32(NETDEV.A_DEV_IFINDEX);
      const bytes = attributes.bytes(NETDEV.A_DEV_XDP_FEATURES);
      if (ifindex === undefined) continue;
      const bits = bytes === undefined ? 0 : new Reader(bytes).u32(0);
      const has = (act: number): boolean => (bits & act) === act;
      devices.set(ifindex, {
        native: has(XDP_ACT.BASIC | XDP_ACT.REDIRECT),
        transmits: has(XDP_ACT.NDO_XMIT),
      });
    }
    return devices;
  }

  [Symbol.dispose](): void {
    this.#family?.[Symbol.dispose]();
    this.#family = undefined;
  }
}

import { getSystemErrorName } from 'node:util';
import { addon, type NativeError, type NativePacketSocket } from '../native/addon.js';
import { SignallingError } from './signalling-error.js';

/**
 * Sends whole IPv6 packets, their extension headers included. The kernel routes them by their source, too, so that what
 * comes from a care-of address leaves by that address's uplink. Takes CAP_NET_RAW.
 */
export class PacketSocket implements Disposable {
  readonly #native: NativePacketSocket;

  /** @throws SignallingError PACKET_SOCKET_REFUSED */
  constructor() {
    try {
      this.#native = new (addon().PacketSocket)();
    } catch (error) {
      const name = getSystemErrorName(-(error as NativeError).errno);
      throw new SignallingError('PACKET_SOCKET_REFUSED', `no socket for mobility headers: ${name}`);
    }
  }

  /** The kernel's reason why the packet was not sent, such as ENETUNREACH; undefined when it was. */
  send(packet: Uint8Array): string | undefined {
    const result = this.#native.send(packet);
    return result === 0 ? undefined : getSystemErrorName(result);
  }

  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

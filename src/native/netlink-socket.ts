/** Errors thrown by the methods are those of the addon: `errno` and `operation`. */
export interface NativeNetlinkSocket {
  /** Joins a multicast group by number (such as RTNLGRP_*). */
  addMembership(group: number): void;
  /** Sends to the kernel, which handles the request before the call returns. */
  send(message: Uint8Array): void;
  /** Closes; idempotent. No callback runs afterwards. */
  close(): void;
  /** Keeps the event loop, and this object, alive until `unref` or `close`. New sockets are not referenced. */
  ref(): void;
  unref(): void;
  /** The netlink port the kernel gave this socket. */
  portId(): number;
  /** The receive buffer in bytes as the kernel counts it (twice the size asked for). */
  receiveBuffer(): number;
}

/**
 * `onReceive` gets either whole datagrams of the kernel (each may hold several messages) and 0, or null and an
 * errno: ENOBUFS and EMSGSIZE mean messages were lost, anything else that the socket no longer reads.
 */
export type NativeNetlinkSocketConstructor = new (
  receiveBuffer: number,
  onReceive: (datagrams: Uint8Array[] | null, errno: number) => void,
  /** NETLINK_* number of the kernel's subsystem. */
  protocol: number,
) => NativeNetlinkSocket;

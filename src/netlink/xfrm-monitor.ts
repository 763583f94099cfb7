import type { NativeNetlinkSocket } from '../native/netlink-socket.js';
import { NETLINK, XFRM_MSG, XFRMNLGRP } from './constants.js';
import { NetlinkError } from './errors.js';
import { openSocket } from './request-socket.js';
import { decodeMessages } from './wire.js';
import { isWithoutXfrm } from './xfrm.js';

const RECEIVE_BUFFER = 1024 * 1024;

/** Expiry and migration have groups of their own: neither is announced as a removal or a change. */
const POLICIES = {
  groups: [XFRMNLGRP.POLICY, XFRMNLGRP.EXPIRE, XFRMNLGRP.MIGRATE],
  messages: new Set<number>([
    XFRM_MSG.NEWPOLICY,
    XFRM_MSG.UPDPOLICY,
    XFRM_MSG.DELPOLICY,
    XFRM_MSG.FLUSHPOLICY,
    XFRM_MSG.POLEXPIRE,
    XFRM_MSG.MIGRATE,
    // A change of the default policies is announced as their answer.
    XFRM_MSG.GETDEFAULT,
  ]),
};

const STATES = {
  groups: [XFRMNLGRP.SA, XFRMNLGRP.EXPIRE, XFRMNLGRP.MIGRATE],
  messages: new Set<number>([
    XFRM_MSG.NEWSA,
    XFRM_MSG.UPDSA,
    XFRM_MSG.DELSA,
    XFRM_MSG.FLUSHSA,
    XFRM_MSG.EXPIRE,
    XFRM_MSG.MIGRATE,
  ]),
};

/** What is called after a change; what is left out is not listened to. */
export interface XfrmListeners {
  policies?: (() => void) | undefined;
  states?: (() => void) | undefined;
}

/**
 * Says when policies or states of the kernel's IPsec change in the network namespace, also when it may have missed a
 * change; reads none of them. Needs CAP_NET_ADMIN.
 */
export class XfrmMonitor implements Disposable {
  readonly #watched: readonly { groups: number[]; messages: Set<number>; call: () => void }[];
  #socket: NativeNetlinkSocket | undefined;
  /** The kernel has no XFRM. */
  #absent = false;

  constructor({ policies, states }: XfrmListeners) {
    this.#watched = [
      ...(policies === undefined ? [] : [{ ...POLICIES, call: policies }]),
      ...(states === undefined ? [] : [{ ...STATES, call: states }]),
    ];
  }

  /**
   * Joins the groups, unless that has been done. A kernel without XFRM has nothing to say.
   * @throws NetlinkError NETLINK_SOCKET
   */
  start(): void {
    if (this.#socket !== undefined || this.#absent) return;
    try {
      const receive = (datagrams: Uint8Array[] | null, errno: number): void =>
        this.#receive(datagrams, errno);
      this.#socket = openSocket(RECEIVE_BUFFER, receive, NETLINK.XFRM);
    } catch (error) {
      if (!isWithoutXfrm(error)) throw error;
      this.#absent = true;
      return;
    }
    this.#join(this.#socket);
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #join(socket: NativeNetlinkSocket): void {
    try {
      for (const group of new Set(this.#watched.flatMap(({ groups }) => groups))) socket.addMembership(group);
    } catch (cause) {
      this.stop();
      const { message, errno } = cause as Error & { errno?: number };
      throw new NetlinkError('NETLINK_SOCKET', `Cannot follow the policies of IPsec: ${message}`, {
        errno,
        cause,
      });
    }
  }

  #receive(datagrams: Uint8Array[] | null, errno: number): void {
    const missed = datagrams === null || errno !== 0;
    const types = missed
      ? new Set<number>()
      : new Set(datagrams.flatMap((one) => decodeMessages(one).map(({ type }) => type)));
    for (const { messages, call } of this.#watched) {
      if (missed || [...types].some((type) => messages.has(type))) call();
    }
  }
}

import type { NativeNetlinkSocket } from '../native/netlink-socket.js';
import { NLM_F, NLMSG } from './constants.js';
import { errnoName } from './errors.js';
import { openSocket } from './request-socket.js';
import { decodeMessages, encodeMessage, type Message } from './wire.js';

/** Who is told what the kernel announces. */
export interface Hearer {
  /** Messages that were received together, in order. */
  heard(messages: readonly Message[]): void;
  /** Something was not understood, or is lost: then nothing more is heard until `open` is called again. */
  missed(reason: string): void;
}

/** A socket that has joined multicast groups of rtnetlink, opened again after messages were lost on it. */
export class Announcements {
  readonly #groups: readonly number[];
  readonly #receiveBuffer: number;
  readonly #hearer: Hearer;
  #socket: NativeNetlinkSocket | undefined;
  #deaf = false;

  /** @param receiveBuffer bytes */
  constructor(groups: readonly number[], receiveBuffer: number, hearer: Hearer) {
    this.#groups = groups;
    this.#receiveBuffer = receiveBuffer;
    this.#hearer = hearer;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** Messages were lost, and nothing is heard any more. */
  get isDeaf(): boolean {
    return this.#deaf;
  }

  /**
   * Opens a socket, in place of the one there may be.
   * @param keepAlive whether it keeps the process alive
   * @throws NetlinkError NETLINK_SOCKET
   */
  open(keepAlive: boolean): void {
    const socket = openSocket(this.#receiveBuffer, (datagrams, errno) => this.#receive(datagrams, errno));
    for (const group of this.#groups) socket.addMembership(group);
    if (keepAlive) socket.ref();
    this.close();
    this.#socket = socket;
  }

  /** Closes; nothing is heard any more. */
  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#deaf = false;
  }

  /**
   * Has the kernel put a message behind all that it has announced: NLMSG_ERROR with this sequence number. It is asked to
   * acknowledge that it has nothing to do (`netlink_rcv_skb` in net/netlink/af_netlink.c), which takes no lock of its.
   */
  mark(sequence: number): void {
    if (this.#deaf) return;
    const body = new Uint8Array();
    try {
      this.#socket?.send(
        encodeMessage({ type: NLMSG.NOOP, flags: NLM_F.REQUEST | NLM_F.ACK, sequence, portId: 0, body }),
      );
    } catch (error) {
      this.#fail(`a request was not sent: ${(error as Error).message}`);
    }
  }

  #receive(datagrams: Uint8Array[] | null, errno: number): void {
    // What is still queued after a loss is older than the dump to come, and its sequel may be lost.
    if (this.#deaf) return;
    if (datagrams === null) {
      this.#fail(`messages were lost (${errnoName(errno)})`);
      return;
    }
    const messages: Message[] = [];
    let failure: Error | undefined;
    for (const datagram of datagrams) {
      try {
        messages.push(...decodeMessages(datagram));
      } catch (error) {
        failure = error as Error;
      }
    }
    this.#hearer.heard(messages);
    if (failure) this.#hearer.missed(`undecodable message: ${failure.message}`);
  }

  #fail(reason: string): void {
    this.#deaf = true;
    this.#hearer.missed(reason);
  }
}

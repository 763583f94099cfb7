import type { NativeNetlinkSocket } from '../native/netlink-socket.js';
import { NETLINK, NFNL_SUBSYS_NFTABLES, NFNLGRP, NFT_MSG, NFTA_GEN_ID } from './constants.js';
import { NetlinkError } from './errors.js';
import { openSocket, RequestSocket } from './request-socket.js';
import { Attributes, decodeMessages } from './wire.js';

const RECEIVE_BUFFER = 1024 * 1024;

/** Messages that tell of other rules; the contents of sets change all the time. */
const CHANGES: ReadonlySet<number> = new Set(
  [
    NFT_MSG.NEWTABLE,
    NFT_MSG.DELTABLE,
    NFT_MSG.NEWCHAIN,
    NFT_MSG.DELCHAIN,
    NFT_MSG.NEWRULE,
    NFT_MSG.DELRULE,
  ].map((message) => (NFNL_SUBSYS_NFTABLES << 8) | message),
);

/** The number of a ruleset that nobody has ever changed. */
const FIRST_GENERATION = 1;

/** struct nfgenmsg: family, version, resource (linux/netfilter/nfnetlink.h). */
const UNSPECIFIED = Uint8Array.of(0, 0, 0, 0);

/**
 * Says when tables, chains or rules of nf_tables change in the network namespace, also when it may have missed
 * a change; reads none of them. Needs CAP_NET_ADMIN.
 */
export class RulesetMonitor implements Disposable {
  readonly #onChange: () => void;
  #events: NativeNetlinkSocket | undefined;
  #requests: RequestSocket | undefined;
  /** The kernel has no netfilter. */
  #absent = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /**
   * Joins the group, unless that has been done. A kernel without netfilter has nothing to say.
   * @throws NetlinkError NETLINK_SOCKET
   */
  start(): void {
    if (this.#events !== undefined || this.#absent) return;
    try {
      this.#requests = new RequestSocket(RECEIVE_BUFFER, NETLINK.NETFILTER);
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errnoName === 'EPROTONOSUPPORT')) throw error;
      this.#absent = true;
      return;
    }
    this.#listen();
  }

  /**
   * May there be rules? Not as long as nobody has loaded any since the network namespace was made.
   * @throws NetlinkError
   */
  async everChanged(): Promise<boolean> {
    if (this.#absent) return false;
    const generation = await this.#generation();
    return generation !== undefined && generation !== FIRST_GENERATION;
  }

  stop(): void {
    this.#events?.close();
    this.#events = undefined;
    this.#requests?.close();
    this.#requests = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** The running number of the ruleset, undefined where the kernel has no nf_tables. */
  async #generation(): Promise<number | undefined> {
    if (this.#requests === undefined)
      throw new NetlinkError('NETLINK_CLOSED', 'The ruleset monitor is not running');
    const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG.GETGEN;
    try {
      const request = { type, flags: 0, body: UNSPECIFIED };
      const [message] = await this.#requests.request(request, 'ask for the ruleset generation');
      const id = message && new Attributes(message.body.subarray(UNSPECIFIED.length)).bytes(NFTA_GEN_ID);
      return id && Buffer.from(id).readUInt32BE(0);
    } catch (error) {
      // There is no such subsystem (nfnetlink_rcv_msg(), net/netfilter/nfnetlink.c).
      if (error instanceof NetlinkError && error.errnoName === 'EINVAL') return undefined;
      throw error;
    }
  }

  #listen(): void {
    const socket = openSocket(
      RECEIVE_BUFFER,
      (datagrams, errno) => this.#receive(datagrams, errno),
      NETLINK.NETFILTER,
    );
    this.#events = socket;
    try {
      socket.addMembership(NFNLGRP.NFTABLES);
    } catch (cause) {
      this.stop();
      const { message, errno } = cause as Error & { errno?: number };
      throw new NetlinkError('NETLINK_SOCKET', `Cannot follow the rules of netfilter: ${message}`, {
        errno,
        cause,
      });
    }
  }

  #receive(datagrams: Uint8Array[] | null, errno: number): void {
    if (datagrams === null || errno !== 0) {
      this.#onChange();
      return;
    }
    if (datagrams.some((one) => decodeMessages(one).some(({ type }) => CHANGES.has(type)))) {
      this.#onChange();
    }
  }
}

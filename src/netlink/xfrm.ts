import { NETLINK, XFRM_MSG } from './constants.js';
import { NetlinkError } from './errors.js';
import { RequestSocket } from './request-socket.js';
import { tolerating } from './tolerating.js';
import type { Message } from './wire.js';
import {
  DEFAULTS_OPEN,
  decodeDefaults,
  decodePolicy,
  deletePolicyBody,
  formatPolicyId,
  getDefaultsBody,
  putPolicyBody,
  type XfrmDefaults,
  type XfrmPolicy,
  type XfrmPolicyId,
  type XfrmPolicySpec,
} from './xfrm-policy.js';
import {
  decodeState,
  deleteStateBody,
  describeState,
  newStateBody,
  type XfrmState,
  type XfrmStateId,
  type XfrmStateSpec,
} from './xfrm-state.js';

const DEFAULT_RECEIVE_BUFFER = 1024 * 1024;

/**
 * The kernel's IPsec (XFRM) in the network namespace of the process; needs CAP_NET_ADMIN, also to read. Every method
 * rejects with NetlinkError: NETLINK_KERNEL (see `errnoName` and `extack`), NETLINK_CLOSED, NETLINK_SOCKET,
 * NETLINK_OVERRUN or NETLINK_ARGUMENT. A kernel without XFRM has no policies and no states, and takes none:
 * NETLINK_SOCKET with EPROTONOSUPPORT.
 */
export class Xfrm implements Disposable {
  readonly #socket: RequestSocket | NetlinkError;

  private constructor(socket: RequestSocket | NetlinkError) {
    this.#socket = socket;
  }

  /** @throws NetlinkError NETLINK_SOCKET */
  static open(options: { receiveBuffer?: number | undefined } = {}): Xfrm {
    try {
      return new Xfrm(new RequestSocket(options.receiveBuffer ?? DEFAULT_RECEIVE_BUFFER, NETLINK.XFRM));
    } catch (error) {
      if (!isWithoutXfrm(error)) throw error;
      return new Xfrm(error);
    }
  }

  /** Closes; what is pending is rejected with NETLINK_CLOSED. */
  close(): void {
    if (this.#socket instanceof RequestSocket) this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** All policies but those of sockets. */
  async dumpPolicies(): Promise<XfrmPolicy[]> {
    const messages = await this.#dump(XFRM_MSG.GETPOLICY, 'list the policies of IPsec');
    return messages.map(({ body }) => decodePolicy(body)).filter((policy) => policy !== undefined);
  }

  /** What becomes of packets that no policy matches. Kernels before 5.15 accept them. */
  async getDefaults(): Promise<XfrmDefaults> {
    if (!(this.#socket instanceof RequestSocket)) return DEFAULTS_OPEN;
    const request = { type: XFRM_MSG.GETDEFAULT, flags: 0, body: getDefaultsBody() };
    const asking = this.#socket.request(request, 'ask for the default policies of IPsec');
    const [answer] = await tolerating(asking, ['EINVAL'], []);
    return answer === undefined ? DEFAULTS_OPEN : decodeDefaults(answer.body);
  }

  /** Adds a policy, or puts it in the place of that with the same direction, selector, mark and ifId: in one step. */
  async putPolicy(spec: XfrmPolicySpec): Promise<void> {
    const attempted = `put the policy ${formatPolicyId(spec)}`;
    await this.#request(XFRM_MSG.UPDPOLICY, putPolicyBody(spec, attempted), attempted);
  }

  /** Resolves to whether there was one. */
  async deletePolicy(id: XfrmPolicyId): Promise<boolean> {
    const attempted = `delete the policy ${formatPolicyId(id)}`;
    const deleting = this.#request(XFRM_MSG.DELPOLICY, deletePolicyBody(id, attempted), attempted);
    return tolerating(
      deleting.then(() => true),
      ['ENOENT'],
      false,
    );
  }

  async dumpStates(): Promise<XfrmState[]> {
    const messages = await this.#dump(XFRM_MSG.GETSA, 'list the states of IPsec');
    return messages.map(({ body }) => decodeState(body));
  }

  /**
   * Adds a state; one that is there is an error (EEXIST), and so is an algorithm that the kernel does not have
   * (ENOSYS).
   */
  async addState(spec: XfrmStateSpec): Promise<void> {
    const attempted = `add the ${describeState(spec)}`;
    await this.#request(XFRM_MSG.NEWSA, newStateBody(spec, attempted), attempted);
  }

  /** Resolves to whether there was one. */
  async deleteState(id: XfrmStateId): Promise<boolean> {
    const deleting = this.#request(XFRM_MSG.DELSA, deleteStateBody(id), `delete the ${describeState(id)}`);
    return tolerating(
      deleting.then(() => true),
      ['ESRCH'],
      false,
    );
  }

  async #request(type: number, body: Uint8Array, attempted: string): Promise<Message[]> {
    if (!(this.#socket instanceof RequestSocket)) throw this.#socket;
    return this.#socket.request({ type, flags: 0, body }, attempted);
  }

  async #dump(type: number, attempted: string): Promise<Message[]> {
    if (!(this.#socket instanceof RequestSocket)) return [];
    return this.#socket.dump({ type, flags: 0, body: new Uint8Array() }, attempted);
  }
}

/** Whether a socket could not be opened because the kernel has no XFRM. */
export function isWithoutXfrm(error: unknown): error is NetlinkError {
  return error instanceof NetlinkError && error.errnoName === 'EPROTONOSUPPORT';
}

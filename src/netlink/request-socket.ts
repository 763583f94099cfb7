import { addon } from '../native/addon.js';
import type { NativeNetlinkSocket } from '../native/netlink-socket.js';
import { NETLINK, NLM_F, NLMSG } from './constants.js';
import { errnoName, kernelError, NetlinkError } from './errors.js';
import { decodeReply } from './reply.js';
import { decodeMessages, encodeMessage, type Message } from './wire.js';

const DUMP_ATTEMPTS = 20;

/** Opens a netlink socket (of rtnetlink unless told otherwise) whose callback gets datagrams, or an errno when messages were lost. */
export function openSocket(
  receiveBuffer: number,
  onReceive: (datagrams: Uint8Array[] | null, errno: number) => void,
  protocol: number = NETLINK.ROUTE,
): NativeNetlinkSocket {
  try {
    return new (addon().NetlinkSocket)(receiveBuffer, onReceive, protocol);
  } catch (cause) {
    const { message, errno } = cause as Error & { errno?: number };
    throw new NetlinkError('NETLINK_SOCKET', `Cannot open a netlink socket: ${message}`, { errno, cause });
  }
}

interface Exchange {
  attempted: string;
  dump: boolean;
  interrupted: boolean;
  messages: Message[];
  resolve: (exchange: Exchange) => void;
  reject: (error: Error) => void;
}

/** A request of the kernel: a type (such as RTM_*), flags beyond REQUEST and ACK, and the body after the header. */
export interface Request {
  type: number;
  flags: number;
  body: Uint8Array;
}

/** Matches requests with their answers. Idle, it does not keep the process alive. */
export class RequestSocket implements Disposable {
  readonly #socket: NativeNetlinkSocket;
  readonly #exchanges = new Map<number, Exchange>();
  #sequence = 0;
  #lastDump: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @throws NetlinkError NETLINK_SOCKET */
  constructor(receiveBuffer: number, protocol?: number) {
    const onReceive = (datagrams: Uint8Array[] | null, errno: number) => this.#receive(datagrams, errno);
    this.#socket = openSocket(receiveBuffer, onReceive, protocol);
  }

  /**
   * Sends a request and resolves to the messages that came before its acknowledgement.
   * @throws NetlinkError NETLINK_KERNEL with the kernel's reason, NETLINK_CLOSED, NETLINK_SOCKET, NETLINK_OVERRUN
   */
  async request(request: Request, attempted: string): Promise<Message[]> {
    const exchange = await this.#exchange(request, NLM_F.ACK, attempted, false);
    return exchange.messages;
  }

  /**
   * Asks for all objects of a type. Dumps run one at a time and are repeated when the kernel says that the objects
   * changed meanwhile.
   * @throws NetlinkError like `request`, NETLINK_DUMP when the objects never hold still
   */
  dump(request: Request, attempted: string): Promise<Message[]> {
    const result = this.#lastDump.then(() => this.#dumpNow(request, attempted));
    this.#lastDump = result.catch(() => undefined);
    return result;
  }

  /** Closes; what is pending is rejected with NETLINK_CLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#failAll((exchange) => closedError(exchange.attempted));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #dumpNow(request: Request, attempted: string): Promise<Message[]> {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const exchange = await this.#exchange(request, NLM_F.DUMP, attempted, true);
      if (!exchange.interrupted) return exchange.messages;
    }
    throw new NetlinkError(
      'NETLINK_DUMP',
      `Cannot ${attempted}: it changed during each of ${DUMP_ATTEMPTS} tries`,
      {
        attempted,
      },
    );
  }

  #exchange(request: Request, flags: number, attempted: string, dump: boolean): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError(attempted);
      this.#sequence = (this.#sequence % 0xffffffff) + 1;
      const sequence = this.#sequence;
      const bytes = encodeMessage({
        type: request.type,
        flags: request.flags | flags | NLM_F.REQUEST,
        sequence,
        portId: 0,
        body: request.body,
      });
      this.#exchanges.set(sequence, { attempted, dump, interrupted: false, messages: [], resolve, reject });
      this.#socket.ref();
      try {
        this.#socket.send(bytes);
      } catch (cause) {
        this.#take(sequence);
        const reason = (cause as Error).message;
        reject(new NetlinkError('NETLINK_SOCKET', `Cannot ${attempted}: ${reason}`, { attempted, cause }));
      }
    });
  }

  #take(sequence: number): Exchange | undefined {
    const exchange = this.#exchanges.get(sequence);
    this.#exchanges.delete(sequence);
    if (this.#exchanges.size === 0 && !this.#closed) this.#socket.unref();
    return exchange;
  }

  #failAll(makeError: (exchange: Exchange) => Error): void {
    for (const [sequence, exchange] of [...this.#exchanges]) {
      this.#take(sequence);
      exchange.reject(makeError(exchange));
    }
  }

  #receive(datagrams: Uint8Array[] | null, errno: number): void {
    if (datagrams === null) {
      // Answers may be among what was lost, so nobody may go on waiting.
      this.#failAll(
        ({ attempted }) =>
          new NetlinkError('NETLINK_OVERRUN', `Lost the answer to: ${attempted} (${errnoName(errno)})`, {
            errno,
            attempted,
          }),
      );
      return;
    }
    for (const datagram of datagrams) {
      try {
        for (const message of decodeMessages(datagram)) this.#accept(message);
      } catch (error) {
        this.#failAll(() => error as Error);
      }
    }
  }

  #accept(message: Message): void {
    const exchange = this.#exchanges.get(message.sequence);
    if (exchange === undefined) return;
    if ((message.flags & NLM_F.DUMP_INTR) !== 0 && exchange.dump) exchange.interrupted = true;
    if (message.type !== NLMSG.ERROR && message.type !== NLMSG.DONE) {
      exchange.messages.push(message);
      return;
    }
    this.#take(message.sequence);
    const { errno, extack } = decodeReply(message, message.type === NLMSG.DONE ? 'done' : 'error');
    if (errno === 0) exchange.resolve(exchange);
    else exchange.reject(kernelError(errno, extack, exchange.attempted));
  }
}

function closedError(attempted: string): NetlinkError {
  return new NetlinkError('NETLINK_CLOSED', `Cannot ${attempted}: the netlink socket is closed`, {
    attempted,
  });
}

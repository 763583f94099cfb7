import { NETLINK } from './constants.js';
import { NetlinkError } from './errors.js';
import { RequestSocket } from './request-socket.js';
import { Attributes, Reader, Writer } from './wire.js';

const RECEIVE_BUFFER = 256 * 1024;

/** linux/genetlink.h */
const GENL = {
  ID_CTRL: 0x10,
  CTRL_CMD_GETFAMILY: 3,
  CTRL_ATTR_FAMILY_ID: 1,
  CTRL_ATTR_FAMILY_NAME: 2,
} as const;

const HEADER_LENGTH = 4;

/** struct genlmsghdr: command, version, two bytes of nothing. */
const header = (command: number): Writer => new Writer().u8(command).u8(1).u16(0);

/** A family of generic netlink, on a socket of its own. */
export class GenericFamily implements Disposable {
  readonly #socket: RequestSocket;
  readonly #type: number;

  private constructor(socket: RequestSocket, type: number) {
    this.#socket = socket;
    this.#type = type;
  }

  /** @throws NetlinkError ENOENT where the kernel has no such family, NETLINK_SOCKET */
  static async open(name: string, attempted: string): Promise<GenericFamily> {
    const socket = new RequestSocket(RECEIVE_BUFFER, NETLINK.GENERIC);
    try {
      const body = header(GENL.CTRL_CMD_GETFAMILY).attributeString(GENL.CTRL_ATTR_FAMILY_NAME, name);
      const request = { type: GENL.ID_CTRL, flags: 0, body: body.finish() };
      const [reply] = await socket.request(request, attempted);
      const id = reply && attributesOf(reply.body).bytes(GENL.CTRL_ATTR_FAMILY_ID);
      if (id === undefined) {
        throw new NetlinkError('NETLINK_ARGUMENT', `Cannot ${attempted}: the kernel does not number ${name}`);
      }
      return new GenericFamily(socket, new Reader(id).u16(0));
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Sends a command; `write` appends its attributes. Resolves to those of each answer. @throws NetlinkError */
  async request(command: number, write: (body: Writer) => void, attempted: string): Promise<Attributes[]> {
    const body = header(command);
    write(body);
    const request = { type: this.#type, flags: 0, body: body.finish() };
    return (await this.#socket.request(request, attempted)).map((message) => attributesOf(message.body));
  }

  /** Asks for all objects that a command tells of; `write` appends what narrows it down. @throws NetlinkError */
  async dump(command: number, attempted: string, write?: (body: Writer) => void): Promise<Attributes[]> {
    const body = header(command);
    write?.(body);
    const request = { type: this.#type, flags: 0, body: body.finish() };
    return (await this.#socket.dump(request, attempted)).map((message) => attributesOf(message.body));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function attributesOf(body: Uint8Array): Attributes {
  return new Attributes(body.subarray(HEADER_LENGTH));
}

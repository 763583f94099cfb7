/** Two tun devices in two network namespaces, what is sent by one being received by the other. */
import { spawn } from 'node:child_process';
import type { LabNode } from '../../../lab/node.js';
import { type ParsedPacket, parseFrame } from '../../../lab/packet.js';
import { LabProcess, LineReader } from '../../../lab/process.js';

/** Opens both devices, says "ready", then carries packets and prints the small ones. */
const PROGRAM = `
import ctypes, fcntl, os, select, struct, sys
TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET, PRINTED = 0x400454ca, 1, 0x1000, 0x40000000, 400
libc = ctypes.CDLL(None, use_errno=True)
def tun(namespace, name):
    with open('/run/netns/' + namespace) as place:
        if libc.setns(place.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
    device = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))
    return device
ends = [tun(*sys.argv[1:3]), tun(*sys.argv[3:5])]
print('ready', flush=True)
while True:
    for device in select.select(ends, [], [])[0]:
        packet = os.read(device, 65535)
        near = device == ends[0]
        if len(packet) <= PRINTED:
            print('>' if near else '<', packet.hex(), flush=True)
        try:
            os.write(ends[1] if near else ends[0], packet)
        except OSError:
            pass
`;

/** A packet as it stood on the cable. */
export interface CablePacket {
  /** Whether the near end had sent it. */
  outward: boolean;
  bytes: Uint8Array;
  /** Undefined when it does not begin with an IPv6 header. The link header in it is made up. */
  parsed: ParsedPacket | undefined;
}

export interface CableEnd {
  node: LabNode;
  interface: string;
}

/** Ends with its process. */
export class TunCable implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #reader: LineReader;

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#reader = new LineReader(process.child);
  }

  /** Resolves when both devices are there; they have no address and are down. */
  static async lay(near: CableEnd, far: CableEnd): Promise<TunCable> {
    const ends = [near, far].flatMap(({ node, interface: name }) => [node.namespace, name]);
    const cable = new TunCable(new LabProcess(spawn('python3', ['-c', PROGRAM, ...ends])));
    try {
      await cable.#reader.find((line) => (line === 'ready' ? true : undefined), { what: 'the tun devices' });
    } catch (error) {
      await cable[Symbol.asyncDispose]();
      throw new Error(`tun devices: ${cable.#process.stderr.trim()}`, { cause: error });
    }
    return cable;
  }

  /** Where the next packets will be: for `packet`. */
  get position(): number {
    return this.#reader.lines.length;
  }

  /** The first packet from a position on that is the wanted one. */
  async packet(what: string, from: number, wanted: (packet: CablePacket) => boolean): Promise<CablePacket> {
    return this.#reader.find(
      (line) => {
        const packet = readLine(line);
        return packet && wanted(packet) ? packet : undefined;
      },
      { what, from },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }
}

function readLine(line: string): CablePacket | undefined {
  const [arrow, hex] = line.split(' ');
  if (hex === undefined) {
    return undefined;
  }
  const bytes = Buffer.from(hex, 'hex');
  const link = Buffer.concat([new Uint8Array(12), Uint8Array.of(0x86, 0xdd)]);
  return { outward: arrow === '>', bytes, parsed: parseFrame(Buffer.concat([link, bytes])) };
}

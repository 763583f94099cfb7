// Packets as fast as a machine makes them, past the routes and queues of their node.
import type { LabNode } from '../../lab/node.js';
import { type LabProcess, LineReader } from '../../lab/process.js';

// One sendmmsg for up to 64 frames, by way of the C library; PACKET_QDISC_BYPASS (20). Behind its rate it does not try to
// catch up: a burst would show what the queues hold and not what a flood does.
const PROGRAM = `
import ctypes, json, select, socket, sys, time
BATCH, SLACK = 64, 0.01
options = json.loads(sys.stdin.readline())
frames = [bytes.fromhex(sys.stdin.readline()) for _ in range(options['frames'])]

class IoVec(ctypes.Structure):
    _fields_ = [('base', ctypes.c_char_p), ('length', ctypes.c_size_t)]
class Header(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('name_length', ctypes.c_uint32), ('parts', ctypes.POINTER(IoVec)),
                ('part_count', ctypes.c_size_t), ('control', ctypes.c_void_p), ('control_length', ctypes.c_size_t),
                ('flags', ctypes.c_int)]
class Message(ctypes.Structure):
    _fields_ = [('header', Header), ('sent', ctypes.c_uint)]

parts = (IoVec * len(frames))(*[IoVec(frame, len(frame)) for frame in frames])
messages = (Message * len(frames))()
for at in range(len(frames)):
    messages[at].header.parts = ctypes.pointer(parts[at])
    messages[at].header.part_count = 1
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
link.bind((options['interface'], 0))
link.setsockopt(263, 20, 1)
library = ctypes.CDLL(None, use_errno=True)
file, base, size = link.fileno(), ctypes.addressof(messages), ctypes.sizeof(Message)
rate, at, sent, refused = options['rate'], 0, 0, 0
print(json.dumps({'event': 'ready'}), flush=True)
start = due = looked = time.monotonic()
while True:
    now = time.monotonic()
    if now - looked > 0.01:
        looked = now
        if select.select([0], [], [], 0)[0]:
            break
    if now < due:
        time.sleep(due - now)
        continue
    count = min(BATCH, len(frames) - at)
    done = library.sendmmsg(file, ctypes.c_void_p(base + at * size), count, 0)
    if done > 0:
        sent += done
    else:
        refused, done = refused + 1, 1
    at = (at + done) % len(frames)
    due = max(due, now - SLACK) + done / rate
seconds = time.monotonic() - start
print(json.dumps({'event': 'ended', 'sent': sent, 'refused': refused, 'seconds': seconds}), flush=True)
`;

export interface FloodOptions {
  /** Of the node, to whose other end the packets go. */
  readonly interface: string;
  /** MAC there. */
  readonly to: string;
  /** From their IPv6 header on; sent one after the other, again and again. */
  readonly packets: readonly Uint8Array[];
  /** Packets a second. */
  readonly rate: number;
}

export interface FloodReport {
  readonly sent: number;
  /** Sends that the kernel had no room for. */
  readonly refused: number;
  readonly seconds: number;
}

/** A running flood; it ends with its lab. */
export class Flood {
  readonly #process: LabProcess;
  readonly #reader: LineReader;

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#reader = new LineReader(process.child);
  }

  /** Resolves when the first packet leaves. */
  static async start(node: LabNode, { interface: name, to, packets, rate }: FloodOptions): Promise<Flood> {
    const from = (await node.link(name)).mac;
    const link = `${to}${from}86dd`.replaceAll(':', '');
    const started = node.spawn('python3', ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
    const flood = new Flood(started);
    const frames = packets.map((packet) => `${link}${Buffer.from(packet).toString('hex')}\n`).join('');
    const options = { interface: name, rate, frames: packets.length };
    started.child.stdin?.write(`${JSON.stringify(options)}\n${frames}`);
    await flood.#event('ready');
    return flood;
  }

  /** Resolves when the last packet has left. */
  async stop(): Promise<FloodReport> {
    this.#process.child.stdin?.end();
    const report = await this.#event('ended');
    await this.#process.exited;
    return report;
  }

  async #event(event: 'ready' | 'ended'): Promise<FloodReport> {
    try {
      return await this.#reader.find(
        (line) => {
          const { event: said, ...report } = JSON.parse(line) as { event: string } & FloodReport;
          return said === event ? report : undefined;
        },
        { what: `'${event}' from the flood`, timeout: 20_000 },
      );
    } catch (error) {
      throw new Error(`flood: ${this.#process.stderr.trim()}`, { cause: error });
    }
  }
}

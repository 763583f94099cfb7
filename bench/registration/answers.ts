// The answers of the home agent as they arrive at the network behind it, by way of tcpdump.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ownerOf } from './fleet.js';

/** A Binding Acknowledgement. */
export interface Answer {
  readonly router: number;
  readonly bid: number;
  readonly status: number;
  /** When the kernel had it, milliseconds since 1970. */
  readonly at: number;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
/** An IPv6 header and a type 2 routing header are in front of the mobility header. */
const MOBILITY = ETHERNET + 40 + 24;
const DESTINATION = ETHERNET + 24;
const ACKNOWLEDGEMENT = 6;

/** Follows the mobility headers with a routing header that come in by an interface. */
export class Answers {
  readonly #child: ChildProcess;
  #rest = Buffer.alloc(0);
  #begun = false;

  private constructor(child: ChildProcess, onAnswers: (answers: readonly Answer[]) => void) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => onAnswers(this.#take(chunk)));
  }

  /** Resolves when nothing that comes from now on is missed. */
  static async listen(
    interfaceName: string,
    onAnswers: (answers: readonly Answer[]) => void,
  ): Promise<Answers> {
    const filter = 'ip6[6] == 43 and ip6[40] == 135';
    const words = ['-i', interfaceName, '-p', '-n', '-U', '--immediate-mode', '-B', '16384', '-s', '160'];
    const child = spawn('tcpdump', [...words, '-Q', 'in', '-Z', 'root', '-w', '-', filter], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const answers = new Answers(child, onAnswers);
    child.stderr?.setEncoding('utf8');
    let said = '';
    while (!said.includes('listening on')) {
      const [text] = (await once(child.stderr as NodeJS.ReadableStream, 'data')) as [string];
      said += text;
    }
    return answers;
  }

  close(): void {
    this.#child.kill('SIGTERM');
  }

  #take(chunk: Buffer): Answer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    if (!this.#begun && bytes.length >= FILE_HEADER) {
      this.#begun = true;
      at = FILE_HEADER;
    }
    const answers: Answer[] = [];
    while (this.#begun && bytes.length - at >= RECORD_HEADER) {
      const length = bytes.readUInt32LE(at + 8);
      if (bytes.length - at < RECORD_HEADER + length) break;
      const time = bytes.readUInt32LE(at) * 1000 + bytes.readUInt32LE(at + 4) / 1000;
      const packet = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
      if (packet[MOBILITY + 2] === ACKNOWLEDGEMENT) {
        answers.push({ ...ownerOf(packet, DESTINATION), status: packet[MOBILITY + 6] ?? 255, at: time });
      }
      at += RECORD_HEADER + length;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return answers;
  }
}

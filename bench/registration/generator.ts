// Runs in the network namespace in front of the home agent: sends one Binding Update for each mobile router, or for each
// of its bindings, waits for the answers and prints what it saw as one JSON value.
//
//   generator.js TASK   a GeneratorTask in JSON
import { setTimeout as delay } from 'node:timers/promises';
import { PacketSocket } from '../../src/signalling/index.js';
import { type Answer, Answers } from './answers.js';
import { updatePacket } from './fleet.js';

export interface GeneratorTask {
  readonly interface: string;
  readonly routers: number;
  /** The bindings of each message of a router. */
  readonly groups: readonly (readonly number[])[];
  readonly move: number;
  /** Of the first message of a router. */
  readonly sequence: number;
  /** So many messages are not answered yet at any time. */
  readonly window: number;
  /** Messages a second; null: as many as the window lets through. */
  readonly rate: number | null;
}

export interface GeneratorResult {
  /** Messages. */
  readonly sent: number;
  readonly accepted: number;
  /** By status, of those that were refused. */
  readonly refused: Readonly<Record<string, number>>;
  readonly unanswered: number;
  /** From the first message to the last answer of each part, added up. */
  readonly seconds: number;
  /** Milliseconds from message to answer. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Made and sent together: a timestamp is good for seven seconds. */
const PART = 1_000;
/** Nothing comes any more after so long, milliseconds. */
const PATIENCE = 20_000;
const MILLISECOND = 1_000_000n;

const clock = (): number => performance.timeOrigin + performance.now();

class Generator {
  readonly #task: GeneratorTask;
  readonly #socket = new PacketSocket();
  readonly #sentAt = new Map<string, number>();
  readonly #times: number[] = [];
  readonly #refused: Record<string, number> = {};
  #lastAnswer = 0;
  #wake: () => void = () => undefined;

  constructor(task: GeneratorTask) {
    this.#task = task;
  }

  async run(): Promise<GeneratorResult> {
    const task = this.#task;
    const answers = await Answers.listen(task.interface, (some) => this.#take(some));
    const messages = task.groups.flatMap((bids, at) =>
      Array.from({ length: task.routers }, (_, router) => ({ router, bids, sequence: task.sequence + at })),
    );
    let seconds = 0;
    let sent = 0;
    let unanswered = 0;
    for (let from = 0; from < messages.length; from += PART) {
      const part = messages.slice(from, from + PART);
      const begin = BigInt(Date.now()) * MILLISECOND;
      const gap = task.rate === null ? 0n : BigInt(Math.round(1e9 / task.rate));
      const packets = part.map((content, at) =>
        updatePacket({ ...content, move: task.move, at: begin + BigInt(at) * gap + BigInt(at) }),
      );
      const began = clock();
      await this.#send(
        packets,
        part.map(({ router, bids }) => `${router}/${bids[0]}`),
      );
      unanswered += this.#sentAt.size;
      this.#sentAt.clear();
      sent += packets.length;
      seconds += (Math.max(began, this.#lastAnswer) - began) / 1000;
    }
    answers.close();
    this.#socket.close();
    const refused = Object.values(this.#refused).reduce((sum, count) => sum + count, 0);
    const sorted = Float64Array.from(this.#times).sort();
    const part = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? -1;
    return {
      ...{ sent, accepted: sorted.length - refused, refused: this.#refused, unanswered, seconds },
      ...{ p50: part(0.5), p99: part(0.99), most: part(1) },
    };
  }

  /** Resolves when all were answered, or nothing comes any more. */
  async #send(packets: readonly Uint8Array[], names: readonly string[]): Promise<void> {
    const { rate, window } = this.#task;
    const began = performance.now();
    let next = 0;
    while (next < packets.length || this.#sentAt.size > 0) {
      const due =
        rate === null ? packets.length : Math.floor(((performance.now() - began) / 1000) * rate) + 1;
      while (next < Math.min(due, packets.length) && this.#sentAt.size < window) {
        this.#sentAt.set(names[next] as string, clock());
        const refused = this.#socket.send(packets[next] as Uint8Array);
        if (refused !== undefined) throw new Error(`the kernel does not send a Binding Update: ${refused}`);
        next++;
      }
      const waits = rate === null || next === packets.length ? PATIENCE : 1;
      const before = this.#times.length;
      await this.#nextAnswer(waits);
      if (waits === PATIENCE && this.#times.length === before) return;
    }
  }

  async #nextAnswer(milliseconds: number): Promise<void> {
    const timeout = new AbortController();
    const answer = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([
      answer,
      delay(milliseconds, undefined, { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
  }

  #take(answers: readonly Answer[]): void {
    for (const { router, bid, status, at } of answers) {
      const name = `${router}/${bid}`;
      const sentAt = this.#sentAt.get(name);
      if (sentAt === undefined) continue;
      this.#sentAt.delete(name);
      this.#times.push(at - sentAt);
      this.#lastAnswer = Math.max(this.#lastAnswer, at);
      if (status !== 0) this.#refused[status] = (this.#refused[status] ?? 0) + 1;
    }
    this.#wake();
  }
}

const task = JSON.parse(process.argv[2] ?? '') as GeneratorTask;
process.stdout.write(`${JSON.stringify(await new Generator(task).run())}\n`);

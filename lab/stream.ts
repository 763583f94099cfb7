// UDP streams through the lab: starts the traffic program on a node and reads what it says.
import { fileURLToPath } from 'node:url';
import type { LabNode } from './node.js';
import { type LabProcess, LineReader } from './process.js';
import type { SendOptions, SentReport, SinkReport } from './traffic.js';
import { until } from './wait.js';

const PROGRAM = fileURLToPath(new URL('traffic.js', import.meta.url));

/** One traffic program, spoken to line by line. */
class TrafficProgram {
  readonly #process: LabProcess;
  readonly #reader: LineReader;

  constructor(node: LabNode, args: readonly string[]) {
    this.#process = node.spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#reader = new LineReader(this.#process.child);
  }

  async event<T>(event: string, options: { from?: number; timeout?: number } = {}): Promise<T> {
    try {
      return await this.#reader.find(
        (line) => {
          const said = JSON.parse(line) as { event: string };
          return said.event === event ? (said as T) : undefined;
        },
        { what: `'${event}' from the traffic program`, ...options },
      );
    } catch (error) {
      const said = this.#process.stderr.trim();
      throw said === '' ? error : new Error(`traffic program: ${said}`, { cause: error });
    }
  }

  get ended(): boolean {
    return this.#process.exit !== undefined;
  }

  async report(port = 0): Promise<SinkReport> {
    return this.ask<SinkReport>(`report ${port}`, 'report');
  }

  /** A command and its answer. */
  async ask<T>(command: string, event: string, timeout?: number): Promise<T> {
    const from = this.#reader.lines.length;
    this.tell(command);
    return this.event<T>(event, { from, ...(timeout === undefined ? {} : { timeout }) });
  }

  tell(command: string): void {
    this.#process.child.stdin?.write(`${command}\n`);
  }

  async end(): Promise<void> {
    this.#process.child.stdin?.end();
    await this.#process.end();
  }
}

export interface SinkOptions {
  readonly ports: readonly [number, ...number[]];
  readonly address?: string;
  /** Send every datagram back to where it came from. */
  readonly echo?: boolean;
}

/** A listening sink; every port keeps a score of its own. */
export class Sink {
  readonly #program: TrafficProgram;
  readonly #port: number;

  private constructor(program: TrafficProgram, port: number) {
    this.#program = program;
    this.#port = port;
  }

  /** Resolves when it listens. */
  static async start(node: LabNode, options: SinkOptions): Promise<Sink> {
    const args = ['sink', '--bind', options.address ?? '::', '--port', options.ports.join(',')];
    const program = new TrafficProgram(node, options.echo === true ? [...args, '--echo'] : args);
    await program.event('ready');
    return new Sink(program, options.ports[0]);
  }

  /** What has come to one of its ports, the first when none is named. */
  async report(port = this.#port): Promise<SinkReport> {
    return this.#program.report(port);
  }

  /** Waits until one of its ports, the first when none is named, has seen `count` datagrams. @throws WaitTimeoutError */
  async received(count: number, port = this.#port, timeout = 5_000): Promise<SinkReport> {
    return until(
      async () => {
        const report = await this.report(port);
        return report.received >= count ? report : undefined;
      },
      { what: `${count} datagrams at port ${port}`, timeout },
    );
  }

  /** Which of `sent` datagrams have not come to one of its ports: ranges of numbers with both ends. */
  async missing(sent: number, port = this.#port): Promise<readonly (readonly [number, number])[]> {
    const { ranges } = await this.#program.ask<{ ranges: [number, number][] }>(
      `missing ${port} ${sent}`,
      'missing',
    );
    return ranges;
  }

  async end(): Promise<void> {
    await this.#program.end();
  }
}

/** Milliseconds in which a stream of a known length is out. */
const SENDING = 20_000;

/** The process of a node that sends short streams, one after the other; it ends with the node's other processes. */
class Sender {
  static readonly #senders = new WeakMap<LabNode, Sender>();
  readonly #program: TrafficProgram;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(node: LabNode) {
    this.#program = new TrafficProgram(node, ['sender']);
  }

  static of(node: LabNode): Sender {
    const running = Sender.#senders.get(node);
    if (running !== undefined && !running.#program.ended) return running;
    const started = new Sender(node);
    Sender.#senders.set(node, started);
    return started;
  }

  async send(options: SendOptions): Promise<SentReport> {
    const answer = this.#last.then(() =>
      this.#program.ask<SentReport>(JSON.stringify(options), 'sent', SENDING),
    );
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}

export interface StreamOptions {
  readonly to: string;
  readonly port: number;
  /** Source address; the kernel's choice when left out. */
  readonly source?: string;
  readonly sourcePort?: number;
  /** Datagrams a second, 1000 when left out. */
  readonly rate?: number;
  /** Datagrams altogether; until `stop` when left out. */
  readonly count?: number;
  /** Bytes of UDP payload, 64 when left out, 12 at least. */
  readonly size?: number;
}

/** A running sender. */
export class Stream {
  readonly sourcePort: number;
  readonly #program: TrafficProgram;

  private constructor(program: TrafficProgram, sourcePort: number) {
    this.#program = program;
    this.sourcePort = sourcePort;
  }

  /** Resolves when its socket is bound; the first datagram leaves at that moment. */
  static async start(node: LabNode, options: StreamOptions): Promise<Stream> {
    const args = ['send', '--to', options.to, '--port', String(options.port)];
    const optional = {
      source: options.source,
      'source-port': options.sourcePort,
      rate: options.rate,
      count: options.count,
      size: options.size,
    };
    for (const [name, value] of Object.entries(optional)) {
      if (value !== undefined) args.push(`--${name}`, String(value));
    }
    const program = new TrafficProgram(node, args);
    const ready = await program.event<{ sourcePort: number }>('ready');
    return new Stream(program, ready.sourcePort);
  }

  /** Sends `options.count` datagrams and resolves when they are out. */
  static async send(node: LabNode, options: StreamOptions & { count: number }): Promise<SentReport> {
    const defaults = { source: '::', sourcePort: 0, rate: 1000, size: 64 };
    return Sender.of(node).send({ ...defaults, ...options });
  }

  /** How many datagrams have left so far. */
  async progress(): Promise<number> {
    return (await this.#program.ask<{ sent: number }>('progress', 'progress')).sent;
  }

  /** Stops sending. */
  async stop(): Promise<SentReport> {
    this.#program.tell('stop');
    return this.sent();
  }

  /** Resolves when the last datagram is out. */
  async sent(timeout = SENDING): Promise<SentReport> {
    return this.#program.event<SentReport>('sent', { timeout });
  }

  /** What an echoing sink sent back. */
  async echoes(): Promise<SinkReport> {
    return this.#program.report();
  }

  async end(): Promise<void> {
    await this.#program.end();
  }
}

// The traffic program that runs inside the lab's namespaces: numbered UDP datagrams at a constant rate,
// and the sink that says what became of them. One JSON line per event on standard output.
//
//   traffic.js send --to ADDR --port P --source ADDR [--source-port P] [--rate PPS] [--count N] [--size B]
//              until --count datagrams are out or a line "stop" comes: {"event":"sent",...}
//              a line "progress" is answered: {"event":"progress","sent":N}
//   traffic.js sender
//              each line of JSON, a SendOptions, is a stream that is sent to its end: {"event":"sent",...}
//   traffic.js sink --bind ADDR --port P[,P...] [--echo]
//              each line "report P" on standard input is answered: {"event":"report",...}, and each line
//              "missing P N" by the numbers below N that have not come: {"event":"missing","ranges":[[A,B],...]}
import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** Sequence number (u32) and send time (CLOCK_REALTIME in nanoseconds, u64), network order. */
export const STREAM_HEADER = 12;

/** Bytes a sink can leave unread for a while without loss. */
const RECEIVE_BUFFER = 4 << 20;

/** What the sender says at its end. */
export interface SentReport {
  readonly sent: number;
  /** Datagrams the kernel refused: counted in `sent`, never on the wire. */
  readonly refused: number;
}

/** What a sink has seen so far. */
export interface SinkReport {
  readonly received: number;
  /** Numbers between the first and the last that never came. */
  readonly lost: number;
  readonly duplicates: number;
  /** Datagrams that came after one with a higher number. */
  readonly reordered: number;
  /** Longest time between two datagrams, milliseconds. */
  readonly largestGapMs: number;
  /** Number of the first datagram after that gap. */
  readonly gapBefore: number;
  readonly first: number;
  readonly last: number;
}

/** Keeps score of one stream. */
export class StreamScore {
  #seen = new Set<number>();
  #duplicates = 0;
  #reordered = 0;
  #first = -1;
  #last = -1;
  #lastTime = 0;
  #gap = 0;
  #gapBefore = -1;

  /** @param time milliseconds, of any clock that does not jump */
  arrived(sequence: number, time: number): void {
    if (this.#seen.has(sequence)) {
      this.#duplicates++;
      return;
    }
    if (this.#seen.size > 0 && time - this.#lastTime > this.#gap) {
      this.#gap = time - this.#lastTime;
      this.#gapBefore = sequence;
    }
    this.#lastTime = time;
    if (sequence < this.#last) this.#reordered++;
    this.#first = this.#first < 0 ? sequence : Math.min(this.#first, sequence);
    this.#last = Math.max(this.#last, sequence);
    this.#seen.add(sequence);
  }

  /** Numbers below `sent` that never came, as ranges that include their ends. */
  missing(sent: number): [number, number][] {
    const ranges: [number, number][] = [];
    for (let sequence = 0; sequence < sent; sequence++) {
      if (this.#seen.has(sequence)) continue;
      const last = ranges.at(-1);
      if (last?.[1] === sequence - 1) last[1] = sequence;
      else ranges.push([sequence, sequence]);
    }
    return ranges;
  }

  report(): SinkReport {
    const span = this.#first < 0 ? 0 : this.#last - this.#first + 1;
    return {
      received: this.#seen.size,
      lost: span - this.#seen.size,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      largestGapMs: Math.round(this.#gap * 1000) / 1000,
      gapBefore: this.#gapBefore,
      first: this.#first,
      last: this.#last,
    };
  }
}

function say(event: string, more: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

async function open(address: string, port: number, receiveBuffer?: number): Promise<Socket> {
  const socket = createSocket({
    type: 'udp6',
    ...(receiveBuffer === undefined ? {} : { recvBufferSize: receiveBuffer }),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port }, () => resolve());
  });
  // Unreachable messages come back as errors: the stream goes on, the count tells.
  socket.removeAllListeners('error').on('error', () => undefined);
  return socket;
}

/** A datagram of a stream. */
function datagram(sequence: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.max(size, STREAM_HEADER));
  bytes.writeUInt32BE(sequence, 0);
  bytes.writeBigUInt64BE(BigInt(Date.now()) * 1_000_000n, 4);
  return bytes;
}

/** One stream, as `sender` reads it. */
export interface SendOptions {
  readonly to: string;
  readonly port: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly rate: number;
  readonly count: number;
  readonly size: number;
}

async function send(options: SendOptions): Promise<void> {
  const socket = await open(options.source, options.sourcePort);
  const back = new StreamScore();
  socket.on('message', (bytes) => {
    if (bytes.length >= STREAM_HEADER) back.arrived(bytes.readUInt32BE(0), performance.now());
  });
  let sent = 0;
  let refused = 0;
  let stopped = false;
  const start = performance.now();
  const commands = createInterface({ input: process.stdin });
  commands.on('line', (line) => {
    if (line.startsWith('report')) say('report', back.report());
    if (line === 'progress') say('progress', { sent });
    if (line === 'stop') stopped = true;
  });
  commands.on('close', () => process.exit(0));
  say('ready', { sourcePort: socket.address().port });
  const one = (): void => {
    socket.send(datagram(sent++, options.size), options.port, options.to, (error) => {
      if (error !== null) refused++;
    });
  };
  const tick = (): void => {
    const due = Math.min(Math.floor(((performance.now() - start) * options.rate) / 1000) + 1, options.count);
    while (!stopped && sent < due) one();
    if (stopped || sent >= options.count) {
      clearInterval(timer);
      // The callbacks of the last datagrams come first.
      setImmediate(() => say('sent', { sent, refused }));
    }
  };
  const timer = setInterval(tick, 1);
  tick();
}

async function sink(options: { bind: string; ports: number[]; echo: boolean }): Promise<void> {
  const scores = new Map<number, StreamScore>();
  for (const port of options.ports) {
    const socket = await open(options.bind, port, RECEIVE_BUFFER);
    const score = new StreamScore();
    scores.set(port, score);
    socket.on('message', (bytes, from) => {
      if (bytes.length < STREAM_HEADER) return;
      score.arrived(bytes.readUInt32BE(0), performance.now());
      if (options.echo) socket.send(bytes, from.port, from.address);
    });
  }
  const commands = createInterface({ input: process.stdin });
  commands.on('line', (line) => {
    const [command, port, sent] = line.split(' ');
    if (command === 'missing') say('missing', { ranges: scores.get(Number(port))?.missing(Number(sent)) });
    if (command === 'report') say('report', scores.get(Number(port))?.report());
  });
  commands.on('close', () => process.exit(0));
  say('ready');
}

/** One short stream after the other, each from a socket of its own; the process is started once for all of them. */
async function sender(): Promise<void> {
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    const { to, port, source, sourcePort, rate, count, size } = JSON.parse(line) as SendOptions;
    const socket = await open(source, sourcePort);
    const start = performance.now();
    let refused = 0;
    for (let sent = 0; sent < count; sent++) {
      const early = (sent * 1000) / rate - (performance.now() - start);
      if (early > 0) await delay(early);
      await new Promise<void>((resolve) => {
        socket.send(datagram(sent, size), port, to, (error) => {
          if (error !== null) refused++;
          resolve();
        });
      });
    }
    socket.close();
    say('sent', { sent: count, refused });
  }
}

const usage = 'usage: traffic.js send|sender|sink (see the top of lab/traffic.ts)';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      to: { type: 'string', default: '::1' },
      source: { type: 'string', default: '::' },
      'source-port': { type: 'string', default: '0' },
      bind: { type: 'string', default: '::' },
      port: { type: 'string', default: '5001' },
      rate: { type: 'string', default: '1000' },
      count: { type: 'string', default: 'Infinity' },
      size: { type: 'string', default: '64' },
      echo: { type: 'boolean', default: false },
    },
  });
  if (positionals[0] === 'send') {
    await send({
      to: values.to,
      port: Number(values.port),
      source: values.source,
      sourcePort: Number(values['source-port']),
      rate: Number(values.rate),
      count: Number(values.count),
      size: Number(values.size),
    });
  } else if (positionals[0] === 'sender') {
    await sender();
  } else if (positionals[0] === 'sink') {
    await sink({ bind: values.bind, ports: values.port.split(',').map(Number), echo: values.echo });
  } else {
    console.error(usage);
    process.exitCode = 2;
  }
}

if (import.meta.filename === process.argv[1]) await main();

// Datagrams through the tunnels that one policy steers in both directions.
import type { CapturedPacket } from '../../../lab/capture.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { PATIENCE, type Site, toPort } from '../../support/site.js';

/** One flow in each direction that policies treat the same. */
export class Flow {
  readonly port: number;
  readonly #streams: readonly [Stream, Stream];
  readonly #sinks: readonly [Sink, Sink];

  private constructor(port: number, streams: readonly [Stream, Stream], sinks: readonly [Sink, Sink]) {
    this.port = port;
    this.#streams = streams;
    this.#sinks = sinks;
  }

  /** @param rate datagrams a second in each direction */
  static async start(site: Site, port: number, rate = 500): Promise<Flow> {
    const down = port + 1000;
    const sinks = await Promise.all([
      Sink.start(site.node('cn'), { ports: [port] }),
      Sink.start(site.node('lan'), { ports: [down] }),
    ]);
    const streams = await Promise.all([
      Stream.start(site.node('lan'), { to: addresses.correspondent, port, rate }),
      Stream.start(site.node('cn'), { to: addresses.lan, port: down, sourcePort: port + 10, rate }),
    ]);
    const flow = new Flow(port, streams, sinks);
    await flow.more();
    return flow;
  }

  async more(count = 100): Promise<void> {
    await Promise.all(
      this.#sinks.map(async (sink) => {
        const { received } = await sink.report();
        await sink.received(received + count, undefined, PATIENCE);
      }),
    );
  }

  /** Stops; how many were lost upwards and downwards. */
  async lost(): Promise<number[]> {
    const ends = await this.end();
    return ends.map(({ lost }) => lost);
  }

  /** Stops; what came of it upwards and downwards. */
  async end(): Promise<readonly { sent: number; lost: number }[]> {
    const ends = [];
    for (const [at, stream] of this.#streams.entries()) {
      const { sent } = await stream.stop();
      const sink = this.#sinks[at] as Sink;
      const { received } = await sink.received(sent, undefined, 3_000).catch(() => sink.report());
      ends.push({ sent, lost: sent - received });
      await stream.end();
      await sink.end();
    }
    return ends;
  }

  /** Its packets, upwards and downwards. */
  get packets(): { up: (packet: CapturedPacket) => boolean; down: (packet: CapturedPacket) => boolean } {
    return { up: toPort(this.port), down: toPort(this.port + 1000) };
  }
}

// Packets captured live on one interface of the lab: where every verdict comes from.
import type { LabNode } from './node.js';
import { type ParsedPacket, parseFrame } from './packet.js';
import { PcapStream } from './pcap.js';
import type { LabProcess } from './process.js';
import { Changes, until } from './wait.js';

export interface CapturedPacket extends ParsedPacket {
  /** CLOCK_REALTIME, nanoseconds. */
  readonly time: bigint;
  readonly interface: string;
  /** Bytes on the wire, link header included; an offloaded packet counts as one. */
  readonly length: number;
}

export type PacketFilter = (packet: CapturedPacket) => boolean;

export interface CaptureOptions {
  /** tcpdump expression; `ip6` when left out. */
  readonly filter?: string;
  /** Only what comes in or goes out; both when left out. */
  readonly direction?: 'in' | 'out';
  /** Bytes kept of each packet, 256 when left out. */
  readonly snapLength?: number;
  /** Stop after that many packets. */
  readonly count?: number;
}

export interface CaptureSummary {
  readonly captured: number;
  /** Packets that the kernel or tcpdump lost: with any, no verdict on absence can be trusted. */
  readonly dropped: number;
}

/** A verdict was asked of a capture that had lost packets. */
export class CaptureLossError extends Error {
  readonly code = 'CAPTURE_LOSS';
}

const BUFFER_KIB = 8192;

/** A running tcpdump whose packets are parsed as they arrive. */
export class Capture {
  readonly node: LabNode;
  readonly interface: string;
  readonly #process: LabProcess;
  readonly #packets: CapturedPacket[] = [];
  readonly #changes = new Changes();
  #records = 0;
  #broken: Error | undefined;

  private constructor(node: LabNode, name: string, process: LabProcess) {
    this.node = node;
    this.interface = name;
    this.#process = process;
    const stream = new PcapStream();
    process.child.stdout?.on('data', (chunk: Buffer) => this.#take(stream, chunk));
  }

  /** Starts a capture and resolves when the kernel really hands it packets. */
  static async start(node: LabNode, name: string, options: CaptureOptions = {}): Promise<Capture> {
    const started = node.spawn(
      'tcpdump',
      [
        ...['-i', name, '-p', '-U', '--immediate-mode', '-w', '-', '-n', '-j', 'host', '-Z', 'root'],
        ...[
          '--time-stamp-precision',
          'nano',
          '-s',
          String(options.snapLength ?? 256),
          '-B',
          String(BUFFER_KIB),
        ],
        ...(options.direction === undefined ? [] : ['-Q', options.direction]),
        ...(options.count === undefined ? [] : ['-c', String(options.count)]),
        options.filter ?? 'ip6',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const capture = new Capture(node, name, started);
    // tcpdump says so only after the socket is bound, filtered and mapped.
    await started.stderrMatch(/listening on/);
    return capture;
  }

  #take(stream: PcapStream, chunk: Buffer): void {
    try {
      for (const record of stream.push(chunk)) {
        this.#records++;
        const parsed = parseFrame(record.bytes);
        if (parsed === undefined) continue;
        this.#packets.push({
          ...parsed,
          time: record.time,
          interface: this.interface,
          length: record.length,
        });
      }
    } catch (error) {
      this.#broken = error instanceof Error ? error : new Error(String(error));
    }
    this.#changes.notify();
  }

  /** Position in the capture: hand it back as `from` to look only at what comes after. */
  get position(): number {
    return this.#packets.length;
  }

  /** The packets so far that `filter` accepts, oldest first. */
  packets(filter: PacketFilter = () => true, from = 0): CapturedPacket[] {
    return this.#packets.slice(from).filter(filter);
  }

  /**
   * The first packet from position `from` on that `filter` accepts, now or as soon as it comes.
   * @throws WaitTimeoutError
   */
  async waitFor(
    filter: PacketFilter,
    options: { timeout?: number; from?: number; what?: string } = {},
  ): Promise<CapturedPacket> {
    let next = options.from ?? 0;
    return this.#changes.wait(
      () => {
        if (this.#broken !== undefined) throw this.#broken;
        while (next < this.#packets.length) {
          const packet = this.#packets[next++];
          if (packet !== undefined && filter(packet)) return packet;
        }
        return undefined;
      },
      {
        what: `${options.what ?? 'a packet'} at ${this.node.name} ${this.interface}`,
        timeout: options.timeout ?? 3_000,
      },
    );
  }

  /**
   * Resolves when every packet that passed the interface before the call has been parsed.
   * @throws CaptureLossError when the kernel could not hand over all of them
   */
  async flush(): Promise<void> {
    const { received, dropped } = await this.#statistics();
    if (dropped > 0) throw this.#loss(dropped);
    await until(() => this.#records >= received, {
      what: `${received} packets from tcpdump at ${this.node.name} ${this.interface}`,
    });
  }

  /** Ends the capture; every packet is parsed when this resolves. */
  async stop(): Promise<CaptureSummary> {
    await this.#process.end('SIGINT');
    const dropped = [...this.#process.stderr.matchAll(/(\d+) packets? dropped by (?:kernel|interface)/g)].at(
      -1,
    );
    if (this.#broken !== undefined) throw this.#broken;
    return { captured: this.#records, dropped: Number(dropped?.[1] ?? 0) };
  }

  /** Ends the capture and insists that it saw everything. @throws CaptureLossError */
  async stopComplete(): Promise<CaptureSummary> {
    const summary = await this.stop();
    if (summary.dropped > 0) throw this.#loss(summary.dropped);
    return summary;
  }

  #loss(dropped: number): CaptureLossError {
    return new CaptureLossError(
      `the capture at ${this.node.name} ${this.interface} lost ${dropped} packets; lower the rate or narrow its filter`,
    );
  }

  /** tcpdump writes its counters to standard error on SIGUSR1. */
  async #statistics(): Promise<{ received: number; dropped: number }> {
    const from = this.#process.stderr.length;
    this.#process.kill('SIGUSR1');
    const match = await this.#process.stderrMatch(
      /(\d+) packets? received by filter, (\d+) packets? dropped by kernel/,
      { from },
    );
    return { received: Number(match[1]), dropped: Number(match[2]) };
  }
}

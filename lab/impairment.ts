// Mobility signalling that gets lost, doubled, overtaken and late, by a seed: not every kernel has netem, and netem
// does not tell what becomes of the n-th packet.
//
//                                        core
//               nft, prerouting: mobility header?
//   ra0, rb0 ---------+---------- no ---------------------------------- routed ----- ha0
//                     |                                                   |
//                     +-- yes: dup, drop --> impair-to-ha --> program --> impair-to-ha
//
// and the same from ha0 by impair-from-ha. A chain at prerouting finds packets whose upper-layer protocol is the
// mobility header (135; the kernel follows extension headers, so also behind destination options and routing headers)
// and that would leave for the other side. It gives a copy to a tun device, one for each direction, and drops the
// packet. The program (impairment-program.ts) reads copies from the tun device, decides, and writes what is to go on
// back into the same device: core routes that as it routes everything. Such a packet has one hop more behind it, so its
// hop limit is lower by one. What has no mobility header of its own stays on the kernel's path: tunnels are not looked
// into. What is for core itself does, too. Each fragment of a mobility message is a packet.
//
// The fate of a packet depends on the seed, the direction and its number in it: each takes three choices of its
// direction's generator (lost? doubled? held?) whatever comes of them. What is held goes when the next packet has
// passed, or after `holdMs`; of a packet that is both doubled and held one copy goes at once. Memory is bounded: packets
// that wait by IMPAIRMENT_WAITING_MOST, those that the program has not read yet by the device, which drops the rest.
//
// Everything belongs to the program: the devices, their routes, and the table, which has an owner. However it ends, the
// kernel takes them away and core forwards as before.
import { PROGRAM, WAITING_MOST } from './impairment-program.js';
import type { LabNode } from './node.js';
import { patient } from './patience.js';
import { type LabProcess, LineReader } from './process.js';

export interface ImpairmentOptions {
  /** What is impaired; there is nothing else to choose, the word is for those who read the call. */
  readonly only: 'mobility';
  /** From 0 to 2^32 - 1. */
  readonly seed: number;
  /** Part of the packets that get lost, from 0 to 1 in steps of 0.001; 0 when left out. */
  readonly loss?: number;
  /** Part of the packets that go twice. */
  readonly duplicate?: number;
  /** Part of the packets that are held until the next one has passed. */
  readonly reorder?: number;
  /** Milliseconds that every packet waits, 0 when left out; the order stays. */
  readonly delayMs?: number;
  /** Milliseconds that a packet is held at most, 100 when left out; longer where TEST_PATIENCE says so. */
  readonly holdMs?: number;
  /** Interfaces of the node towards access networks; those of `core` when left out. */
  readonly access?: readonly string[];
  /** Interface of the node towards the home agent; that of `core` when left out. */
  readonly homeAgent?: string;
}

/**
 * What became of the packets of one direction. `seen + duplicated` is always
 * `lost + passed + waiting + overflowed + refused`.
 */
export interface DirectionReport {
  readonly seen: number;
  readonly duplicated: number;
  readonly lost: number;
  /** Went on, a doubled packet twice. */
  readonly passed: number;
  /** Passed after one that had come later. */
  readonly reordered: number;
  /** Were held and passed without having been overtaken. */
  readonly heldInVain: number;
  /** Are delayed or held now; a doubled one that is delayed counts once, and as doubled when it goes. */
  readonly waiting: number;
  /** Dropped because IMPAIRMENT_WAITING_MOST were delayed already. */
  readonly overflowed: number;
  /** Refused by the kernel when they should have gone on. */
  readonly refused: number;
}

export interface ImpairmentReport {
  readonly toHomeAgent: DirectionReport;
  readonly fromHomeAgent: DirectionReport;
}

/** The most packets of a direction that are delayed at a time, and the most that are held; more are not held. */
export const IMPAIRMENT_WAITING_MOST = WAITING_MOST;

/** An impairment could not be started, or ended by itself. */
export class ImpairmentError extends Error {
  readonly code = 'IMPAIRMENT_FAILED';
}

const LONGEST_MS = 600_000;

/** A running impairment of a node. One at a time: both devices have fixed names. */
export class Impairment implements AsyncDisposable {
  readonly #process: LabProcess;
  readonly #reader: LineReader;
  #ended: Promise<ImpairmentReport> | undefined;

  private constructor(process: LabProcess) {
    this.#process = process;
    this.#reader = new LineReader(process.child);
  }

  /** Resolves when every mobility packet through the node has its fate decided. @throws ImpairmentError */
  static async start(node: LabNode, options: ImpairmentOptions): Promise<Impairment> {
    const words = JSON.stringify(checked(options));
    const started = node.spawn('python3', ['-c', PROGRAM, words], { stdio: ['pipe', 'pipe', 'pipe'] });
    const impairment = new Impairment(started);
    try {
      await impairment.#event('ready');
    } catch (error) {
      await impairment[Symbol.asyncDispose]();
      throw error;
    }
    return impairment;
  }

  /** Of the program; -1 when it could not be started. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What was done so far. @throws ImpairmentError when the program has ended */
  async report(): Promise<ImpairmentReport> {
    const from = this.#reader.lines.length;
    this.#process.child.stdin?.write('report\n');
    return this.#event('report', from);
  }

  /**
   * Lets the node forward as before, then lets go of what waits. Resolves with the last report when nothing is
   * left in the namespace; may be called again. @throws ImpairmentError when the program had ended by itself
   */
  async stop(): Promise<ImpairmentReport> {
    this.#ended ??= this.#stop();
    return this.#ended;
  }

  async #stop(): Promise<ImpairmentReport> {
    this.#process.child.stdin?.end();
    try {
      const report = await this.#event('ended');
      await this.#process.exited;
      return report;
    } finally {
      await this.#process.end();
    }
  }

  /** Ends it at once; what waits is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end();
  }

  async #event(event: 'ready' | 'report' | 'ended', from = 0): Promise<ImpairmentReport> {
    try {
      return await this.#reader.find(
        (line) => {
          const { event: said, ...report } = JSON.parse(line) as { event: string } & ImpairmentReport;
          return said === event ? report : undefined;
        },
        { what: `'${event}' from the impairment`, from, timeout: 10_000 },
      );
    } catch (error) {
      const said = this.#process.stderr.trim() || (error instanceof Error ? error.message : String(error));
      throw new ImpairmentError(`impairment: ${said}`, { cause: error });
    }
  }
}

/** The program's options, all of them. @throws ImpairmentError for a number out of bounds */
function checked(options: ImpairmentOptions): object {
  const { seed, loss = 0, duplicate = 0, reorder = 0, delayMs = 0, holdMs = 100 } = options;
  const { access = ['ra0', 'rb0'], homeAgent = 'ha0' } = options;
  bounded('seed', seed, 2 ** 32 - 1);
  if (!Number.isInteger(seed)) throw new ImpairmentError(`seed ${seed} is not an integer`);
  for (const [name, part] of Object.entries({ loss, duplicate, reorder })) bounded(name, part, 1);
  for (const [name, time] of Object.entries({ delayMs, holdMs })) bounded(name, time, LONGEST_MS);
  return { seed, loss, duplicate, reorder, delayMs, holdMs: patient(holdMs), access, homeAgent };
}

function bounded(name: string, value: number, most: number): void {
  if (!(value >= 0 && value <= most)) {
    throw new ImpairmentError(`${name} ${value} is not a number from 0 to ${most}`);
  }
}

// A contender's lane with the generator at one end and sinks at the other.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab.js';
import { until } from '../../lab/wait.js';
import { BpfMap } from '../../src/libbpf-ts/index.js';
import { FLOWS } from './flows.js';
import { type Contender, type Lane, sinkPin } from './lane.js';
import { attachXdp, enterDevice, type Worker } from './worker-client.js';

/** Frames as they are sent. */
export interface Workload {
  /** Bytes of a frame without an outer header, link header included. */
  readonly size: number;
  readonly flows: number;
}

/** What became of the packets of one run. */
export interface Trial {
  readonly seconds: number;
  readonly sent: number;
  readonly right: number;
  readonly wrong: number;
}

interface Counts {
  readonly right: number;
  readonly wrong: number;
}

interface LinkAddresses {
  readonly destinationMac: string;
  readonly sourceMac: string;
}

/** Packets that have not come when counters stand still for so long are lost, milliseconds. */
const STILL = 4;
/** Packets a second while a router learns. */
const LEARNING_RATE = 200_000;

export class MeasuredLane implements Disposable {
  readonly contender: Contender;
  readonly #lane: Lane;
  readonly #number: number;
  readonly #first: number;
  readonly #worker: Worker;
  readonly #sinks: readonly BpfMap[];
  readonly #macs: LinkAddresses;

  private constructor(
    contender: Contender,
    lane: Lane,
    worker: Worker,
    place: { number: number; first: number; sinks: readonly BpfMap[]; macs: LinkAddresses },
  ) {
    this.contender = contender;
    this.#lane = lane;
    this.#worker = worker;
    this.#number = place.number;
    this.#first = place.first;
    this.#sinks = place.sinks;
    this.#macs = place.macs;
  }

  /**
   * Sets a contender up in a lab of its own.
   * @param number one of its own among those of a worker
   * @param firstOf row of the first flow of a set, which it has written
   */
  static async setUp(
    contender: Contender,
    lab: Lab,
    worker: Worker,
    place: { number: number; firstOf: (flows: Lane['flows'], file: string) => Promise<number> },
  ): Promise<MeasuredLane> {
    const pin = (name: string): string => join(lab.bpffs, `bench-${name}`);
    const lane = await contender.setUp({ lab, worker });
    const [entry, router] = [lab.node(lane.entry.node), lab.node(lane.router.node)];
    if (!lane.takesFrames) await router.exec('ethtool', ['-K', lane.router.interface, 'gro', 'on']);
    await worker.ask({ do: 'pin-lanes', path: pin('lanes') });
    await enterDevice(entry, pin('lanes'), { row: place.number, interface: lane.entry.interface });
    const sinks: BpfMap[] = [];
    for (const [at, exit] of lane.exits.entries()) {
      const path = sinkPin(lab, at);
      await worker.ask({ do: 'load-sink', path, expected: exit.expected, stamping: lane.stamping ?? false });
      await attachXdp(lab.node(exit.node), { program: path, interface: exit.interface });
      sinks.push(BpfMap.fromPin(`${path}-count`));
    }
    const macs = {
      sourceMac: (await entry.link(lane.entry.interface)).mac,
      destinationMac: (await router.link(lane.router.interface)).mac,
    };
    const file = join(lab.directory, 'flows');
    writeFileSync(file, lane.flows.rows);
    const first = await place.firstOf(lane.flows, file);
    return new MeasuredLane(contender, lane, worker, { number: place.number, first, sinks, macs });
  }

  /** What a router must have seen before it is measured, at a rate that leaves it time to learn. */
  async warmUp(size: number): Promise<void> {
    const { warmUp } = this.#lane;
    if (warmUp !== undefined) await this.run({ size, flows: FLOWS }, warmUp, LEARNING_RATE);
  }

  /** As `#run`, with a router that polls running only meanwhile. */
  async run(workload: Workload, seconds: number, rate?: number): Promise<Trial> {
    const { poller } = this.#lane;
    await poller?.resume();
    try {
      return await this.#run(workload, seconds, rate);
    } finally {
      poller?.pause();
    }
  }

  /** Sends for so long, and counts. @param rate packets a second, as many as go when left out */
  async #run(workload: Workload, seconds: number, rate?: number): Promise<Trial> {
    const before = this.#count();
    const { outerDestination } = this.#lane;
    const run = await this.#worker.run({
      lane: this.#number,
      first: this.#first,
      flows: Math.min(workload.flows, FLOWS),
      size: workload.size,
      seconds,
      ...(rate === undefined ? {} : { rate }),
      ...(outerDestination === undefined ? {} : { outerDestination }),
      ...this.#macs,
    });
    const after = await this.#settled(before, run.sent);
    return {
      ...run,
      right: after.right - before.right,
      wrong: after.wrong - before.wrong,
    };
  }

  /** The counts when all has come, or when nothing comes any more. */
  async #settled(before: Counts, sent: number): Promise<Counts> {
    let [last, since] = [this.#count(), performance.now()];
    return until(
      () => {
        const now = this.#count();
        if (now.right + now.wrong !== last.right + last.wrong) since = performance.now();
        last = now;
        const all = now.right + now.wrong - before.right - before.wrong >= sent;
        return all || performance.now() - since >= STILL ? now : undefined;
      },
      { what: 'the last packets', interval: 1 },
    );
  }

  #count(): Counts {
    let [right, wrong] = [0, 0];
    for (const map of this.#sinks) {
      for (const row of map.getPerCpu(new Uint8Array(4)) ?? []) {
        const words = new BigUint64Array(row.slice().buffer);
        right += Number(words[0]);
        wrong += Number(words[1]);
      }
    }
    return { right, wrong };
  }

  [Symbol.dispose](): void {
    for (const map of this.#sinks) map.close();
  }
}

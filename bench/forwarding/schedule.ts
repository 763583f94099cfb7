// Everything in turns: every contender with every workload, then all of that again.
import { Lab } from '../../lab/lab.js';
import { FLOWS, type FlowSet } from './flows.js';
import type { Contender } from './lane.js';
import { highestWithoutLoss } from './loss-search.js';
import { MeasuredLane, type Trial, type Workload } from './measured-lane.js';
import type { Progress } from './progress.js';
import { Worker } from './worker-client.js';

export interface ForwardingOptions {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  /** Of one trial. */
  readonly seconds: number;
  /** Of the search for the highest rate without loss, in each round. */
  readonly searchTrials: number;
  readonly cpu: number;
  readonly progress: Progress;
}

/** Contenders that are set up at once: each mostly waits for its daemon. */
const AT_ONCE = 3;

/** One contender with one workload: a value for each round, packets a second. */
export interface ForwardingRates {
  readonly contender: string;
  readonly workload: Workload;
  readonly received: readonly number[];
  readonly withoutLoss: readonly number[];
  /** Packets that arrived and were not what they should have been, in all rounds. */
  readonly wrong: number;
}

export async function measureForwarding(options: ForwardingOptions): Promise<ForwardingRates[]> {
  const { contenders, workloads, rounds, progress } = options;
  const worker = await Worker.start(options.cpu, contenders.length * FLOWS);
  const sets = new Map<FlowSet, number>();
  /** Contenders with the same flows share their rows. */
  const firstOf = async (flows: FlowSet, file: string): Promise<number> => {
    const known = sets.get(flows);
    if (known !== undefined) return known;
    const first = sets.size * FLOWS;
    sets.set(flows, first);
    await worker.ask({ do: 'write-flows', first, file });
    return first;
  };
  const lanes: MeasuredLane[] = [];
  const own: Lab[] = [];
  /** One lab after the other: their links must be up in time. */
  let made: Promise<unknown> = Promise.resolve();
  try {
    await eachOf(contenders, AT_ONCE, async (contender, number) => {
      progress.say(`set up ${number + 1} of ${contenders.length}: ${contender.name}`);
      const making = made.then(async () => Lab.create());
      made = making.catch(() => undefined);
      const lab = await making;
      own.push(lab);
      lanes[number] = await MeasuredLane.setUp(contender, lab, worker, { number, firstOf });
    });
    const rates = lanes.flatMap((lane) => workloads.map((workload) => new Rates(lane, workload)));
    await worker.goFirst();
    for (const lane of lanes) {
      progress.check();
      await lane.warmUp(Math.min(...workloads.map(({ size }) => size)));
    }
    // Once around, so that neighbours are known and pages are there.
    for (const each of rates) await each.measure({ ...options, searchTrials: 0 });
    for (const each of rates) each.forget();
    for (let round = 0; round < rounds; round++) {
      progress.say(`round ${round + 1} of ${rounds}`);
      for (const each of rates) await each.measure(options);
    }
    return rates.map((each) => each.result());
  } finally {
    for (const lane of lanes) lane?.[Symbol.dispose]();
    await worker.end();
    await Promise.all(own.map((lab) => lab.destroy()));
  }
}

/** Does something for each of a list, for so many at once; ends when all that was begun has ended. */
async function eachOf<T>(
  list: readonly T[],
  atOnce: number,
  body: (item: T, at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < list.length) {
      const at = next++;
      try {
        await body(list[at] as T, at);
      } catch (error) {
        next = list.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, one));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}

class Rates {
  readonly #lane: MeasuredLane;
  readonly #workload: Workload;
  readonly #received: number[] = [];
  readonly #withoutLoss: number[] = [];
  #wrong = 0;

  constructor(lane: MeasuredLane, workload: Workload) {
    this.#lane = lane;
    this.#workload = workload;
  }

  async measure({ seconds, searchTrials, progress }: ForwardingOptions): Promise<void> {
    progress.check();
    let most = 0;
    const offer = async (rate?: number): Promise<{ rate: number; lost: number }> => {
      const trial = await this.#lane.run(this.#workload, seconds, rate);
      this.#wrong += trial.wrong;
      most = Math.max(most, trial.right / trial.seconds);
      return { rate: trial.sent / trial.seconds, lost: lostOf(trial) };
    };
    const withoutLoss = await highestWithoutLoss(await offer(), offer, searchTrials);
    this.#received.push(most);
    this.#withoutLoss.push(withoutLoss);
  }

  forget(): void {
    this.#received.length = 0;
    this.#withoutLoss.length = 0;
  }

  result(): ForwardingRates {
    return {
      contender: this.#lane.contender.name,
      workload: this.#workload,
      received: this.#received,
      withoutLoss: this.#withoutLoss,
      wrong: this.#wrong,
    };
  }
}

const lostOf = ({ sent, right }: Trial): number => Math.max(0, sent - right);

// A mobile router whose daemon runs, with traffic through it and sinks that keep times.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { LabDaemon } from '../../lab/daemon.js';
import { Lab } from '../../lab/lab.js';
import { addresses } from '../../lab/topology.js';
import { until } from '../../lab/wait.js';
import type { BindingView } from '../../src/views/index.js';
import { mobileRouterConfig, ways } from '../forwarding/contenders/coaxial.js';
import { tunnelled } from '../forwarding/contenders/expected.js';
import { mixOf } from '../forwarding/contenders/policy-sets.js';
import { FLOWS } from '../forwarding/flows.js';
import { sinkPin } from '../forwarding/lane.js';
import { MeasuredLane, type Trial } from '../forwarding/measured-lane.js';
import { Worker } from '../forwarding/worker-client.js';
import { StampedSink } from './stamps.js';

const MOVER = fileURLToPath(new URL('mover.js', import.meta.url));
const PATIENCE = 20_000;
/** Bits of the source that a care-of address of the uplink must have. */
const UPLINK_PREFIX = 'ffff:ffff:ffff:ffff::';

/**
 * Words that keep a program off the CPU that packets are made and forwarded on, where there is another one: the sender
 * leaves it only when its time slice is over, which no network card does.
 */
function besides(cpu: number): readonly string[] {
  const others = Array.from({ length: availableParallelism() }, (_, at) => at).filter((at) => at !== cpu);
  return others.length === 0 ? [] : ['taskset', '-c', others.join(',')];
}

export class RunningRouter {
  readonly lab: Lab;
  readonly daemon: LabDaemon;
  readonly #lane: MeasuredLane;
  readonly #worker: Worker;
  readonly #beside: readonly string[];

  private constructor(
    lab: Lab,
    daemon: LabDaemon,
    lane: MeasuredLane,
    worker: Worker,
    beside: readonly string[],
  ) {
    this.lab = lab;
    this.daemon = daemon;
    this.#lane = lane;
    this.#worker = worker;
    this.#beside = beside;
  }

  static async start(cpu: number): Promise<RunningRouter> {
    const lab = await Lab.create();
    try {
      return await RunningRouter.#startIn(lab, await Worker.start(cpu, FLOWS), besides(cpu));
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  static async #startIn(lab: Lab, worker: Worker, beside: readonly string[]): Promise<RunningRouter> {
    const config = { ...mobileRouterConfig(ways.tc, 1), 'grace-time': '1s' };
    const daemon = await lab.startDaemon('mr', config, { under: beside });
    const expected = (source: string) => ({
      ...tunnelled(source, addresses.homeAgent),
      sourceMask: UPLINK_PREFIX,
    });
    const contender = {
      name: 'a running mobile router',
      setUp: async () => ({
        entry: { node: 'lan', interface: 'eth0' } as const,
        router: { node: 'mr', interface: 'lan0' } as const,
        exits: [
          { node: 'ra', interface: 'mr0', expected: expected(addresses.careOfA) } as const,
          { node: 'rb', interface: 'mr0', expected: expected(addresses.careOfB) } as const,
        ],
        flows: mixOf(1).flows,
        takesFrames: false,
        stamping: true,
      }),
    };
    const lane = await MeasuredLane.setUp(contender, lab, worker, {
      number: 0,
      firstOf: async (_flows, file) => {
        await worker.ask({ do: 'write-flows', first: 0, file });
        return 0;
      },
    });
    // Its sender does not go first here: the kernel's own work on links and addresses would wait for it.
    const router = new RunningRouter(lab, daemon, lane, worker, beside);
    await router.usable();
    return router;
  }

  /** Resolves when both bindings can carry packets at once. */
  async usable(): Promise<void> {
    await until(
      async () => {
        const { body } = await this.daemon.api('GET', '/v1/bindings');
        return (body as BindingView[]).every(
          ({ state, nextHopMac }) => state === 'usable' && nextHopMac !== null,
        );
      },
      { what: 'both bindings to be usable', timeout: PATIENCE },
    );
  }

  /** Many small packets of many flows. */
  async send(rate: number, seconds: number): Promise<Trial> {
    return this.#lane.run({ size: 64, flows: FLOWS }, seconds, rate);
  }

  /** The sink behind an uplink. */
  sink(uplink: 'a' | 'b'): StampedSink {
    return new StampedSink(this.sinkPin(uplink));
  }

  sinkPin(uplink: 'a' | 'b'): string {
    return sinkPin(this.lab, uplink === 'a' ? 0 : 1);
  }

  /** What mover.js says. */
  async move<T>(...words: readonly string[]): Promise<T> {
    const [command = '', ...args] = [...this.#beside, process.execPath, MOVER, ...words];
    const { stdout } = await this.lab.node('mr').exec(command, args, { timeout: 120_000 });
    return JSON.parse(stdout) as T;
  }

  async end(): Promise<void> {
    this.#lane[Symbol.dispose]();
    await this.#worker.end();
    await this.lab.destroy();
  }
}

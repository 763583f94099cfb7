// One run of the soak, in a lab of its own.
import { Lab } from '../lab.js';
import { Random } from '../random.js';
import { Remains } from '../remains.js';
import type { Balance } from './account.js';
import { daemonEvents } from './daemon-events.js';
import type { SoakEvent, Tally } from './event.js';
import { faultEvents, impossibleEvents } from './fault-events.js';
import { HoldingsWatch } from './holdings.js';
import { linkEvents } from './link-events.js';
import { MemoryWatch } from './memory.js';
import type { SoakResult } from './result.js';
import { World } from './world.js';

const EVENTS: readonly SoakEvent[] = [...daemonEvents, ...linkEvents, ...faultEvents];

export interface SoakOptions {
  /** The same order of events again. */
  readonly seed?: number;
  /** Only events whose name has this in it. */
  readonly only?: string;
  readonly say?: (text: string) => void;
}

/** What a run has done. */
interface Diary {
  readonly tally: Record<Tally, number>;
  readonly events: Map<string, number>;
}

/** Takes events in random order, each once before any comes again. */
class Deck {
  readonly #random: Random;
  #left: SoakEvent[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** @throws RangeError when none fits */
  next(events: readonly SoakEvent[]): SoakEvent {
    const fits = (event: SoakEvent): boolean => events.includes(event);
    if (!this.#left.some(fits)) this.#left = this.#random.shuffled(events);
    const at = this.#left.findIndex(fits);
    const [event] = this.#left.splice(at, 1);
    if (event === undefined) throw new RangeError('no event fits');
    return event;
  }
}

/**
 * Lets events happen until the time is over. In the second half no process is ended, so that what a daemon leaks by
 * the event has half of the run to add up in one process.
 */
async function goOn(
  world: World,
  minutes: number,
  events: readonly SoakEvent[],
  after: (event: SoakEvent, secondsLeft: number) => Promise<void>,
): Promise<Diary> {
  const tally = { kills: 0, flaps: 0, upgrades: 0, reloads: 0, overruns: 0, cuts: 0, faults: 0 };
  const counts = new Map(events.map(({ name }) => [name, 0]));
  const start = performance.now();
  const length = minutes * 60_000;
  const gentle = events.filter(({ endsProcess }) => !endsProcess);
  const deck = new Deck(world.random);
  for (;;) {
    const elapsed = performance.now() - start;
    if (elapsed >= length) return { tally, events: counts };
    const event = deck.next(elapsed < length / 2 || gentle.length === 0 ? events : gentle);
    await event.happen(world);
    await world.ready();
    for (const name of event.tally) tally[name] += 1;
    counts.set(event.name, (counts.get(event.name) ?? 0) + 1);
    await after(event, Math.max(0, Math.round((length - (performance.now() - start)) / 1_000)));
  }
}

/** One run in a lab of its own, of which nothing may be left. @throws Error when no event is called so */
export async function soak(minutes: number, options: SoakOptions = {}): Promise<SoakResult> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const only = options.only ?? '';
  options.say?.(`seed ${seed}`);
  const events = EVENTS.filter(({ name }) => name.includes(only));
  if (events.length === 0) throw new Error(`no event is called ${only}, or it cannot be had here`);
  const lab = await Lab.create();
  const remains = new Remains(lab);
  const leaks: string[] = [];
  const described: string[] = [];
  let diary: Diary;
  let balance: Balance;
  let torn: number;
  try {
    const world = await World.start(lab, new Random(seed), (node) =>
      MemoryWatch.options(node, lab.directory),
    );
    const holdings = new HoldingsWatch(lab, world.daemons, remains);
    const memory = world.daemons.map((daemon) => new MemoryWatch(daemon, lab.directory));
    const weigh = async (): Promise<void> => {
      await Promise.all(memory.map((watch) => watch.sample()));
    };
    await weigh();
    holdings.start();
    diary = await goOn(world, minutes, events, async ({ name }, left) => {
      await world.account.mark(name);
      await weigh();
      holdings.note();
      options.say?.(`${name}, ${left} s left`);
    });
    balance = await world.account.close();
    torn = (await lab.refused('ra')) + (await lab.refused('rb'));
    leaks.push(...(await holdings.leaks()), ...memory.flatMap((watch) => watch.leaks()));
    described.push(...balance.losses, holdings.describe(), ...memory.map((watch) => watch.describe()));
  } finally {
    await lab.destroy();
  }
  leaks.push(...(await remains.afterwards()));
  const notRun = new Map([...impossibleEvents].filter(([name]) => name.includes(only)));
  return { minutes, seed, ...diary, notRun, ...balance, torn, leaks, holdings: described };
}

// One site for the tests of a file that begin with the same configurations: a lab and two starts cost more than most
// tests. What a test finds is what a site of its own would have, or it gets one.

import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { DaemonConfig } from '../../lab/daemon.js';
import { until } from '../../lab/wait.js';
import { type Site, SiteLife, type SiteOptions } from './site.js';
import { daemonsState, nodesState } from './site-state.js';

/** How long what a test has taken back may need to show, milliseconds; then the next one gets another site. */
const SETTLING = 5_000;

/** What one test wants instead of the shared configurations: the daemons are reloaded, and back behind it. */
interface SharedOptions {
  readonly mr?: DaemonConfig;
  readonly ha?: DaemonConfig;
  /** It does not take back what it changes: the next one gets another site. */
  readonly spoils?: true;
}

/** Runs a test in the shared site; takes the place of `withSite`. */
type InSharedSite = (
  t: ExecutionContext,
  options: SharedOptions,
  body: (site: Site) => Promise<void>,
) => Promise<void>;

/** A site with what it is like between two tests. */
interface Held {
  readonly life: SiteLife;
  readonly base: ReadonlyMap<string, DaemonConfig>;
  readonly daemons: readonly string[];
  readonly nodes: readonly string[];
}

class SiteKeeper {
  readonly #options: SiteOptions;
  readonly #prepare: (site: Site) => Promise<void>;
  #held: Held | undefined;

  constructor(options: SiteOptions, prepare: (site: Site) => Promise<void>) {
    this.#options = options;
    this.#prepare = prepare;
  }

  async run(t: ExecutionContext, options: SharedOptions, body: (site: Site) => Promise<void>): Promise<void> {
    const held = this.#held ?? (await this.#open(t));
    // Until it is known to be as it was.
    this.#held = undefined;
    const { life } = held;
    await orShowAndEnd(t, life, async () => {
      await life.site.forgetPast();
      if (options.mr !== undefined) await life.site.mr.reload(options.mr);
      if (options.ha !== undefined) await life.site.ha.reload(options.ha);
      await body(life.site);
      await life.prove(t);
      await life.site.endProcesses();
    });
    if (options.spoils !== true) {
      const left = await orShowAndEnd(t, life, () => restore(held));
      if (left.length === 0) {
        this.#held = held;
        return;
      }
      t.log(`the next test gets another site for what this one has left:\n${left.join('\n')}`);
    }
    await finish(t, life);
  }

  /** Takes the site down, with the proof that nothing is left of it. */
  async close(t: ExecutionContext): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) await finish(t, held.life);
  }

  async #open(t: ExecutionContext): Promise<Held> {
    const life = await SiteLife.begin(this.#options);
    return orShowAndEnd(t, life, async () => {
      await life.populate(this.#options);
      await life.site.ready();
      await this.#prepare(life.site);
      const base = new Map(life.site.daemons.map((daemon) => [daemon.node.name, daemon.config]));
      return { life, base, daemons: await daemonsState(life.site), nodes: await nodesState(life.site) };
    });
  }
}

/** What fails ends the site, too. */
async function orShowAndEnd<T>(t: ExecutionContext, life: SiteLife, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    await life.showLogs(t);
    await life.end();
    throw error;
  }
}

async function finish(t: ExecutionContext, life: SiteLife): Promise<void> {
  await orShowAndEnd(t, life, () => life.takeDown(t));
  await life.end();
  await life.proveGone(t);
}

function differences(before: readonly string[], now: readonly string[]): string[] {
  return [
    ...before.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** Gives the daemons their first configurations; answers what is different from then all the same, one line each. */
async function restore({ life: { site }, base, daemons, nodes }: Held): Promise<string[]> {
  for (const daemon of site.daemons) {
    if (daemon.exit !== undefined) return [`the daemon on ${daemon.node.name} has ended`];
    const config = base.get(daemon.node.name);
    if (config === undefined) return [`a daemon on ${daemon.node.name}`];
    if (!isDeepStrictEqual(daemon.config, config)) await daemon.reload(config);
  }
  const left = await lasting(daemons, () => daemonsState(site), 50);
  return left.length > 0 ? left : lasting(nodes, () => nodesState(site), 500);
}

/** What differs from before when it has had its time; `look` is asked every so many milliseconds. */
async function lasting(
  before: readonly string[],
  look: () => Promise<string[]>,
  interval: number,
): Promise<string[]> {
  let left: string[] = [];
  try {
    await until(
      async () => {
        left = differences(before, await look());
        return left.length === 0;
      },
      { what: 'the site to be as it was', timeout: SETTLING, interval },
    );
  } catch (error) {
    if (left.length === 0) throw error;
  }
  return left;
}

/**
 * A site for the tests of this file, made for the first one that runs in it and gone after the last, always. Each begins
 * as in a site of its own: the counters that `Site` shows and the log are those of the test, the processes of the one
 * before have ended, and a test that failed, or did not take back what it changed, is followed by a fresh site.
 * @param prepare what is done to each site before the first test in it
 */
export function sharedSite(
  options: SiteOptions = {},
  prepare: (site: Site) => Promise<void> = async () => undefined,
): InSharedSite {
  const keeper = new SiteKeeper(options, prepare);
  test.after.always(async (t) => keeper.close(t));
  return async (t, own, body) => keeper.run(t, own, body);
}

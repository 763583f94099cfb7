import type { World } from './world.js';

/** What an event counts as in the last line of a run. */
export type Tally = 'kills' | 'flaps' | 'upgrades' | 'reloads' | 'overruns' | 'cuts' | 'faults';

/** Something that goes wrong and is over when `happen` resolves. */
export interface SoakEvent {
  readonly name: string;
  readonly tally: readonly Tally[];
  /** The process of a daemon ends in it. */
  readonly endsProcess: boolean;
  readonly happen: (world: World) => Promise<void>;
}

import type { Tally } from './event.js';

export interface SoakResult {
  readonly minutes: number;
  readonly seed: number;
  readonly tally: Readonly<Record<Tally, number>>;
  /** How often each event has happened, by its name. */
  readonly events: ReadonlyMap<string, number>;
  /** Events that this machine cannot have, with the reason. */
  readonly notRun: ReadonlyMap<string, string>;
  readonly packets: number;
  /** Packets that never came; those on links at the moment of a cut are not among them. */
  readonly lost: number;
  readonly lostOnCutLinks: number;
  /** Packets that the access routers' source filters refused: a source on a link that is not its own. */
  readonly torn: number;
  readonly leaks: readonly string[];
  /** What was counted and weighed at the end, one line each. */
  readonly holdings: readonly string[];
}

/** `soak: 1 min, 9 kills, ...`, the line that a run ends with. */
export function describeSoak({ minutes, tally, packets, lost, torn, leaks }: SoakResult): string {
  const found = leaks.length === 0 ? 'none' : leaks.join('; ');
  return (
    `soak: ${minutes} min, ${tally.kills} kills, ${tally.flaps} flaps, ${tally.upgrades} upgrades, ` +
    `${packets} packets, ${lost} lost, ${torn} torn, leaks ${found}`
  );
}

/** The lines before it: what happened how often, and what was not in the last line. */
export function describeEvents(result: SoakResult): string[] {
  const { seed, tally, lostOnCutLinks } = result;
  return [
    ...[...result.events].map(([name, count]) => `soak: ${String(count).padStart(4)} x ${name}`),
    ...[...result.notRun].map(([name, why]) => `soak: not run: ${name}: ${why}`),
    ...result.holdings.map((line) => `soak: ${line}`),
    `soak: seed ${seed}, ${tally.reloads} reloads, ${tally.overruns} netlink overruns, ${tally.faults} faults, ` +
      `${tally.cuts} cuts with ${lostOnCutLinks} packets on cut links`,
  ];
}

/** Whether nothing was lost, torn or left. */
export function isFlawless({ lost, torn, leaks }: SoakResult): boolean {
  return lost === 0 && torn === 0 && leaks.length === 0;
}

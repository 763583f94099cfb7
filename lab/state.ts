// What a lab leaves on disk so that the next one can clean up after a crash.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything needed to remove a lab without the process that built it. */
export interface LabState {
  readonly name: string;
  readonly pid: number;
  /** Start of the owner, clock ticks after boot: tells it from a later process with its pid. */
  readonly startTime: string;
  readonly directory: string;
  readonly namespaces: readonly string[];
  /** Left up on purpose: only an explicit removal touches it. */
  readonly keep: boolean;
}

const STATE_DIRECTORY = '/run/coaxial-lab';

/** Start time of a process from /proc, undefined when there is none with this pid. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name and may hold blanks; the 22nd is the start time.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function file(name: string): string {
  return join(STATE_DIRECTORY, `${name}.json`);
}

export function writeState(state: LabState): void {
  mkdirSync(STATE_DIRECTORY, { recursive: true });
  const draft = `${file(state.name)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state)}\n`);
  renameSync(draft, file(state.name));
}

export function removeState(name: string): void {
  rmSync(file(name), { force: true });
}

/** The labs that exist on this machine. */
export function readStates(): LabState[] {
  let names: string[];
  try {
    names = readdirSync(STATE_DIRECTORY);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(STATE_DIRECTORY, name), 'utf8')) as LabState];
      } catch {
        return []; // removed in the meantime
      }
    });
}

/** Whether nobody will remove this lab any more: its owner has gone and it was not to be kept. */
export function isAbandoned(state: LabState): boolean {
  return !state.keep && processStart(state.pid) !== state.startTime;
}

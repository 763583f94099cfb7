import { renameSync } from 'node:fs';
import { BpfError, BpfLink, type BpfProgram, type LinkInfo } from '../libbpf-ts/index.js';
import type { DatapathError } from './datapath-error.js';
import type { Instance } from './instance.js';

/** Links of one kind: how they are known, made, and told to be what is wanted. */
export interface LinkKind<T> {
  /** Is a pin one of these? */
  isOurs(pin: string): boolean;
  /** May the link that is there go on as this, with another program at most? */
  fits(info: LinkInfo, item: T): boolean;
  program(item: T): BpfProgram;
  attach(program: BpfProgram, item: T): BpfLink;
  failed(item: T, cause: unknown): DatapathError;
}

/** What a sync did. */
export interface LinkChanges<T> {
  attached: T[];
  updated: T[];
  /** Pins. */
  detached: string[];
  /** What could not be attached, and why; the others are not held up by it. */
  failed: { item: T; error: DatapathError }[];
}

export function noChanges<T>(): LinkChanges<T> {
  return { attached: [], updated: [], detached: [], failed: [] };
}

/**
 * Makes the pinned links of a kind equal to `desired`, by pin; a program that is there already is replaced without a
 * gap, also that of an older version of the instance.
 */
export function syncLinks<T>(
  instance: Instance,
  kind: LinkKind<T>,
  desired: ReadonlyMap<string, T>,
): LinkChanges<T> {
  const changes = noChanges<T>();
  const wanted = new Map(desired);
  for (const state of [instance, ...instance.predecessors()]) {
    for (const pin of state.linkPins().filter(kind.isOurs)) {
      const path = state.linkPin(pin);
      using link = openPin(path);
      if (link === undefined) continue;
      const info = link.info;
      const item = wanted.get(pin);
      if (item === undefined || !kind.fits(info, item)) {
        link.unpin(path);
        changes.detached.push(pin);
        continue;
      }
      wanted.delete(pin);
      try {
        const program = kind.program(item);
        if (info.programId !== program.info.id) {
          link.update(program);
          changes.updated.push(item);
        }
        if (state !== instance) {
          renameSync(path, instance.linkPin(pin));
        }
      } catch (error) {
        changes.failed.push({ item, error: kind.failed(item, error) });
      }
    }
  }
  for (const [pin, item] of wanted) {
    try {
      using link = kind.attach(kind.program(item), item);
      // Somebody may have removed the directory with the pins.
      instance.makeDirectories();
      link.pin(instance.linkPin(pin));
      changes.attached.push(item);
    } catch (error) {
      changes.failed.push({ item, error: kind.failed(item, error) });
    }
  }
  return changes;
}

/** The link of a pin, undefined when somebody has removed it in this moment. @throws BpfError */
function openPin(path: string): BpfLink | undefined {
  try {
    return BpfLink.fromPin(path);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

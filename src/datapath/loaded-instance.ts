import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatapathError } from './datapath-error.js';
import { type CxRole, CxSetting } from './generated.js';
import type { Instance } from './instance.js';
import { MAP_NAMES } from './map-catalogue.js';
import type { Settings } from './settings.js';

/**
 * Refuses an instance without a whole state of this version.
 * @throws DatapathError INSTANCE_NOT_LOADED; the system's error when the pins may not be looked at
 */
export function refuseNotLoaded(instance: Instance): void {
  let there: string[] = [];
  try {
    there = readdirSync(join(instance.directory, 'maps'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error;
    }
  }
  const missing = MAP_NAMES.find((name) => !there.includes(name));
  if (missing === undefined) {
    return;
  }
  const older = instance.others().filter((other) => other.used);
  throw new DatapathError(
    'INSTANCE_NOT_LOADED',
    there.length > 0
      ? `the pinned map ${missing} of instance ${instance.name} is missing`
      : older.length > 0
        ? `instance ${instance.name} runs with the state of another version (schema ${older.map(({ schema }) => schema).join(', ')})`
        : `instance ${instance.name} is not loaded`,
    'start its daemon or run "coax up", or name another instance',
  );
}

/**
 * The role that the controller of a state has taken.
 * @throws DatapathError INSTANCE_NOT_LOADED when none has yet
 */
export function readRole(settings: Settings, instance: Instance): CxRole {
  const role = settings.get(CxSetting.ROLE);
  if (role === 0) {
    throw new DatapathError(
      'INSTANCE_NOT_LOADED',
      `instance ${instance.name} has no role yet`,
      'start its daemon or run "coax up"',
    );
  }
  return (role - 1) as CxRole;
}

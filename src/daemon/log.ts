import { destination, type Logger, pino } from 'pino';
import type { ChangeEvent, Controller } from '../views/index.js';

/** What a log that cannot be written keeps for later. */
const UNWRITTEN_BYTES = 256 * 1024;

/**
 * The daemon's log: one JSON object per line on stderr. Written synchronously, so that the last words of a
 * crash are not lost.
 * @param level pino's name of the least important level that is written
 */
export function createLog(level = process.env.COAX_LOG_LEVEL ?? 'info'): Logger {
  const stream = destination({ dest: 2, sync: true, maxLength: UNWRITTEN_BYTES });
  // A full disk must not end the daemon. Lines wait for room, the last of them are dropped when there are too many.
  stream.on('error', () => undefined);
  const known = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].includes(level);
  return pino({ base: { name: 'coax', pid: process.pid }, level: known ? level : 'info' }, stream);
}

/** Writes every change that the controller reports as one line. */
export function logChanges(controller: Controller, log: Logger): void {
  controller.on('change', (change) => {
    if (change.kind === 'problem') log.warn(change, `${change.message} (${change.code})`);
    else log.info(change, describeChange(change));
  });
}

function describeChange(change: Exclude<ChangeEvent, { kind: 'problem' }>): string {
  const from = change.from ?? 'none';
  const to = change.to ?? 'none';
  switch (change.kind) {
    case 'binding':
      return `binding ${change.name}: ${from} -> ${to}`;
    case 'care-of':
      return `binding ${change.name}: care-of address ${from} -> ${to}`;
    case 'generation':
      return `policy generation ${from} -> ${to}`;
    case 'forwarding':
      return `forwarding of ${change.name}: ${from === to ? to : `${from} -> ${to}`} (${change.why})`;
    case 'schema':
      return `the state of schema ${from} is replaced by that of schema ${to}`;
    case 'interface':
      return `interface ${change.name}: ${from} -> ${to}`;
  }
}

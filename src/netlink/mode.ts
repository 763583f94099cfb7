import { NLM_F } from './constants.js';

/**
 * How to treat an object that is there already: `create` leaves it, `replace` overwrites it, `exclusive` makes it an
 * error (EEXIST).
 */
export type Mode = 'create' | 'replace' | 'exclusive';

export function modeFlags(mode: Mode): number {
  return NLM_F.CREATE | (mode === 'replace' ? NLM_F.REPLACE : NLM_F.EXCL);
}

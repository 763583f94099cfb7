import { addon } from '../native/addon.js';
import { native } from './errors.js';

let count: number | undefined;

/** How many CPUs the kernel can ever have: the number of values of an element of a per-CPU map. */
export function possibleCpus(): number {
  count ??= native(() => addon().possibleCpus());
  return count;
}

import type { Address } from '../../mobility/index.js';
import { admits, afterOneMore, type Pace } from './pace.js';

/** Sources are thrown into so many, by their first 64 bits. */
const SLOTS = 8;
const PACE: Pace = { interval: 500, burst: 4 };

/**
 * How many messages for one router may turn out forged or stale before others are not looked at. Care-of addresses that
 * are registered have an allowance of their own and strangers share eight, so that who floods from elsewhere locks out
 * neither a router that stays nor, in seven of eight cases, one that moves. Whoever wants to spend them all must know the
 * SPI, and forge sources everywhere.
 */
export class Suspicion {
  readonly #due = new Float64Array(SLOTS + 1).fill(Number.NEGATIVE_INFINITY);

  /** @param slot see {@link slotOf} */
  admits(slot: number, now: number): boolean {
    return admits(this.#due[slot] ?? 0, now, PACE);
  }

  count(slot: number, now: number): void {
    this.#due[slot] = afterOneMore(this.#due[slot] ?? 0, now, PACE);
  }
}

/**
 * @param known whether the source is a care-of address that is registered
 * @param salt a number that strangers do not know
 */
export function slotOf(source: Address, known: boolean, salt: number): number {
  if (known) return SLOTS;
  let mixed = Math.imul(source.word(0) ^ salt, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ source.word(1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ salt, 0xc2b2ae35);
  return (mixed >>> 16) % SLOTS;
}

/** A Binding Update that was sent, with all that its answer needs. */
import type { Address } from '../../mobility/index.js';
import type { FlowUpdate } from './flow-list.js';

/** What a Binding Update says of one binding. */
export interface Item {
  readonly kind: 'register' | 'remove';
  readonly bid: number;
  readonly careOf: Address;
  readonly priority: number;
  readonly home: boolean;
}

/**
 * - `bindings`: with Binding Identifiers (RFC 5648)
 * - `single`: without one (RFC 3963), the only binding there is
 * - `everything`: without one, all bindings end (RFC 5648 section 5.4)
 */
export type UpdateForm = 'bindings' | 'single' | 'everything';

export interface Exchange {
  readonly form: UpdateForm;
  readonly sequence: number;
  readonly source: Address;
  readonly items: readonly Item[];
  /** O. */
  readonly overwrite: boolean;
  /** Seconds. */
  readonly lifetime: number;
  readonly timestamp: bigint | undefined;
  readonly flows: FlowUpdate;
  /** Monotonic, milliseconds. */
  readonly sentAt: number;
  /** Until then nothing else is sent. */
  readonly turnEnds: number;
}

/** Whether the home agent has the same after either; a removal is one, whatever else is in it. */
export function isSameItem(a: Item | undefined, b: Item): boolean {
  if (a?.kind !== b.kind) return false;
  if (a.kind === 'remove') return true;
  return a.priority === b.priority && a.home === b.home && a.careOf.equals(b.careOf);
}

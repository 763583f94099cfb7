/** A Binding Update that was sent, with all that its answer needs. */
import type { Address, MacAddress } from '../../mobility/index.js';
import type { FlowUpdate } from './flow-list.js';

/** What a Binding Update says of one binding. */
export interface Item {
  readonly kind: 'register' | 'remove';
  readonly bid: number;
  readonly careOf: Address;
  readonly priority: number;
  readonly home: boolean;
  /** Of a binding at home. */
  readonly linkAddress: MacAddress | undefined;
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
  return isSameContent(a, b);
}

/** Whether two bindings are the same to the home agent. */
export function isSameContent(a: Content, b: Content): boolean {
  return (
    a.priority === b.priority &&
    a.home === b.home &&
    a.careOf.equals(b.careOf) &&
    a.linkAddress?.toString() === b.linkAddress?.toString()
  );
}

interface Content extends Pick<Item, 'careOf' | 'priority' | 'home'> {
  readonly linkAddress?: MacAddress | undefined;
}

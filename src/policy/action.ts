import type { Action, Policy } from './policy.js';

/** BIDs of the bindings an action lists, in its order. */
export function bindingsOf(action: Action): readonly number[] {
  switch (action.kind) {
    case 'use':
    case 'copy':
      return action.bindings;
    case 'balance':
      return action.bindings.map(({ bid }) => bid);
    case 'drop':
    case 'bypass':
      return [];
  }
}

/** Whether a policy that matches decides whatever bindings are usable. */
export function isAlwaysActive({ action, otherwise }: Pick<Policy, 'action' | 'otherwise'>): boolean {
  return action.kind === 'drop' || action.kind === 'bypass' || otherwise !== 'next';
}

/** `use lte, wifi`, `balance lte:3 wifi:1 otherwise drop`, `drop`. */
export function formatAction(
  { action, otherwise }: Pick<Policy, 'action' | 'otherwise'>,
  nameOf: (bid: number) => string,
): string {
  return otherwise === 'next' ? what(action, nameOf) : `${what(action, nameOf)} otherwise ${otherwise}`;
}

function what(action: Action, nameOf: (bid: number) => string): string {
  switch (action.kind) {
    case 'use':
    case 'copy':
      return `${action.kind} ${action.bindings.map(nameOf).join(', ')}`;
    case 'balance':
      return `balance ${action.bindings.map(({ bid, weight }) => `${nameOf(bid)}:${weight}`).join(' ')}`;
    case 'drop':
    case 'bypass':
      return action.kind;
  }
}

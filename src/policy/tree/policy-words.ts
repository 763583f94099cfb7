/**
 * Policies as words: how they reach the worker that compiles them, without copies of objects. One policy:
 *
 *   length of it all, FID, priority, counter id, action | otherwise << 8 | bindings << 16,
 *   for each binding: index, weight,
 *   active, fields present (bit = position in FIELDS), for each its content
 *
 * From `active` on it says which packets the policy decides: policies that are equal there have equal rules.
 */
import { CxAction, CxField, CxOtherwise } from '../../datapath/generated.js';
import type { Action, Otherwise } from '../policy.js';
import type { AddressMatch, Range, Selector } from '../selector.js';
import { ALWAYS } from './rule-store.js';
import type { WordList } from './word-list.js';

export const ADDRESS_FIELDS = [
  ['source', CxField.SOURCE],
  ['destination', CxField.DESTINATION],
] as const;

export const NUMBER_FIELDS = [
  ['protocol', CxField.PROTOCOL],
  ['sourcePort', CxField.SOURCE_PORT],
  ['destinationPort', CxField.DESTINATION_PORT],
  ['dscp', CxField.DSCP],
  ['flowLabel', CxField.FLOW_LABEL],
  ['spi', CxField.SPI],
  ['icmpType', CxField.ICMP_TYPE],
  ['icmpCode', CxField.ICMP_CODE],
  ['interface', CxField.INTERFACE],
  ['cgroup', CxField.CGROUP],
] as const;

/** Bits of `fields present`: addresses, then numbers, then the mark. */
export const FIRST_NUMBER_BIT = ADDRESS_FIELDS.length;
export const MARK_BIT = FIRST_NUMBER_BIT + NUMBER_FIELDS.length;

/** Words of one policy in front of its bindings, and what stands where. */
export const POLICY_HEAD = 5;
export const AT_FID = 1;
export const AT_PRIORITY = 2;
export const AT_ID = 3;
export const AT_ACTION = 4;

/** A policy with everything looked up that only the machine knows. */
export interface ResolvedPolicy {
  readonly fid: number;
  readonly priority: number;
  readonly id: number;
  readonly action: Action['kind'];
  readonly otherwise: Otherwise;
  /** `bit`: the binding's position among the router's. */
  readonly bindings: readonly { index: number; weight: number; bit: number }[];
  readonly selector: Omit<Selector, 'interface' | 'cgroup'>;
  /** Interface indices and intervals of cgroup numbers; undefined is a wildcard. */
  readonly interface: readonly Range[] | undefined;
  readonly cgroup: readonly Range[] | undefined;
}

const ACTIONS: Readonly<Record<Action['kind'], CxAction>> = {
  use: CxAction.USE,
  balance: CxAction.BALANCE,
  copy: CxAction.COPY,
  drop: CxAction.DROP,
  bypass: CxAction.BYPASS,
};
const OTHERWISE: Readonly<Record<Otherwise, CxOtherwise>> = {
  next: CxOtherwise.NEXT,
  drop: CxOtherwise.DROP,
  default: CxOtherwise.DEFAULT,
};

export function writePolicy(words: WordList, policy: ResolvedPolicy): void {
  const start = words.length;
  words.push(0);
  words.push(policy.fid);
  words.push(policy.priority);
  words.push(policy.id);
  words.push(ACTIONS[policy.action] | (OTHERWISE[policy.otherwise] << 8) | (policy.bindings.length << 16));
  let active = 0;
  for (const { index, weight, bit } of policy.bindings) {
    words.push(index);
    words.push(weight);
    active |= 1 << bit;
  }
  const always = policy.action === 'drop' || policy.action === 'bypass' || policy.otherwise !== 'next';
  words.push(always ? ALWAYS : active);
  const presentAt = words.length;
  words.push(0);
  let present = 0;
  let bit = 0;
  for (const [name] of ADDRESS_FIELDS) {
    const match = policy.selector[name];
    if (match !== undefined) {
      present |= 1 << bit;
      writeAddresses(words, match);
    }
    bit++;
  }
  for (const [name] of NUMBER_FIELDS) {
    const ranges = name === 'interface' || name === 'cgroup' ? policy[name] : policy.selector[name];
    if (ranges !== undefined) {
      present |= 1 << bit;
      words.push(ranges.length);
      for (const { low, high } of ranges) {
        words.push(low);
        words.push(high);
      }
    }
    bit++;
  }
  if (policy.selector.mark !== undefined) {
    present |= 1 << MARK_BIT;
    words.push(policy.selector.mark.value);
    words.push(policy.selector.mark.mask);
  }
  words.words[presentAt] = present;
  words.words[start] = words.length - start;
}

const scratch = new Uint8Array(16);

function writeAddresses(words: WordList, { ranges }: AddressMatch): void {
  words.push(ranges.length);
  for (const range of ranges) {
    for (const address of [range.low, range.high]) {
      address.copyTo(scratch);
      for (let at = 0; at < 16; at += 4) {
        words.push(
          (((scratch[at] as number) << 24) |
            ((scratch[at + 1] as number) << 16) |
            ((scratch[at + 2] as number) << 8) |
            (scratch[at + 3] as number)) >>>
            0,
        );
      }
    }
  }
}

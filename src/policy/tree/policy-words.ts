/**
 * Policies as words: how they reach the worker that compiles them, without copies of objects. One policy:
 *
 *   length of it all, FID, priority, counter id, action | otherwise << 8 | bindings << 16,
 *   for each binding: position among the router's in the order of BID-PRI, weight,
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
  /** `position`: among the router's bindings in the order of BID-PRI. */
  readonly bindings: readonly { position: number; weight: number }[];
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

/** Adds a policy. */
export function writePolicy(list: WordList, policy: ResolvedPolicy): void {
  const { selector, bindings } = policy;
  const start = list.length;
  list.reserve(POLICY_HEAD + 2 * bindings.length + 2);
  const { words } = list;
  words[start + AT_FID] = policy.fid;
  words[start + AT_PRIORITY] = policy.priority;
  words[start + AT_ID] = policy.id;
  words[start + AT_ACTION] =
    ACTIONS[policy.action] | (OTHERWISE[policy.otherwise] << 8) | (bindings.length << 16);
  let at = start + POLICY_HEAD;
  let active = 0;
  for (const { position, weight } of bindings) {
    words[at++] = position;
    words[at++] = weight;
    active |= 1 << position;
  }
  const always = policy.action === 'drop' || policy.action === 'bypass' || policy.otherwise !== 'next';
  words[at++] = always ? ALWAYS : active;
  const presentAt = at;
  let present = 0;
  let bit = 0;
  for (const [name] of ADDRESS_FIELDS) {
    const match = selector[name];
    if (match !== undefined) {
      present |= 1 << bit;
      writeAddresses(list, match);
    }
    bit++;
  }
  for (const [name] of NUMBER_FIELDS) {
    const ranges = name === 'interface' || name === 'cgroup' ? policy[name] : selector[name];
    if (ranges !== undefined) {
      present |= 1 << bit;
      writeRanges(list, ranges);
    }
    bit++;
  }
  if (selector.mark !== undefined) {
    present |= 1 << MARK_BIT;
    list.push(selector.mark.value);
    list.push(selector.mark.mask);
  }
  list.words[presentAt] = present;
  list.words[start] = list.length - start;
}

function writeRanges(list: WordList, ranges: readonly Range[]): void {
  let at = list.reserve(1 + 2 * ranges.length);
  const { words } = list;
  words[at++] = ranges.length;
  for (const { low, high } of ranges) {
    words[at++] = low;
    words[at++] = high;
  }
}

function writeAddresses(list: WordList, { ranges }: AddressMatch): void {
  let at = list.reserve(1 + 8 * ranges.length);
  const { words } = list;
  words[at++] = ranges.length;
  for (const { low, high } of ranges) {
    for (let word = 0; word < 4; word++) words[at++] = low.word(word);
    for (let word = 0; word < 4; word++) words[at++] = high.word(word);
  }
}

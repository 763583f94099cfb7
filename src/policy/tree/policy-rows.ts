/** Policies as rows of the datapath (`struct cx_policy`). */
import {
  CX_POLICY_BINDINGS,
  type CxAction,
  type CxOtherwise,
  type CxPolicy,
  CxPolicySize,
  encodeCxPolicy,
} from '../../datapath/generated.js';
import { AT_ACTION, AT_FID, AT_ID, AT_PRIORITY, POLICY_HEAD } from './policy-words.js';
import type { PolicyWords } from './same-policies.js';
import { WordList } from './word-list.js';

const ROW_WORDS = CxPolicySize / 4;
/** Rows that are remembered: what policies do is mostly one of a few things. */
const MOST_ACTIONS = 4096;

const NOTHING: CxPolicy = {
  id: 0,
  fid: 0,
  priority: 0,
  action: 0 as CxAction,
  otherwise: 0 as CxOtherwise,
  bindingCount: 0,
  weights: new Uint8Array(CX_POLICY_BINDINGS),
  bindings: new Uint8Array(CX_POLICY_BINDINGS),
};

/** Where a field of 32 bits stands, in words. */
function wordOf(field: 'id' | 'fid' | 'priority'): number {
  return encodeCxPolicy({ ...NOTHING, [field]: 0xffff_ffff }).indexOf(0xff) / 4;
}
const ID = wordOf('id');
const FID = wordOf('fid');
const PRIORITY = wordOf('priority');

/** Writes rows of policies; those that do the same are encoded once. */
export class PolicyRows {
  readonly #rows = new WordList();
  readonly #actions = new Map<string, Uint32Array>();

  /** All of them. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const rows = this.#rows.words.slice(0, this.#rows.length);
    return new Uint8Array(rows.buffer);
  }

  /**
   * Adds the policies of a router behind those that are there; answers the position of the first one.
   * @param firstId that ids are counted from
   */
  add({ words, starts }: PolicyWords, firstId: number): number {
    const first = this.#rows.length / ROW_WORDS;
    let to = this.#rows.reserve((starts.length - 1) * ROW_WORDS);
    const rows = this.#rows.words;
    for (let rank = 0; rank + 1 < starts.length; rank++) {
      const policy = starts[rank] as number;
      const action = this.#action(words, policy);
      for (let word = 0; word < ROW_WORDS; word++) rows[to + word] = action[word] as number;
      rows[to + ID] = (words[policy + AT_ID] as number) - firstId;
      rows[to + FID] = words[policy + AT_FID] as number;
      rows[to + PRIORITY] = words[policy + AT_PRIORITY] as number;
      to += ROW_WORDS;
    }
    return first;
  }

  /** The row of a policy but for who it is. */
  #action(words: Uint32Array, policy: number): Uint32Array {
    const packed = words[policy + AT_ACTION] as number;
    const count = packed >>> 16;
    let key = String(packed);
    for (let at = policy + POLICY_HEAD; at < policy + POLICY_HEAD + 2 * count; at++) key += ` ${words[at]}`;
    const known = this.#actions.get(key);
    if (known !== undefined) return known;
    const bindings = new Uint8Array(CX_POLICY_BINDINGS);
    const weights = new Uint8Array(CX_POLICY_BINDINGS);
    for (let binding = 0; binding < count; binding++) {
      bindings[binding] = words[policy + POLICY_HEAD + 2 * binding] as number;
      weights[binding] = words[policy + POLICY_HEAD + 2 * binding + 1] as number;
    }
    const bytes = encodeCxPolicy({
      ...NOTHING,
      action: (packed & 0xff) as CxAction,
      otherwise: ((packed >>> 8) & 0xff) as CxOtherwise,
      bindingCount: count,
      weights,
      bindings,
    });
    const row = new Uint32Array(bytes.buffer, bytes.byteOffset, ROW_WORDS);
    if (this.#actions.size === MOST_ACTIONS) this.#actions.clear();
    this.#actions.set(key, row);
    return row;
  }
}

/**
 * Sets of policies as rows of the datapath (`struct cx_policy_set`): what routers do alike they share. Ids and
 * binding indices are counted from the router's lowest ones, so that routers are alike whose numbers were given in the
 * same order; one that differs has a set of its own.
 */
import { CX_DEFAULT_BINDINGS, CxPolicySetSize, encodeCxPolicySet } from '../../datapath/generated.js';
import { PolicyRows } from './policy-rows.js';
import { AT_ACTION, AT_FID, AT_ID, AT_PRIORITY, POLICY_HEAD } from './policy-words.js';
import type { PolicyWords } from './same-policies.js';
import { hash, isEqual } from './word-list.js';

/** Everything that a set says, but where its policies stand. */
export interface SetWords extends PolicyWords {
  /** Whether policies ask for what only the first fragment of a packet shows. */
  readonly fragments: boolean;
  readonly cgroupDepth: number;
  /** Indices in the order of BID-PRI. */
  readonly bindings: Uint32Array;
}

/** What a router has of its own. */
export interface RouterPart {
  readonly policySet: number;
  readonly firstPolicyId: number;
  readonly firstBinding: number;
}

interface KnownSet {
  readonly content: Uint32Array;
  readonly row: number;
}

export class PolicySets {
  /** By content, as a number. */
  readonly #known = new Map<number, KnownSet[]>();
  /** Row 0 is the empty set. */
  readonly #rows: Uint8Array[] = [new Uint8Array(CxPolicySetSize)];
  readonly #policies = new PolicyRows();
  #content = new Uint32Array(256);

  /** Rows of `struct cx_policy`. */
  get policies(): Uint8Array<ArrayBuffer> {
    return this.#policies.bytes;
  }

  /** Rows of `struct cx_policy_set`. */
  get sets(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#rows.length * CxPolicySetSize);
    for (const [row, set] of this.#rows.entries()) bytes.set(set, row * CxPolicySetSize);
    return bytes;
  }

  /** Finds or makes the set of a router whose trees start there. */
  add(router: SetWords, roots: { readonly known: number; readonly unknown: number }): RouterPart {
    const firstPolicyId = lowestId(router);
    const firstBinding = router.bindings.length === 0 ? 0 : Math.min(...router.bindings);
    const content = this.#read(router, roots, firstPolicyId, firstBinding);
    const key = hash(content);
    const alike = this.#known.get(key);
    const known = alike?.find((set) => isEqual(set.content, content));
    if (known !== undefined) return { policySet: known.row, firstPolicyId, firstBinding };
    const row = this.#rows.length;
    const bindings = new Array<number>(CX_DEFAULT_BINDINGS).fill(0);
    for (const [position, index] of router.bindings.entries()) bindings[position] = index - firstBinding;
    this.#rows.push(
      encodeCxPolicySet({
        knownRoot: roots.known,
        unknownRoot: roots.unknown,
        firstPolicy: this.#policies.add(router, firstPolicyId),
        policyCount: router.starts.length - 1,
        fragments: Number(router.fragments),
        cgroupDepth: router.cgroupDepth,
        bindingCount: router.bindings.length,
        bindings,
      }),
    );
    const set = { content: content.slice(), row };
    if (alike === undefined) this.#known.set(key, [set]);
    else alike.push(set);
    return { policySet: row, firstPolicyId, firstBinding };
  }

  #read(
    { words, starts, bindings, fragments, cgroupDepth }: SetWords,
    roots: { readonly known: number; readonly unknown: number },
    firstPolicyId: number,
    firstBinding: number,
  ): Uint32Array {
    const most = 5 + bindings.length + (starts.at(-1) ?? 0) - (starts[0] ?? 0);
    if (this.#content.length < most) this.#content = new Uint32Array(2 * most);
    const content = this.#content;
    let count = 0;
    content[count++] = roots.known;
    content[count++] = roots.unknown;
    content[count++] = Number(fragments);
    content[count++] = cgroupDepth;
    // How many there are, so that a binding is not taken for a policy.
    content[count++] = bindings.length;
    for (const index of bindings) content[count++] = index - firstBinding;
    for (let rank = 0; rank + 1 < starts.length; rank++) {
      const policy = starts[rank] as number;
      const action = words[policy + AT_ACTION] as number;
      content[count++] = (words[policy + AT_ID] as number) - firstPolicyId;
      content[count++] = words[policy + AT_FID] as number;
      content[count++] = words[policy + AT_PRIORITY] as number;
      content[count++] = action;
      const end = policy + POLICY_HEAD + 2 * (action >>> 16);
      for (let at = policy + POLICY_HEAD; at < end; at++) content[count++] = words[at] as number;
    }
    return content.subarray(0, count);
  }
}

function lowestId({ words, starts }: PolicyWords): number {
  let lowest = starts.length > 1 ? 0xffff_ffff : 0;
  for (let rank = 0; rank + 1 < starts.length; rank++) {
    lowest = Math.min(lowest, words[(starts[rank] as number) + AT_ID] as number);
  }
  return lowest;
}

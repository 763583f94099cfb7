/** The rows of cx_explained as what a packet met on its way. */
import { CxExplainStep, type CxNode, decodeCxExplained } from './generated.js';

/** A binding that was looked at, and the row it used at that moment; 0 is not usable. */
export interface ExplainedBinding {
  readonly index: number;
  readonly row: number;
}

/** A policy that matches the packet, in the order in which they were tried. */
export interface ExplainedPolicy {
  /** Position among the router's policies in the order of their FID-PRI. */
  readonly rank: number;
  /** Stable id, by which its counters are found. */
  readonly id: number;
  /** It matches but for the mark, which is not known at this hook. */
  readonly markOpen: boolean;
  readonly bindings: readonly ExplainedBinding[];
}

/** One draw of a `balance`: the least one carries the flow. */
export interface ExplainedShare {
  readonly index: number;
  readonly weight: number;
  readonly draw: number;
}

/** What one classification did. */
export interface ExplainedSteps {
  /** Undefined when the packet did not come as far as the policies. */
  readonly router: { readonly id: number; readonly slot: number; readonly markKnown: boolean } | undefined;
  /** The packet's key, by enum cx_field; undefined when the router has no policies. */
  readonly key: readonly number[] | undefined;
  /** Nodes of the decision trees that were visited. */
  readonly nodes: readonly CxNode[];
  readonly policies: readonly ExplainedPolicy[];
  readonly shares: readonly ExplainedShare[];
  /** The router's bindings by BID-PRI, when no policy decided. */
  readonly fallback: readonly ExplainedBinding[] | undefined;
  /** The binding that was to carry it, and the bytes that its MTU was compared with. */
  readonly choices: readonly (ExplainedBinding & { readonly bytes: number })[];
}

/** Reads rows as the programs wrote them, without the head. */
export function decodeSteps(rows: Uint8Array, rowSize: number): ExplainedSteps {
  let router: ExplainedSteps['router'];
  let key: number[] | undefined;
  let fallback: ExplainedBinding[] | undefined;
  let looked: ExplainedBinding[] = [];
  const nodes: CxNode[] = [];
  const policies: ExplainedPolicy[] = [];
  const shares: ExplainedShare[] = [];
  const choices: (ExplainedBinding & { bytes: number })[] = [];
  for (let at = 0; at < rows.length; at += rowSize) {
    const { step, values } = decodeCxExplained(rows, at);
    const [a = 0, b = 0, c = 0, d = 0] = values;
    switch (step) {
      case CxExplainStep.ROUTER:
        router = { id: a, slot: b, markKnown: c !== 0 };
        break;
      case CxExplainStep.KEY:
        key ??= [];
        key.splice(a, 3, b, c, d);
        break;
      case CxExplainStep.NODE:
        nodes.push({ operation: a, low: b, extent: c, target: d });
        break;
      case CxExplainStep.POLICY:
        looked = [];
        policies.push({ rank: a, id: b, markOpen: c !== 0, bindings: looked });
        break;
      case CxExplainStep.DEFAULT:
        looked = [];
        fallback = looked;
        break;
      case CxExplainStep.BINDING:
        looked.push({ index: a, row: b });
        break;
      case CxExplainStep.SHARE:
        shares.push({ index: a, weight: b, draw: c });
        break;
      case CxExplainStep.CHOICE:
        choices.push({ index: a, row: b, bytes: c });
        break;
    }
  }
  return { router, key, nodes, policies, shares, fallback, choices };
}

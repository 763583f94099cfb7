/** Policies into the rows of a generation, at once; `compiler.ts` does the same without holding up the process. */
import {
  type CompileContext,
  type GenerationWords,
  label,
  type NumberedCgroup,
  writeGeneration,
} from './generation-words.js';
import type { RouterPolicySet } from './policy.js';
import { PolicyError } from './policy-error.js';
import { GenerationBuilder, type GenerationRows, type Refusal } from './tree/generation.js';

/** A policy table ready to be written. */
export interface CompiledGeneration extends GenerationRows {
  /** The cgroups that policies name and that there are. */
  readonly cgroups: readonly NumberedCgroup[];
  /** Counter ids of all policies. */
  readonly policyIds: ReadonlySet<number>;
}

/**
 * Lays the policies of all routers out as one generation. The same input gives the same output, whatever
 * the order of routers, policies and bindings in it.
 * @throws PolicyError POLICY_LIMIT naming what does not fit; POLICY_BINDING_UNKNOWN
 */
export function compileGeneration(
  routers: readonly RouterPolicySet[],
  context: CompileContext,
  builder = new GenerationBuilder(),
): CompiledGeneration {
  const writing = writeGeneration(routers, context);
  let step = writing.next();
  while (!step.done) step = writing.next();
  const { words } = step.value;
  const result = builder.build(words.words.subarray(0, words.length), context.limits);
  return finish(routers, step.value, result);
}

/** Joins what the builder made with what it was made of. @throws PolicyError POLICY_LIMIT */
export function finish(
  routers: readonly RouterPolicySet[],
  { cgroups, policyIds }: GenerationWords,
  result: GenerationRows | Refusal,
): CompiledGeneration {
  if ('refused' in result) throw refusalError(routers, result);
  return { ...result, cgroups, policyIds };
}

const REFUSALS: Readonly<Record<Refusal['refused'], [what: string, hint: string]>> = {
  rules: [
    'does not fit: its lists and ranges together make too many combinations',
    'write fewer or wider ranges, or raise limits.policies and restart',
  ],
  nodes: [
    'does not fit: the decision trees are full',
    'raise limits.policies and restart, or write fewer policies with wider selectors',
  ],
  steps: [
    'overlaps with so many others that packets would be compared with too many of them',
    'write policies whose selectors overlap less',
  ],
};

function refusalError(routers: readonly RouterPolicySet[], { refused, routerId, fid }: Refusal): PolicyError {
  const router = routers.find((each) => each.routerId === routerId);
  const policy = router?.policies.find((each) => each.fid === fid);
  const [what, hint] = REFUSALS[refused];
  return new PolicyError('POLICY_LIMIT', `${label(routerId, policy)} ${what}`, hint);
}

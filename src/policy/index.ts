export { bindingsOf, formatAction, isAlwaysActive } from './action.js';
export {
  formatAddressMatch,
  formatAddressRange,
  isSetName,
  joinAddressRanges,
  matchOfPrefix,
  parseAddressMatch,
  parseAddressRange,
  parseAddressTerm,
  resolveTerms,
} from './address-match.js';
export { isWithinCgroup, joinCgroups, parseCgroup } from './cgroup.js';
export { type CompiledGeneration, compileGeneration } from './compile.js';
export { PolicyCompiler } from './compiler.js';
export type { CompileContext } from './generation-words.js';
export { type LintFinding, lintPolicies } from './lint.js';
export { formatMark, parseMark } from './mark.js';
export { ICMPV6, isExtensionHeader, PROTOCOLS_WITH_PORTS } from './number-names.js';
export { canMatchSame } from './overlap.js';
export type { Action, Otherwise, Policy, PolicyBinding, RouterPolicySet, Share } from './policy.js';
export { PolicyError } from './policy-error.js';
export {
  formatRange,
  formatRanges,
  holds,
  joinRanges,
  parseRange,
  parseRanges,
  RANGE_FIELDS,
  RANGE_KEYS,
  type RangeKey,
  rangeForm,
} from './range.js';
export { type Decision, decide, type Packet } from './reference.js';
export {
  type AddressMatch,
  type AddressRange,
  ANY,
  type Mark,
  type Range,
  type Selector,
} from './selector.js';
export { formatSelector } from './selector-text.js';
export { BINDINGS_PER_POLICY, BINDINGS_PER_ROUTER } from './table.js';

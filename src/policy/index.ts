export {
  type CompileContext,
  type CompiledGeneration,
  type CompiledPolicy,
  type CompiledRouter,
  compileGeneration,
} from './compile.js';
export type { Policy, PolicyBinding, RouterPolicySet } from './policy.js';
export { PolicyError, type PolicyErrorCode } from './policy-error.js';
export { formatProtocol, hasPorts, isExtensionHeader, PROTOCOL_NAMES, parseProtocol } from './protocol.js';
export { type Decision, type DecisionState, decide, type Packet } from './reference.js';
export {
  ANY,
  formatMark,
  formatPorts,
  formatSelector,
  formatSelectorPrefix,
  type Mark,
  type PortRange,
  parseMark,
  parsePorts,
  parseSelectorPrefix,
  type Selector,
} from './selector.js';
export { BINDINGS_PER_POLICY, BINDINGS_PER_ROUTER, POLICIES_PER_ROUTER } from './table.js';

export {
  type CompileContext,
  type CompiledGeneration,
  type CompiledPolicy,
  compileGeneration,
} from './compile.js';
export type { Policy, RouterPolicySet } from './policy.js';
export { PolicyError } from './policy-error.js';
export { formatProtocol, hasPorts, isExtensionHeader, PROTOCOL_NAMES, parseProtocol } from './protocol.js';
export { type Decision, decide, type Packet } from './reference.js';
export {
  ANY,
  formatMark,
  formatPorts,
  formatSelector,
  formatSelectorPrefix,
  parseMark,
  parsePorts,
  parseSelectorPrefix,
  type Selector,
} from './selector.js';
export { BINDINGS_PER_POLICY, BINDINGS_PER_ROUTER, POLICIES_PER_ROUTER } from './table.js';

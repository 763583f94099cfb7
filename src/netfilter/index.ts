export {
  type BypassedRule,
  bypassedRules,
  type ForwardedTraffic,
  formatBypassedRule,
} from './impact.js';
export { readIp6tables, readNftables } from './reader.js';
export type { Ruleset } from './ruleset.js';
export { RulesetError } from './ruleset-error.js';

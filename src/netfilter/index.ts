export { bypassedRules, formatBypassedRule } from './impact.js';
export { hasIp6tables, readRuleset } from './reader.js';
export type { Ruleset } from './ruleset.js';

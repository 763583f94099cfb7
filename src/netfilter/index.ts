export { bypassedRules, formatBypassedRule, watchesEgress } from './impact.js';
export { hasIp6tables, readRuleset } from './reader.js';
export type { Chain, Ruleset } from './ruleset.js';

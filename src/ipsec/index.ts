export { bypassedPolicies, type FastTraffic } from './impact.js';
export { type IpsecPolicies, readIpsecPolicies } from './policies.js';

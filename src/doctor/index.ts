export type { Check, Verdict } from './check.js';
export { examine } from './examine.js';

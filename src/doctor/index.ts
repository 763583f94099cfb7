export type { Check } from './check.js';
export { examine } from './examine.js';
export { remarksHere } from './remarks.js';

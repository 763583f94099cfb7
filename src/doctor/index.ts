export type { Check } from './check.js';
export { examine } from './examine.js';
export { type Remark, remarksHere } from './remarks.js';

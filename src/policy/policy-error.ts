/**
 * - `SELECTOR_INVALID`: a text that is not the selector it should be
 * - `POLICY_LIMIT`: something does not fit into the datapath's tables; the message names it
 * - `POLICY_BINDING_UNKNOWN`: a policy uses a binding its router does not have
 */
export type PolicyErrorCode = 'SELECTOR_INVALID' | 'POLICY_LIMIT' | 'POLICY_BINDING_UNKNOWN';

/** A policy that cannot be read or compiled; match on `code`. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code: PolicyErrorCode;
  /** What is wrong, without the hint. */
  readonly what: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: PolicyErrorCode, what: string, hint: string) {
    super(`${what}; ${hint}`);
    this.code = code;
    this.what = what;
    this.hint = hint;
  }
}

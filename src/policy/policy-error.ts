/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const POLICY_ERRORS = {
  SELECTOR_INVALID: {
    means: 'a text is not the selector it should be',
    remedy: 'write what the message shows; `docs/configuration.md` has the form of each',
  },
  POLICY_LIMIT: {
    means: 'something does not fit into the tables of the datapath; the message names it',
    remedy: 'raise the limit that is named, or write fewer policies with wider selectors',
  },
  POLICY_BINDING_UNKNOWN: {
    means: 'a policy uses a binding that its router does not have',
    remedy: 'correct the list of bindings or add the binding',
  },
} as const;

export type PolicyErrorCode = keyof typeof POLICY_ERRORS;

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

/** A text that is not what it should be. */
export function invalid(value: string | number, expected: string, hint: string): PolicyError {
  return new PolicyError('SELECTOR_INVALID', `${JSON.stringify(value)} is not ${expected}`, hint);
}

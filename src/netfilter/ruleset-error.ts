export type RulesetErrorCode =
  | 'NFT_MISSING'
  | 'NFT_FAILED'
  | 'NFT_UNREADABLE'
  | 'IP6TABLES_MISSING'
  | 'IP6TABLES_FAILED'
  | 'IP6TABLES_UNREADABLE';

/** The rules of netfilter could not be read; the message says why and what to do. */
export class RulesetError extends Error {
  override readonly name = 'RulesetError';
  readonly code: RulesetErrorCode;

  constructor(code: RulesetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

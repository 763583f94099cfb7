/** Stable codes of everything that can go wrong between us and our maps and programs. */
export type DatapathErrorCode =
  | 'BPFFS_MISSING'
  | 'OBJECT_MISSING'
  | 'PINNED_STATE_UNREADABLE'
  | 'LIMITS_CHANGED'
  | 'ROLE_CHANGED'
  | 'MAP_FULL'
  | 'GENERATION_NOT_WRITTEN'
  | 'ATTACH_FAILED';

/** A datapath that cannot be loaded, adopted or written; `hint` says what to do. */
export class DatapathError extends Error {
  override readonly name = 'DatapathError';
  readonly code: DatapathErrorCode;
  readonly hint: string;

  constructor(code: DatapathErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

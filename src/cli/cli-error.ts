/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const CLI_ERRORS = {
  USAGE: {
    means: 'the command line cannot be understood (exit status 2)',
    remedy: '`coax --help` and `coax COMMAND --help` show what there is',
  },
} as const;

/** The command line cannot be understood; exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE' satisfies keyof typeof CLI_ERRORS;
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

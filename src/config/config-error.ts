/** One thing that is wrong with a configuration file. */
export interface ConfigProblem {
  readonly file: string;
  /** 1-based; 0 when the problem is the file as a whole. */
  readonly line: number;
  /** 1-based; 0 when the problem is the file as a whole. */
  readonly column: number;
  /** Where in the settings, such as `bindings[0].bid`; empty at the top. */
  readonly path: string;
  readonly message: string;
  /** What to write or do instead. */
  readonly hint: string;
}

/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const CONFIG_ERRORS = {
  CONFIG_INVALID: {
    means:
      'the content of the configuration file is refused; every problem has its own line with file, line and column',
    remedy: 'correct each line as its hint says, test with `coax check --config FILE`, then reload',
  },
  CONFIG_UNREADABLE: {
    means: 'the configuration file cannot be read at all',
    remedy: 'name another file with --config, or make it readable for the user of the daemon',
  },
  CONFIG_READING_ENDED: {
    means:
      'the thread in which the daemon reads the configuration file ended before it was done, so because it took too much memory',
    remedy: 'write fewer policies or routers; after a reload the old configuration stays active',
  },
} as const;

export type ConfigErrorCode = keyof typeof CONFIG_ERRORS;

/** A configuration that is not accepted. The message has one line for each problem, in file order. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map(formatProblem).join('\n'), options);
    this.code = code;
    this.problems = sorted;
  }
}

/** `file.yaml:3:11: bindings[0].bid: what is wrong; what to write instead` */
export function formatProblem({ file, line, column, path, message, hint }: ConfigProblem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return `${place}: ${path === '' ? '' : `${path}: `}${message}; ${hint}`;
}

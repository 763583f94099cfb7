/** Environment variables that are read; a test compares the names with the sources. */
export const ENVIRONMENT = {
  COAX_LOG_LEVEL: {
    default: '`info`; `warn` for `coax up`',
    means: 'Least level that is logged: trace, debug, info, warn, error, fatal or silent',
  },
  COAX_DEBUG: { default: 'not set', means: 'When set, an error of a command prints its stack too' },
  NO_COLOR: { default: 'not set', means: 'When set and not empty, output on a terminal has no colours' },
  CREDENTIALS_DIRECTORY: {
    default: 'set by systemd',
    means: 'Where the files of `LoadCredential=` are, which nobody else can read',
  },
  NOTIFY_SOCKET: { default: 'set by systemd', means: 'Where the daemon says that it is ready or stopping' },
  WATCHDOG_USEC: {
    default: 'set by systemd',
    means: 'How often the daemon has to say that it lives, microseconds',
  },
  WATCHDOG_PID: { default: 'set by systemd', means: 'The process that the watchdog is meant for' },
} as const;

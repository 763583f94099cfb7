/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const KEY_ERRORS = {
  KEY_FILE_UNREADABLE: {
    means: 'a file with keys is not there, or the daemon may not read it',
    remedy: 'correct the path; under systemd `LoadCredential=` hands the daemon a file of root',
  },
  KEY_FILE_OPEN: {
    means: 'a file with keys can be read or changed by others than root and the daemon',
    remedy: '`chown root FILE; chmod 600 FILE`, then make new keys: these are known',
  },
  KEY_FILE_INVALID: {
    means: 'a file with keys does not hold what its kind needs',
    remedy:
      '`coax keys FILE` makes one for ESP, `coax keys --registration FILE` one to register with; `wg genkey` and `wg genpsk` make those of WireGuard',
  },
  KEYS_SPENT: {
    means: 'all pairs of keys in the file were used, and a care-of address needs one that was not',
    remedy: 'make more with `coax keys`, add them to the end of the file at both ends, then reload both',
  },
  KEY_STATE_BROKEN: {
    means: 'which pairs of keys were used cannot be read or written down, so none is used',
    remedy:
      'make the folder of `state:` writable for the daemon; if the file is broken, remove it and make new keys',
  },
  KEY_FILE_EXISTS: {
    means: 'new keys were to go into a file that is there',
    remedy: 'name another file, or remove that one when both ends are done with it',
  },
} as const;

export type KeyErrorCode = keyof typeof KEY_ERRORS;

/** A file with keys cannot be used. Never says anything of the keys. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;
  readonly hint: string;

  constructor(code: KeyErrorCode, message: string, hint: string = KEY_ERRORS[code].remedy) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

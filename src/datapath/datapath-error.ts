/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const DATAPATH_ERRORS = {
  BPFFS_MISSING: {
    means: 'there is no BPF file system where the pins are to be',
    remedy: '`mount -t bpf bpf /sys/fs/bpf`, or set `bpffs:` to where one is mounted',
  },
  OBJECT_MISSING: {
    means: 'the compiled kernel programs are not there',
    remedy: '`make build`, or install the package again',
  },
  PINNED_STATE_UNREADABLE: {
    means:
      'a pinned map has another layout than it should have, or the state of an older version cannot be read',
    remedy: '`coax down` of that instance, then start again; traffic stops in between',
  },
  PINNED_STATE_NEWER: {
    means: 'the instance runs with the state of a newer version, which this one cannot know',
    remedy: 'start the newer version again; to go back, `coax down` first, traffic stops in between',
  },
  XFRM_INFO_REFUSED: {
    means:
      'the programs for an external xfrm interface cannot be loaded: the kernel is older than 6.2, or the daemon has not CAP_SYS_ADMIN, by which alone the types of a kernel module are found',
    remedy:
      'write `tunnel: device` and `device: {kind: xfrm}` in the bindings, which needs neither; or take a newer kernel and give the daemon CAP_SYS_ADMIN (docs/tunnels.md)',
  },
  INSTANCE_NOT_LOADED: {
    means: 'there is no state of this instance that could be asked',
    remedy: 'start its daemon or `coax up`, or name another `--instance` or `--config`',
  },
  INSTANCE_ELSEWHERE: {
    means: 'the programs of this instance sit on interfaces of another network namespace',
    remedy: 'start the daemon there, `coax down` there first, or choose another `instance:`',
  },
  UPGRADE_NOT_VERIFIED: {
    means: 'the state made for this version reads back differently; packets still use the older one',
    remedy: 'it is tried again; when it stays, look for another program that writes to our maps',
  },
  LIMITS_CHANGED: {
    means: '`limits:` asks for other sizes than the pinned maps have',
    remedy: '`coax down`, then start again with the new limits, or put the old ones back',
  },
  ROLE_CHANGED: {
    means: 'the instance runs in the other role',
    remedy: '`coax down` first, or choose another `instance:`',
  },
  MAP_FULL: {
    means: 'a table of the datapath has no room; what did not fit does not work, the rest does',
    remedy: 'raise the limit that the message names, then `coax down` and start again',
  },
  GENERATION_NOT_WRITTEN: {
    means: 'a policy generation that was read back is not what was written; the old one stays active',
    remedy: 'reload; when it comes back, look for another program that writes to our maps',
  },
  ATTACH_FAILED: {
    means: 'a program could not be attached to an interface; it is tried again',
    remedy: 'the message says why; `coax doctor --config FILE` names privileges and programs of others',
  },
  XDP_NOT_ATTACHED: {
    means:
      'an XDP program could not be attached to an interface; TC carries its packets, and it is tried again',
    remedy: 'set `xdp.interfaces:` of that interface to `auto` or `off`, or take the other XDP program away',
  },
} as const;

export type DatapathErrorCode = keyof typeof DATAPATH_ERRORS;

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

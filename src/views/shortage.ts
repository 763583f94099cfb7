/**
 * What a machine can run out of, by errno: nothing of it is a fault of ours, all of it may pass. Whoever meets one
 * says it and tries again later, and what a hint here advises is the same everywhere.
 */
const SHORTAGES = {
  EMFILE: 'raise the limit of open files of the process: `LimitNOFILE=` in the unit, `ulimit -n` in a shell',
  ENFILE: 'the whole machine has too many open files: raise `fs.file-max`, or end what holds them',
  ENOSPC: 'make room where the message says; `df` and `df -i` show what is full',
  EDQUOT: 'make room where the message says, or raise the quota of the user',
  EROFS: 'mount the file system writable again, such as `mount -o remount,rw /sys/fs/bpf`',
  ENOMEM: 'free memory or raise the limit: `MemoryMax=` in the unit, `memory.max` of the cgroup',
  EAGAIN: 'the limit of processes or of locked memory is reached: raise `LimitNPROC=` or `LimitMEMLOCK=`',
} as const;

type Shortage = keyof typeof SHORTAGES;

/** The shortage that an error, or what caused it, tells of. */
export function shortageOf(error: unknown): { code: Shortage; hint: string } | undefined {
  const { code, errnoName, cause } = (error ?? {}) as {
    code?: unknown;
    errnoName?: unknown;
    cause?: unknown;
  };
  for (const name of [errnoName, code]) {
    if (typeof name === 'string' && Object.hasOwn(SHORTAGES, name)) {
      return { code: name as Shortage, hint: SHORTAGES[name as Shortage] };
    }
  }
  return cause === undefined || cause === error ? undefined : shortageOf(cause);
}

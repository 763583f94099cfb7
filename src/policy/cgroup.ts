import { invalid } from './policy-error.js';

const FORM = "write the absolute path below the cgroup file system, for example '/system.slice/x.service'";
const LONGEST = 4095;
const LONGEST_NAME = 255;

/**
 * Reads the path of a cgroup (v2) as `/proc/PID/cgroup` shows it; only its form is checked.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseCgroup(value: string): string {
  if (value === '/') return value;
  if (!value.startsWith('/')) throw invalid(value, 'the path of a cgroup', FORM);
  if (value.startsWith('/sys/fs/cgroup/')) {
    const rest = value.slice('/sys/fs/cgroup'.length);
    throw invalid(value, 'a path below the cgroup file system', `write ${rest}`);
  }
  const names = value.slice(1).split('/');
  if (names.includes('..') || names.includes('.')) {
    throw invalid(value, "the path of a cgroup ('.' and '..' have no place in it)", FORM);
  }
  if (names.includes('')) {
    throw invalid(
      value,
      'the path of a cgroup (a name between two slashes, or at the end, is empty)',
      `write ${value.replace(/\/+/g, '/').replace(/\/$/, '')}`,
    );
  }
  const tooLong = names.some((name) => Buffer.byteLength(name) > LONGEST_NAME);
  if (tooLong || Buffer.byteLength(value) > LONGEST || value.includes('\0')) {
    throw invalid(value, 'the path of a cgroup', `${FORM}, at most ${LONGEST_NAME} bytes for each name`);
  }
  return value;
}

/** Whether a process in the cgroup `path` is in `ancestor` or below it. */
export function isWithinCgroup(path: string, ancestor: string): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}

/** Sorts paths and leaves out those that lie below others. */
export function joinCgroups(paths: readonly string[]): readonly string[] {
  const outer = [...new Set(paths)].filter(
    (path, _at, all) => !all.some((other) => other !== path && isWithinCgroup(path, other)),
  );
  return Object.freeze(outer.sort());
}

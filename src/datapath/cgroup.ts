import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Where cgroups (v2) are, on machines that have only these and on those that have both kinds. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** Where cgroups (v2) are mounted; undefined where they are not. */
export function cgroupMount(): string | undefined {
  // Every cgroup has this file, and other directories have not.
  return MOUNTS.find(
    (mount) => statSync(join(mount, 'cgroup.controllers'), { throwIfNoEntry: false }) !== undefined,
  );
}

/** The kernel's id of a cgroup (v2): the inode of its directory. Undefined while there is none of that path. */
export function findCgroup(path: string): bigint | undefined {
  for (const mount of MOUNTS) {
    // Every cgroup has this file, and other directories have not.
    if (statSync(join(mount, path, 'cgroup.controllers'), { throwIfNoEntry: false }) === undefined) continue;
    return statSync(join(mount, path), { bigint: true, throwIfNoEntry: false })?.ino;
  }
  return undefined;
}

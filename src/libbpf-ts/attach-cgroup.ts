import { closeSync, constants, openSync } from 'node:fs';
import { addon } from '../native/addon.js';
import { checkName } from './check.js';
import { native } from './errors.js';
import { ATTACH_TYPES } from './kernel-types.js';
import { BpfLink } from './link.js';
import type { BpfProgram } from './program.js';
import { systemError } from './system-error.js';

/**
 * Attaches to a cgroup (v2), beside the programs that are there already: the program sees every socket that a process
 * in the cgroup, or below it, makes from then on, in any network namespace. The program's section is
 * `cgroup/sock_create`.
 * @param path directory of the cgroup
 * @throws BpfError ENOENT without such a directory, EBADF when it is no cgroup, EINVAL for a program of another type
 */
export function attachCgroupSocketCreate(program: BpfProgram, path: string): BpfLink {
  checkName('path', path);
  const operation = `attach program '${program.name}' to the cgroup ${path}`;
  let directory: number;
  try {
    directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw systemError(error, operation);
  }
  try {
    return new BpfLink(
      native(() => addon().BpfLink.create(program.fd, directory, ATTACH_TYPES.cgroupSocketCreate, 0), {
        operation,
      }),
    );
  } finally {
    closeSync(directory);
  }
}

// What a daemon may do in the lab: an ordinary user with exactly the capabilities of packaging/coaxial.service.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Nobody in particular. */
const ORDINARY_USER = 65534;
const CAPABILITIES = ['bpf', 'net_admin', 'net_raw', 'perfmon'];

/**
 * Owns the lab's directory and its BPF file system, and runs the daemons. Where an ordinary user cannot read our
 * programs (a checkout below /root) that is root, without any of root's other capabilities.
 */
export const DAEMON_USER = ourProgramsAreReadable() ? ORDINARY_USER : 0;

/**
 * `setpriv` words in front of a program.
 * @param more capabilities that a setting needs beside those of all daemons
 */
export function asDaemon(program: string, args: readonly string[], more: readonly string[] = []): string[] {
  const wanted = [...CAPABILITIES, ...more].map((name) => `+${name}`).join(',');
  const bounded = [`--bounding-set=-all,${wanted}`];
  const ordinary = [...become(DAEMON_USER), `--inh-caps=-all,${wanted}`, `--ambient-caps=-all,${wanted}`];
  return [...(DAEMON_USER === ORDINARY_USER ? ordinary : []), ...bounded, '--', program, ...args];
}

function become(user: number): string[] {
  return ['--reuid', String(user), '--regid', String(user), '--clear-groups'];
}

function ourProgramsAreReadable(): boolean {
  return [process.execPath, fileURLToPath(import.meta.url)].every(
    (path) => spawnSync('setpriv', [...become(ORDINARY_USER), 'test', '-r', path]).status === 0,
  );
}

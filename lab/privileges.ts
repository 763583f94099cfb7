// What a daemon may do in the lab: an ordinary user with exactly the capabilities of packaging/coaxial.service.
import { spawnSync } from 'node:child_process';

/** Nobody in particular; owns the lab's directory and its BPF file system. */
export const DAEMON_USER = 65534;

const CAPABILITIES = ['bpf', 'net_admin', 'net_raw', 'perfmon'];

const user = ['--reuid', String(DAEMON_USER), '--regid', String(DAEMON_USER), '--clear-groups'];

/**
 * `setpriv` words in front of a program. Where an ordinary user cannot read the program (a checkout below
 * /root), it runs as root without any of root's other capabilities.
 */
export function asDaemon(program: string, args: readonly string[]): string[] {
  const wanted = CAPABILITIES.map((name) => `+${name}`).join(',');
  const bounded = [`--bounding-set=-all,${wanted}`];
  const ordinary = [...user, `--inh-caps=-all,${wanted}`, `--ambient-caps=-all,${wanted}`];
  return [...(isReadable(program, args) ? ordinary : []), ...bounded, '--', program, ...args];
}

function isReadable(program: string, args: readonly string[]): boolean {
  const paths = [program, ...args.filter((word) => word.startsWith('/') && word.endsWith('.js'))];
  return paths.every((path) => spawnSync('setpriv', [...user, 'test', '-r', path]).status === 0);
}

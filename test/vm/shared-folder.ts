/** A folder of the host as a guest sees it: by virtiofs, through a mount that cannot be written to. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LabProcess } from '../../lab/process.js';
import { until } from '../../lab/wait.js';
import { VmFailedError, VmUnavailableError } from './errors.js';

const VIRTIOFSD = '/usr/lib/qemu/virtiofsd';
const START_TIMEOUT_MS = 10_000;

/**
 * A mount of its own in a mount namespace of its own: even a guest that asks for more gets nothing to write to,
 * and nothing is left of it when the process ends.
 */
const SERVE = `
mount --bind "$1" "$2"
mount -o remount,bind,ro "$2"
exec "$3" --socket-path="$4" -o source="$2" -o sandbox=chroot -o cache=always -o xattr -o log_level=err --thread-pool-size=0
`;

export class SharedFolder {
  readonly tag: string;
  readonly #socket: string;
  readonly #process: LabProcess;

  private constructor(tag: string, socket: string, process: LabProcess) {
    this.tag = tag;
    this.#socket = socket;
    this.#process = process;
  }

  /** @param place an empty folder for its socket and its mount. @throws VmUnavailableError, VmFailedError */
  static async serve(tag: string, folder: string, place: string): Promise<SharedFolder> {
    if (!existsSync(VIRTIOFSD)) {
      throw new VmUnavailableError(`${VIRTIOFSD} is not there: apt-get install qemu-system-common`);
    }
    const mount = join(place, tag);
    const socket = join(place, `${tag}.sock`);
    mkdirSync(mount);
    const serve = ['unshare', '--mount', 'sh', '-e', '-c', SERVE, 'sh', folder, mount, VIRTIOFSD, socket];
    // Ends with us, whatever ends us.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...serve], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new LabProcess(child);
    try {
      await until(() => existsSync(socket) || server.exit !== undefined, {
        what: `${folder} to be shared`,
        timeout: START_TIMEOUT_MS,
      });
      if (server.exit !== undefined) throw new Error(server.stderr.trim());
    } catch (error) {
      await server.end('SIGKILL');
      throw new VmFailedError(`${folder} cannot be shared with the guest`, { cause: error });
    }
    return new SharedFolder(tag, socket, server);
  }

  get emulatorArgs(): string[] {
    return [
      ...['-chardev', `socket,id=${this.tag},path=${this.#socket}`],
      ...['-device', `vhost-user-fs-pci,chardev=${this.tag},tag=${this.tag}`],
    ];
  }

  /** It ends by itself with its guest. */
  async close(): Promise<void> {
    await this.#process.end('SIGKILL');
  }
}

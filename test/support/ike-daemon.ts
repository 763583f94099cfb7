// strongSwan's IKE daemon on one node of the lab, with a file of connections and nothing of the machine's.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabNode } from '../../lab/node.js';
import type { LabProcess } from '../../lab/process.js';
import { until } from '../../lab/wait.js';

const CHARON = '/usr/lib/ipsec/charon';

export class IkeDaemon implements AsyncDisposable {
  readonly #node: LabNode;
  readonly #folder: string;
  readonly #process: LabProcess;

  private constructor(node: LabNode, folder: string, process: LabProcess) {
    this.#node = node;
    this.#folder = folder;
    this.#process = process;
  }

  /**
   * Starts it; resolves when its connections are loaded.
   * @param connections text of a swanctl.conf(5), with its secrets
   */
  static async start(node: LabNode, connections: string): Promise<IkeDaemon> {
    const folder = mkdtempSync(join(tmpdir(), 'coaxial-ike-'));
    writeFileSync(join(folder, 'swanctl.conf'), connections, { mode: 0o600 });
    // Routes are coaxial's business: this daemon would lead everything into its own table.
    const settings = `charon {
  install_routes = no
  install_virtual_ip = no
  retransmit_timeout = 20
  filelog { stderr { default = 1 } }
  load = random nonce aes sha1 sha2 hmac kdf gmp drbg kernel-netlink socket-default vici updown
  plugins { vici { socket = unix://${join(folder, 'vici')} } }
}
`;
    const file = join(folder, 'strongswan.conf');
    writeFileSync(file, settings);
    // Two of them would find each other's pid file below /run.
    const script = `mount -t tmpfs none /run && exec ${CHARON} > ${join(folder, 'log')} 2>&1`;
    const process = node.spawn('unshare', [
      ...['--mount', 'env', `STRONGSWAN_CONF=${file}`, 'sh', '-c', script],
    ]);
    const daemon = new IkeDaemon(node, folder, process);
    try {
      await until(() => existsSync(join(folder, 'vici')), {
        what: `the IKE daemon of ${node.name}`,
        timeout: 20_000,
      });
      await daemon.control('--load-all', '--file', join(folder, 'swanctl.conf'));
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** swanctl(8). @returns what it says @throws CommandError */
  async control(...args: readonly string[]): Promise<string> {
    const [command = '', ...rest] = args;
    const words = [command, '--uri', `unix://${join(this.#folder, 'vici')}`, ...rest];
    return (await this.#node.exec('swanctl', words, { timeout: 60_000 })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end('SIGTERM', 10_000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

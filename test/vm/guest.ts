/** One command as root under another kernel, on this machine's files; what the guest writes is forgotten. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LabProcess } from '../../lab/process.js';
import { type ArchiveEntry, makeArchive } from './archive.js';
import { type Accelerator, chooseAccelerator, type Emulator } from './emulator.js';
import { VmFailedError, VmTimeoutError, VmUnavailableError } from './errors.js';
import type { Kernel } from './kernel.js';
import { Port } from './port.js';
import { SharedFolder } from './shared-folder.js';

const BUSYBOX = '/bin/busybox';
/** The source of init, of which the build has no copy. */
const INIT = fileURLToPath(new URL('../../../../test/vm/init', import.meta.url));

const PROCESSORS = 2;
const MEMORY_MIB = 3_072;
/** Until the command is started, on a machine that has other things to do. */
const BOOT_TIMEOUT_MS = 180_000;
/** Lines; a panic and what led to it. */
const LAST_WORDS = 80;

/**
 * No clock but the counter, no mitigations that emulation pays dearly for, and grace periods that do not wait for
 * processors which are hardly ever idle.
 */
const COMMAND_LINE = [
  'console=ttyS0',
  'panic=-1',
  'mitigations=off',
  'nokaslr',
  'audit=0',
  'tsc=reliable',
  'rcupdate.rcu_expedited=1',
];

export interface GuestOptions {
  readonly cache: string;
  readonly emulator: Emulator;
  readonly kernel: Kernel;
  /** Folder that the guest sees in its place, wherever that is, and in which the command starts. */
  readonly tree: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds that the command may take. */
  readonly timeout: number;
}

export class Guest {
  /** What the command prints. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly accelerator: Accelerator;
  /**
   * The command's exit status, when the guest has gone and nothing of it is left.
   * @throws VmUnavailableError when the command was never started, VmFailedError, VmTimeoutError
   */
  readonly ended: Promise<number>;
  readonly #emulator: LabProcess;

  private constructor(place: Place, emulator: LabProcess, accelerator: Accelerator, options: GuestOptions) {
    this.#emulator = emulator;
    this.accelerator = accelerator;
    this.stdout = place.port('out').output;
    this.stderr = place.port('err').output;
    this.ended = this.#end(place, options);
    // Whoever asks for it later still gets the error.
    this.ended.catch(() => undefined);
  }

  /** @throws VmUnavailableError, VmFailedError */
  static async start(options: GuestOptions): Promise<Guest> {
    if (process.getuid?.() !== 0)
      throw new VmUnavailableError('guests need root, to share folders with them');
    if (!existsSync(BUSYBOX)) {
      throw new VmUnavailableError(`${BUSYBOX} is not there: apt-get install busybox-static`);
    }
    const place = new Place();
    try {
      const initramfs = place.file('initramfs');
      writeFileSync(initramfs, makeArchive(initialFiles(options)));
      const { cache, emulator, kernel } = options;
      const accelerator = await chooseAccelerator(cache, emulator, kernel, initramfs);
      await place.share('root', '/');
      await place.share('tree', options.tree);
      await place.share('modules', kernel.modules);
      for (const name of ['out', 'err', 'status']) await place.listen(name);
      const args = emulatorArgs(options, accelerator, place, initramfs);
      // Ends with us, whatever ends us.
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', emulator.program, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return new Guest(place, new LabProcess(child), accelerator, options);
    } catch (error) {
      await place.remove();
      throw error;
    }
  }

  /** Ends the guest where it stands; `ended` is then an error. */
  kill(): void {
    this.#emulator.kill('SIGKILL');
  }

  async #end(place: Place, options: GuestOptions): Promise<number> {
    try {
      return await this.#watch(place, options);
    } finally {
      await place.remove();
    }
  }

  async #watch(place: Place, options: GuestOptions): Promise<number> {
    let status: number | undefined;
    let late: string | undefined;
    let hasStarted = false;
    const limit = (what: string, timeout: number): NodeJS.Timeout =>
      setTimeout(() => {
        late = `${what} took longer than ${timeout / 1_000} s`;
        this.kill();
      }, timeout);
    let timer = limit('starting', BOOT_TIMEOUT_MS);
    const reading = (async () => {
      for await (const line of createInterface({ input: place.port('status').output })) {
        clearTimeout(timer);
        if (line === 'started') {
          hasStarted = true;
          timer = limit('the command', options.timeout);
        }
        const ended = /^ended (\d+)$/.exec(line)?.[1];
        if (ended !== undefined) {
          status = Number(ended);
          timer = limit('ending', BOOT_TIMEOUT_MS);
        }
      }
    })();
    await this.#emulator.exited;
    place.close();
    await reading;
    clearTimeout(timer);
    if (status !== undefined) return status;
    const told = `${late ?? 'the guest ended before its command'} (kernel ${options.kernel.release}, ${this.accelerator})`;
    const words = [this.#emulator.stderr.trim(), place.lastWords()].filter((text) => text !== '');
    const message = [told, ...words].join('\n');
    // Nothing of ours had been run: this machine cannot run guests.
    if (!hasStarted) throw new VmUnavailableError(message);
    throw new (late === undefined ? VmFailedError : VmTimeoutError)(message);
  }
}

/** The files, servers and sockets of one guest. */
class Place {
  readonly #folder = mkdtempSync(join(tmpdir(), `coaxial-vm-${process.pid}-`));
  readonly #shares: SharedFolder[] = [];
  readonly #ports = new Map<string, Port>();

  file(name: string): string {
    return join(this.#folder, name);
  }

  async share(tag: string, folder: string): Promise<void> {
    this.#shares.push(await SharedFolder.serve(tag, folder, this.#folder));
  }

  async listen(name: string): Promise<void> {
    this.#ports.set(name, await Port.listen(name, this.#folder));
  }

  port(name: string): Port {
    const port = this.#ports.get(name);
    if (port === undefined) throw new TypeError(`there is no port '${name}'`);
    return port;
  }

  get emulatorArgs(): string[] {
    return [...this.#shares, ...this.#ports.values()].flatMap((each) => each.emulatorArgs);
  }

  /** The end of what the guest's kernel said. */
  lastWords(): string {
    const console = this.file('console');
    if (!existsSync(console)) return '';
    return readFileSync(console, 'utf8').trim().split(/\r?\n/).slice(-LAST_WORDS).join('\n');
  }

  close(): void {
    for (const port of this.#ports.values()) port.close();
  }

  async remove(): Promise<void> {
    this.close();
    for (const share of this.#shares) await share.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function initialFiles({ kernel, tree, command, environment = {} }: GuestOptions): ArchiveEntry[] {
  const { HOME = '/root', PATH = '/usr/sbin:/usr/bin:/sbin:/bin', LANG = 'C.UTF-8' } = process.env;
  const variables = Object.entries({ HOME, PATH, LANG, ...environment });
  const script = [
    ...variables.map(([name, value]) => `export ${name}=${quoted(value)}`),
    `cd ${quoted(tree)}`,
    `exec ${command.map(quoted).join(' ')}`,
  ];
  return [
    ...['bin', 'dev', 'early', 'proc', 'sys'].map((path) => ({ path })),
    { path: 'bin/busybox', data: readFileSync(BUSYBOX), executable: true },
    { path: 'init', data: readFileSync(INIT), executable: true },
    { path: 'place', data: Buffer.from(tree) },
    { path: 'command', data: Buffer.from(`${script.join('\n')}\n`) },
    ...kernel.early.map((file) => ({ path: `early/${basename(file)}`, data: readFileSync(file) })),
  ];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function emulatorArgs(
  { emulator, kernel }: GuestOptions,
  accelerator: Accelerator,
  place: Place,
  initramfs: string,
): string[] {
  const emulation = ['-accel', `tcg,thread=${emulator.parallel ? 'multi' : 'single'}`, '-cpu', 'max'];
  return [
    ...emulator.args,
    ...['-M', 'q35', '-m', String(MEMORY_MIB), '-smp', String(PROCESSORS)],
    ...['-nodefaults', '-nic', 'none', '-display', 'none', '-no-reboot'],
    ...(accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : emulation),
    // Whoever serves a folder writes into the guest's memory.
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY_MIB}M,share=on`],
    ...['-numa', 'node,memdev=memory'],
    ...['-kernel', kernel.image, '-initrd', initramfs, '-append', COMMAND_LINE.join(' ')],
    ...['-serial', `file:${place.file('console')}`],
    ...['-device', 'virtio-serial-pci'],
    ...place.emulatorArgs,
  ];
}

/** The QEMU that guests run on, and whether this machine's KVM can run them. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, run } from '../../lab/command.js';
import { fillFolder } from './cache.js';
import { VmUnavailableError } from './errors.js';
import type { Kernel, KernelCache } from './kernel.js';

/** In the form that the guest's init prints it. */
const PROBE_ANSWER = 'coaxial-vm: init is reached';
/** Emulation prints the answer after 2 s; hardware that works is faster. */
const PROBE_SECONDS = 10;
const SUITE = 'bookworm-backports';

export type Accelerator = 'kvm' | 'tcg';

export interface Emulator {
  readonly program: string;
  /** Where its firmware is, if not where it looks for itself. */
  readonly args: readonly string[];
  /** Whether its emulation of two processors at once can be trusted. */
  readonly parallel: boolean;
}

/**
 * A QEMU of at least 10 from Debian's backports, kept in the cache: the system's 7.2 lets a processor run code
 * that another is patching, and then the guest's kernel dies. Without it the system's, one processor at a time.
 * @throws VmUnavailableError when there is none at all
 */
export async function findEmulator(cache: string, kernels: KernelCache): Promise<Emulator> {
  if (process.arch !== 'x64') {
    throw new VmUnavailableError(`guests are amd64, and this machine is ${process.arch}`);
  }
  const system = await run('sh', ['-c', 'command -v qemu-system-x86_64'], { mayFail: true });
  if (system.exitCode !== 0) {
    throw new VmUnavailableError('QEMU is not installed: apt-get install qemu-system-x86');
  }
  const folder = join(cache, 'qemu');
  const program = join(folder, 'usr/bin/qemu-system-x86_64');
  if (!existsSync(program)) {
    try {
      const apt = await kernels.apt();
      await fillFolder(folder, async (place) => {
        await apt.unpack(['qemu-system-x86', 'qemu-system-data'], place, SUITE);
        const { stdout } = await run('ldd', [join(place, 'usr/bin/qemu-system-x86_64')]);
        if (stdout.includes('not found'))
          throw new VmUnavailableError('it needs libraries that are not here');
      });
    } catch (error) {
      if (!(error instanceof VmUnavailableError)) throw error;
      process.stderr.write(`vm: the system's QEMU is used, one processor at a time: ${error.message}\n`);
      return { program: system.stdout.trim(), args: [], parallel: false };
    }
  }
  const firmware = [join(folder, 'usr/share/qemu'), '/usr/share/seabios'].flatMap((path) => ['-L', path]);
  return { program, args: firmware, parallel: true };
}

/**
 * Whether KVM boots this kernel. An open /dev/kvm promises nothing: inside some machines it does not run
 * a kernel of Debian's to its end. Tried once for each kernel and start of this machine.
 * @param initramfs its init must print `PROBE_ANSWER` and power off when the command line has `coaxial.probe`
 */
export async function chooseAccelerator(
  cache: string,
  emulator: Emulator,
  kernel: Kernel,
  initramfs: string,
): Promise<Accelerator> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const note = join(cache, 'kvm', `${boot}-${kernel.release}`);
  if (existsSync(note)) return readFileSync(note, 'utf8') as Accelerator;
  const { stdout } = await probe(emulator, kernel, initramfs);
  const accelerator = stdout.includes(PROBE_ANSWER) ? 'kvm' : 'tcg';
  mkdirSync(join(cache, 'kvm'), { recursive: true });
  writeFileSync(note, accelerator);
  return accelerator;
}

async function probe(emulator: Emulator, kernel: Kernel, initramfs: string): Promise<CommandResult> {
  const machine = ['-M', 'q35', '-m', '512', '-nodefaults', '-nic', 'none', '-display', 'none', '-no-reboot'];
  const boot = ['-kernel', kernel.image, '-initrd', initramfs, '-serial', 'stdio'];
  const append = 'console=ttyS0 quiet panic=-1 coaxial.probe';
  const args = [...emulator.args, ...machine, '-accel', 'kvm', '-cpu', 'host', ...boot, '-append', append];
  return run('timeout', ['-k', '1', String(PROBE_SECONDS), emulator.program, ...args], {
    timeout: (PROBE_SECONDS + 5) * 1_000,
    mayFail: true,
  });
}

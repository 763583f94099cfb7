/** The kernel tests under another kernel: what of them runs there, and what came of it. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Counts, formatCounts, judgeRunner, NO_TESTS, reportTap, sayResult } from '../tap.js';
import { cacheFolder } from './cache.js';
import { type Emulator, findEmulator } from './emulator.js';
import { VmFailedError, VmTimeoutError, VmUnavailableError } from './errors.js';
import { Guest } from './guest.js';
import { type Kernel, KernelCache } from './kernel.js';
import { describeOffers, parseChecks, recordOffers } from './offers.js';

const TREE = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');
const TESTS = 'build/js/test/kernel';
const DOCS = join(TREE, 'docs');
/** Modules that make a device in every namespace, for which reason `coax doctor` leaves them alone. */
const UNTRIED = 'ip6_gre ip6_tunnel';

/** What `make test` runs: each way to the kernel once, where kernels differ most. */
const SHORT = [
  'libbpf-ts/attach',
  'libbpf-ts/kernel',
  'libbpf-ts/object',
  'netlink/request',
  'datapath-state/pins',
  'datapath/packet-tables',
  'datapath/xdp-tables',
  'datapath/devices',
  'datapath/verifier',
].map((name) => `${TESTS}/${name}.test.js`);

/**
 * Emulation is 5 to 80 times slower than the machine it runs on: tests that try often try less often, and those that
 * wait do so for longer.
 */
const ENVIRONMENT = { TEST_WORK: '0.02', TEST_PATIENCE: '15' };

/** As a shell tells of SIGINT. */
const INTERRUPTED = 130;
const TIMEOUT_MS = { short: 900_000, all: 4 * 3_600_000 };

export interface VmSuiteOptions {
  readonly selection: 'short' | 'all';
  /** What a machine that runs no guests counts as. */
  readonly unavailable: 'skipped' | 'failed';
  /** Ask Debian again, whatever the cache has. */
  readonly refresh?: boolean;
  /** Write what each kernel offers into docs/. */
  readonly record?: boolean;
  /** Only the files of the selection that have this in their path below test/kernel. */
  readonly only?: string;
}

export interface VmResult {
  /** Release of the kernel, or what was asked for if there is none. */
  readonly kernel: string;
  readonly counts: Counts;
}

export class VmSuite {
  readonly #options: VmSuiteOptions;
  readonly #cache = cacheFolder();
  readonly #kernels: KernelCache;
  #emulator: Promise<Emulator> | undefined;

  constructor(options: VmSuiteOptions) {
    this.#options = options;
    this.#kernels = new KernelCache(this.#cache, { refresh: options.refresh ?? false });
  }

  /** Fetches what a run needs, so that no test waits for a mirror; what is wrong is said by the run. */
  async prepare(name: string): Promise<void> {
    try {
      await this.#kernels.get(name);
      this.#emulator ??= findEmulator(this.#cache, this.#kernels);
      await this.#emulator;
    } catch (error) {
      this.#emulator = undefined;
      if (!(error instanceof VmUnavailableError)) throw error;
    }
  }

  /** All of the selection under one kernel, ending with one line for it. Never throws for what a guest does. */
  async run(name: string): Promise<VmResult> {
    let kernel = name;
    let counts: Counts = { ...NO_TESTS };
    process.stdout.write(`kernel tests under ${name} in a virtual machine\n`);
    try {
      const found = await this.#kernels.get(name);
      kernel = found.release;
      const guest = await this.#start(found, this.#command());
      guest.stderr.pipe(process.stderr, { end: false });
      counts = await reportTap(guest.stdout, (line) => this.#hearBefore(line, kernel));
      counts = judgeRunner(counts, await guest.ended, `vm ${kernel}`);
    } catch (error) {
      counts = this.#judge(error, counts, name);
    }
    process.stdout.write(`${formatResult({ kernel, counts })}\n`);
    return { kernel, counts };
  }

  /** One command instead of the tests; its output is ours. @returns its exit status. @throws the errors of guests */
  async runCommand(name: string, command: readonly string[]): Promise<number> {
    const guest = await this.#start(await this.#kernels.get(name), command);
    guest.stdout.pipe(process.stdout, { end: false });
    guest.stderr.pipe(process.stderr, { end: false });
    return guest.ended;
  }

  async #start(kernel: Kernel, command: readonly string[]): Promise<Guest> {
    this.#emulator ??= findEmulator(this.#cache, this.#kernels);
    const guest = await Guest.start({
      cache: this.#cache,
      emulator: await this.#emulator,
      kernel,
      tree: TREE,
      command,
      environment: ENVIRONMENT,
      timeout: TIMEOUT_MS[this.#options.selection],
    });
    endWithUs(guest);
    return guest;
  }

  /** What comes before the tests: what `coax doctor` found, on one line. */
  #hearBefore(line: string, release: string): void {
    const checks = parseChecks(line);
    const lines = checks === undefined ? [line] : describeOffers(checks);
    for (const each of lines) process.stdout.write(`  ${each}\n`);
    if (checks !== undefined && this.#options.record) recordOffers(release, checks, DOCS);
  }

  /**
   * `coax doctor` at first: what the kernel offers stands above what is skipped for want of it. The modules it would not
   * load by itself are there for it only.
   */
  #command(): string[] {
    const { selection, only } = this.#options;
    const files = only
      ? [`${TESTS}/**/*${only}*/**`, `${TESTS}/**/*${only}*`]
      : selection === 'short'
        ? SHORT
        : [];
    const script = [
      `/sbin/modprobe -qa ${UNTRIED}`,
      `node build/coax/main.js doctor --json | tr -d '\\n'`,
      'echo',
      `/sbin/modprobe -qr ${UNTRIED}`,
      'exec node "$@"',
    ].join('\n');
    const ava = 'node_modules/ava/entrypoints/cli.mjs';
    return ['sh', '-c', script, 'sh', ava, '--config', 'ava.vm.config.js', '--tap', ...files];
  }

  #judge(error: unknown, counts: Counts, name: string): Counts {
    if (error instanceof VmUnavailableError) {
      const { unavailable } = this.#options;
      sayResult(unavailable === 'skipped' ? 'skipped' : 'FAILED', `kernel ${name}: ${error.message}`);
      return { ...counts, [unavailable]: counts[unavailable] + 1 };
    }
    if (error instanceof VmFailedError || error instanceof VmTimeoutError) {
      sayResult('FAILED', `kernel ${name}: ${error.message}`);
      return { ...counts, failed: counts.failed + 1 };
    }
    throw error;
  }
}

/** An interrupt ends the guest, and us when nothing of it is left. */
function endWithUs(guest: Guest): void {
  const settled = guest.ended.then(
    () => undefined,
    () => undefined,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const end = (): void => {
      guest.kill();
      void settled.then(() => process.exit(INTERRUPTED));
    };
    process.once(signal, end);
    void settled.then(() => process.off(signal, end));
  }
}

/** The line of one kernel. */
export function formatResult({ kernel, counts }: VmResult): string {
  return `vm ${kernel}: ${formatCounts(counts)}`;
}

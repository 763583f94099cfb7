/** What every test in a guest relies on: streams, status, a host that stays as it is, and an end to everything. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { cacheFolder } from '../../vm/cache.js';
import { findEmulator } from '../../vm/emulator.js';
import { VmUnavailableError } from '../../vm/errors.js';
import { Guest, type GuestOptions } from '../../vm/guest.js';
import { KernelCache, OLDEST } from '../../vm/kernel.js';

const TRACE = '/etc/coaxial-guest-was-here';
const BYTES = 3_000_000;

type Machine = Pick<GuestOptions, 'cache' | 'emulator' | 'kernel'>;

/** What a guest needs, one having started; what is missing is named in the title of the tests that it skips. */
async function findMachine(): Promise<Machine | VmUnavailableError> {
  const cache = cacheFolder();
  const kernels = new KernelCache(cache);
  const tree = mkdtempSync(join(tmpdir(), 'coaxial-tree-'));
  try {
    const found = { cache, kernel: await kernels.get(OLDEST), emulator: await findEmulator(cache, kernels) };
    const guest = await Guest.start({ ...found, tree, command: ['true'], timeout: 60_000 });
    await guest.ended;
    return found;
  } catch (error) {
    if (error instanceof VmUnavailableError) return error;
    throw error;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const machine = await findMachine();

function guestTest(title: string, body: (t: ExecutionContext, options: GuestOptions) => Promise<void>): void {
  if (machine instanceof VmUnavailableError) {
    test.serial.skip(`${title}: ${machine.message}`, () => undefined);
    return;
  }
  test.serial(title, async (t) => {
    t.timeout(600_000);
    // Below /tmp, where the guest has a file system of its own.
    const tree = mkdtempSync(join(tmpdir(), 'coaxial-tree-'));
    t.teardown(() => rmSync(tree, { recursive: true }));
    writeFileSync(join(tree, 'told'), 'by the host');
    await body(t, { ...machine, tree, command: [], timeout: 300_000 });
    t.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith(`coaxial-vm-${process.pid}-`)),
      [],
      'nothing is left',
    );
  });
}

guestTest('a command runs in the work tree; its output and status come back whole', async (t, options) => {
  const script = `
    head -c ${BYTES} /dev/urandom > random; cat random; sha256sum < random >&2
    echo "$WORD $(uname -r) $(cat told) $0" >&2; exit 7`;
  const command = ['sh', '-c', script, "it's"];
  const guest = await Guest.start({ ...options, command, environment: { WORD: "a 'word'" } });
  const [random, told, status] = await Promise.all([buffer(guest.stdout), text(guest.stderr), guest.ended]);
  t.is(status, 7);
  t.is(random.length, BYTES);
  const [sum, words] = told.trim().split('\n');
  t.is(sum, `${createHash('sha256').update(random).digest('hex')}  -`);
  t.is(words, `a 'word' ${options.kernel.release} by the host it's`);
});

guestTest('what a guest writes is forgotten', async (t, options) => {
  const script = `echo by the guest > told; touch more ${TRACE}; cat told; ls ${TRACE}`;
  const guest = await Guest.start({ ...options, command: ['sh', '-c', script] });
  const [written] = await Promise.all([text(guest.stdout), guest.ended]);
  t.is(written, `by the guest\n${TRACE}\n`);
  t.is(readFileSync(join(options.tree, 'told'), 'utf8'), 'by the host');
  t.deepEqual(readdirSync(options.tree), ['told']);
  t.false(existsSync(TRACE));
});

guestTest('a command that takes too long is ended', async (t, options) => {
  const guest = await Guest.start({ ...options, command: ['sleep', '1000'], timeout: 500 });
  await t.throwsAsync(guest.ended, { code: 'VM_TIMEOUT', message: /^the command took longer than 0.5 s/ });
});

guestTest('a guest whose kernel panics says its last words', async (t, options) => {
  const command = ['sh', '-c', 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger'];
  const guest = await Guest.start({ ...options, command });
  await t.throwsAsync(guest.ended, { code: 'VM_FAILED', message: /sysrq triggered crash/i });
});

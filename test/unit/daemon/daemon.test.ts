import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createClient } from '../../../src/api/index.js';
import { pidFilePath, runDaemon, takeDown } from '../../../src/daemon/index.js';
import { configurationText, writeConfiguration } from '../../support/configuration.js';
import { FakeController } from '../../support/fake-controller.js';
import { temporaryFolder } from '../../support/temporary.js';

const SCRIPT = fileURLToPath(new URL('../../support/fake-daemon.js', import.meta.url));

test('serves until SIGTERM, stops the controller, leaves no file and exits 0', async (t) => {
  const { file, socket } = configure(t);
  const daemon = start(t, file);
  await daemon.logged('ready');
  const pidFile = pidFilePath(socket, 'default');
  t.is(readFileSync(pidFile, 'utf8'), `${daemon.pid} daemon\n`);
  t.is(statSync(socket).mode & 0o777, 0o660);
  t.is((await createClient(socket).status()).pid, daemon.pid);
  t.is(await daemon.end('SIGTERM'), 0);
  await daemon.logged('stopped');
  t.false(existsSync(socket));
  t.false(existsSync(pidFile));
});

test('a second daemon of the instance is refused and names the first', async (t) => {
  const { file, socket } = configure(t);
  const daemon = start(t, file);
  await daemon.logged('ready');
  const controller = new FakeController();
  const error = await t.throwsAsync(runDaemon(file, { createController: () => controller }), {
    code: 'INSTANCE_RUNNING',
  });
  t.true(error.message.includes(`pid ${daemon.pid}`));
  t.deepEqual(controller.calls, []);
  t.is((await createClient(socket).status()).pid, daemon.pid);
});

test('kill -9 does not block the next start', async (t) => {
  const { file, socket } = configure(t);
  const first = start(t, file);
  await first.logged('ready');
  await first.end('SIGKILL');
  t.true(existsSync(socket));
  const second = start(t, file);
  await second.logged('ready');
  t.is((await createClient(socket).status()).pid, second.pid);
});

test('SIGHUP with a bad file logs the problems and keeps the daemon; a good one is taken over', async (t) => {
  const { file, socket } = configure(t);
  const daemon = start(t, file);
  await daemon.logged('ready');
  writeFileSync(file, configurationText({ socket, bid: 0 }));
  daemon.process.kill('SIGHUP');
  const refused = await daemon.logged('configuration not reloaded, the old one stays');
  t.is(refused.code, 'CONFIG_INVALID');
  t.regex(String(refused.problems), /config\.yaml:11:\d+: bindings\[0\]\.bid/);
  await t.throwsAsync(createClient(socket).reload(), { code: 'CONFIG_INVALID' });
  writeFileSync(file, configurationText({ socket, instance: 'other' }));
  await t.throwsAsync(createClient(socket).reload(), { code: 'RELOAD_REFUSED', message: /instance/ });
  writeFileSync(file, configurationText({ socket, bid: 2 }));
  daemon.process.kill('SIGHUP');
  t.is((await daemon.logged('configuration reloaded')).generation, 2);
});

test('a change is one line with bid, from and to', async (t) => {
  const daemon = start(t, configure(t).file);
  await daemon.logged('ready');
  daemon.process.kill('SIGUSR2');
  const line = await daemon.logged('binding lte-a: usable -> no-carrier');
  t.like(line, { bid: 1, from: 'usable', to: 'no-carrier', instance: 'default' });
});

test('a fault is logged and ends the daemon with 1', async (t) => {
  const daemon = start(t, configure(t).file);
  await daemon.logged('ready');
  t.is(await daemon.end('SIGUSR1'), 1);
  await daemon.logged('a fault in the daemon; traffic flows on, a restart adopts it');
});

test('a controller that does not start leaves neither socket nor lock', async (t) => {
  const { file, socket } = configure(t);
  const controller = new FakeController();
  controller.failStart = Object.assign(new Error('no such device'), { code: 'ENODEV' });
  await t.throwsAsync(runDaemon(file, { createController: () => controller }), { code: 'ENODEV' });
  t.deepEqual(controller.calls, ['start', 'stop']);
  t.false(existsSync(socket));
  t.false(existsSync(pidFilePath(socket, 'default')));
});

test('taking down stops the daemon first, and removes while nobody else may start', async (t) => {
  const { file, socket } = configure(t);
  const daemon = start(t, file);
  await daemon.logged('ready');
  const target = { instance: 'default', bpffs: '/nowhere', socket, config: undefined };
  const result = await takeDown(target, async (what) => {
    t.false(existsSync(socket));
    t.deepEqual(what, { instance: 'default', bpffs: '/nowhere' });
    await t.throwsAsync(runDaemon(file, { createController: () => new FakeController() }), {
      code: 'INSTANCE_RUNNING',
      message: /coax down/,
    });
    return { removed: ['everything'] };
  });
  t.deepEqual(result, { removed: ['everything'], stopped: daemon.pid });
  t.false(existsSync(pidFilePath(socket, 'default')));
});

test('taking down believes no pid file that nobody holds', async (t) => {
  const { socket } = configure(t);
  writeFileSync(pidFilePath(socket, 'default'), `${process.pid} daemon\n`);
  const target = { instance: 'default', bpffs: '/nowhere', socket, config: undefined };
  t.is((await takeDown(target, async () => ({ removed: [] }))).stopped, null);
});

function configure(t: ExecutionContext): { file: string; socket: string } {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  return writeConfiguration(path);
}

interface Running {
  pid: number;
  process: ChildProcess;
  /** The first log line with this message, from the beginning. */
  logged: (message: string) => Promise<Record<string, unknown>>;
  /** Sends a signal and waits for the exit status. */
  end: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Starts a daemon process under the name `coax`. */
function start(t: ExecutionContext, file: string): Running {
  const { path, remove } = temporaryFolder();
  const program = join(path, 'coax');
  symlinkSync(SCRIPT, program);
  const child = spawn(process.execPath, [program, 'daemon', file], { stdio: ['ignore', 'inherit', 'pipe'] });
  const lines: Record<string, unknown>[] = [];
  let wake: () => void = () => undefined;
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    wake();
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
    remove();
  });
  return {
    pid: child.pid ?? 0,
    process: child,
    logged: async (message) => {
      for (;;) {
        const found = lines.find((line) => line.msg === message);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    end: async (signal) => {
      child.kill(signal);
      return (await exited)[0];
    },
  };
}

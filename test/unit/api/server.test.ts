import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { type ApiServer, createApi, createClient, serveApi } from '../../../src/api/index.js';
import { FakeController } from '../../support/fake-controller.js';
import { temporaryFolder } from '../../support/temporary.js';

test.serial('the socket has mode 0660 in a folder of mode 0755, and goes with the server', async (t) => {
  const path = join(folder(t), 'run', 'a.sock');
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  const server = await serve(path);
  t.is(statSync(path).mode & 0o777, 0o660);
  t.is(statSync(join(path, '..')).mode & 0o777, 0o755);
  t.is(process.umask(), 0);
  await server.close();
  t.false(existsSync(path));
});

test('client and server speak with each other', async (t) => {
  const path = join(folder(t), 'a.sock');
  const controller = new FakeController();
  const server = await serve(path, controller);
  t.teardown(() => server.close());
  const client = createClient(path);
  t.is((await client.status()).version, '1');
  t.deepEqual(await client.bindings(), controller.bindings());
  t.deepEqual(await client.policies(), controller.policies());
  t.deepEqual(await client.reasons(), controller.reasons());
  t.deepEqual(await client.maps(), controller.maps());
  t.is((await client.map('cx_binding_rows')).rows.length, 3);
  t.is((await client.reload()).generation, 2);
  t.is((await client.setBinding('mr1', 1, { down: true })).state, 'disabled');
  await t.throwsAsync(client.setBinding('mr9', 1, { down: true }), {
    name: 'RemoteError',
    code: 'UNKNOWN_ROUTER',
  });
  await t.throwsAsync(client.map('cx_none'), { code: 'UNKNOWN_MAP', message: /cx_none/ });
});

test('a socket that a killed daemon left is replaced', async (t) => {
  const path = join(folder(t), 'a.sock');
  const listen = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const dead = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(dead.stdout, 'data');
  dead.kill('SIGKILL');
  await once(dead, 'exit');
  t.true(existsSync(path));
  const server = await serve(path);
  t.teardown(() => server.close());
  t.is((await createClient(path).status()).role, 'home-agent');
});

test('a socket that somebody answers on is left alone', async (t) => {
  const path = join(folder(t), 'a.sock');
  const first = await serve(path);
  t.teardown(() => first.close());
  const error = await t.throwsAsync(serve(path), { code: 'DAEMON_RUNNING' });
  t.true(error.message.includes(path));
  t.is((await createClient(path).status()).version, '1');
});

test('a file that is not a socket is left alone', async (t) => {
  const path = join(folder(t), 'a.sock');
  writeFileSync(path, 'precious');
  await t.throwsAsync(serve(path), { code: 'SOCKET_TAKEN' });
  t.true(existsSync(path));
});

test('a path too long for a socket says so', async (t) => {
  const path = join(folder(t), 'x'.repeat(120));
  await t.throwsAsync(serve(path), { code: 'SOCKET_FAILED' });
});

test('nobody there, nobody we know, and nobody who answers', async (t) => {
  const where = folder(t);
  await t.throwsAsync(createClient(join(where, 'none')).status(), { code: 'DAEMON_NOT_REACHABLE' });
  const path = join(where, 'a.sock');
  const mute = createServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nhello')));
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  t.teardown(() => mute.close());
  await t.throwsAsync(createClient(path).status(), { code: 'BAD_ANSWER' });
  const deaf = createServer(() => undefined);
  await new Promise<void>((resolve) => deaf.listen(join(where, 'b.sock'), resolve));
  t.teardown(() => deaf.close());
  const slow = createClient(join(where, 'b.sock'), { timeoutMs: 50 });
  await t.throwsAsync(slow.status(), { code: 'DAEMON_NOT_REACHABLE', message: /50 ms/ });
});

async function serve(path: string, controller = new FakeController()): Promise<ApiServer> {
  const api = createApi(controller, {
    version: '1',
    startedAt: Date.now(),
    reload: () => controller.reload(),
  });
  return serveApi(api, path);
}

function folder(t: { teardown: (end: () => void) => void }): string {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  return path;
}

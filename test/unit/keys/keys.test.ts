import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  KeyError,
  makeEspKeys,
  makeRegistrationKey,
  readEspKeys,
  readRegistrationKey,
  readWireguardKey,
  UsedPairs,
} from '../../../src/keys/index.js';

const KEY = 'ab'.repeat(36);

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'coaxial-keys-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function file(t: ExecutionContext, text: string, mode = 0o600): string {
  const path = join(folder(t), 'keys');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** What is said of a file; never anything that is in it. */
function refused(t: ExecutionContext, path: string, code: string): string {
  const error = t.throws(() => readEspKeys(path), { instanceOf: KeyError, code }) as KeyError;
  t.false(`${error.message} ${error.hint} ${error.stack}`.includes('abab'), error.message);
  return error.message;
}

test('keys that were made can be read, and only by their owner', (t) => {
  const path = join(folder(t), 'esp');
  makeEspKeys(path, 20);
  t.is(statSync(path).mode & 0o777, 0o600);
  const pairs = readEspKeys(path);
  t.is(pairs.length, 20);
  t.is(new Set(pairs.map(({ spi }) => spi)).size, 20);
  t.is(
    new Set(pairs.flatMap(({ up, down }) => [Buffer.from(up).toString(), Buffer.from(down).toString()])).size,
    40,
  );
  t.true(pairs.every(({ spi, up, down }) => spi >= 256 && up.length === 36 && down.length === 36));
  const before = readFileSync(path);
  t.throws(() => makeEspKeys(path, 1), { instanceOf: KeyError, code: 'KEY_FILE_EXISTS' });
  t.deepEqual(readFileSync(path), before);
});

test('a file that others can read or change is refused', (t) => {
  for (const mode of [0o604, 0o640, 0o620, 0o602, 0o644]) {
    const path = file(t, `- {spi: 256, up: '${KEY}', down: '${KEY}'}\n`, mode);
    t.regex(refused(t, path, 'KEY_FILE_OPEN'), new RegExp(`mode ${mode.toString(8)}`));
  }
  const closed = file(t, `- {spi: 256, up: '${KEY}', down: '${KEY}'}\n`, 0o400);
  t.is(readEspKeys(closed).length, 1);
  const link = join(folder(t), 'link');
  symlinkSync(file(t, KEY, 0o644), link);
  refused(t, link, 'KEY_FILE_OPEN');
});

test('what systemd hands over is closed by its folder', (t) => {
  const path = file(t, `- {spi: 256, up: '${KEY}', down: '${KEY}'}\n`, 0o440);
  refused(t, path, 'KEY_FILE_OPEN');
  process.env.CREDENTIALS_DIRECTORY = join(path, '..');
  t.teardown(() => delete process.env.CREDENTIALS_DIRECTORY);
  t.is(readEspKeys(path).length, 1);
});

test('a file that is not there, or holds something else', (t) => {
  refused(t, join(folder(t), 'none'), 'KEY_FILE_UNREADABLE');
  const pair = `{spi: 256, up: '${KEY}', down: '${KEY}'}`;
  const wrong: [string, RegExp][] = [
    ['', /list of 1 to/],
    ['[]', /list of 1 to/],
    [`{a: ${KEY}}`, /list of 1 to/],
    [`- ${KEY}`, /entry 1 is not a group/],
    [`- [${KEY}`, /is not YAML/],
    [`- {spi: 255, up: '${KEY}', down: '${KEY}'}`, /entry 1 needs an spi/],
    [`- {spi: 4294967296, up: '${KEY}', down: '${KEY}'}`, /entry 1 needs an spi/],
    [`- ${pair}\n- {spi: 257, down: '${KEY}'}`, /entry 2 needs a key up/],
    [`- {spi: 256, up: '${KEY}', down: '${KEY}ab'}`, /entry 1 needs a key down/],
    [`- ${pair}\n- ${pair}`, /entry 2 has an SPI that another one has/],
    [`- ${pair}\n`.repeat(257), /list of 1 to 256/],
  ];
  for (const [text, message] of wrong) t.regex(refused(t, file(t, text), 'KEY_FILE_INVALID'), message);
});

test('one key of WireGuard', (t) => {
  const key = Buffer.alloc(32, 7);
  t.deepEqual(Buffer.from(readWireguardKey(file(t, `${key.toString('base64')}\n`))), key);
  for (const text of ['', 'abab', key.toString('hex'), `${key.toString('base64')}\nabab`]) {
    const error = t.throws(() => readWireguardKey(file(t, text)), { code: 'KEY_FILE_INVALID' });
    t.false(error?.message.includes('abab'));
  }
});

test('the key of a registration', (t) => {
  const path = join(folder(t), 'new.yaml');
  makeRegistrationKey(path);
  t.is(statSync(path).mode & 0o777, 0o600);
  const made = readRegistrationKey(path);
  t.is(made.key.length, 32);
  t.true(made.spi >= 256);
  t.throws(() => makeRegistrationKey(path), { code: 'KEY_FILE_EXISTS' });
  const key = 'ab'.repeat(32);
  t.deepEqual(readRegistrationKey(file(t, `{spi: 256, key: '${key}'}`)), {
    spi: 256,
    key: Buffer.from(key, 'hex'),
  });
  for (const text of [
    '',
    '[]',
    `{spi: 255, key: '${key}'}`,
    `{spi: 4294967296, key: '${key}'}`,
    `{key: '${key}'}`,
    `{spi: 256, key: '${key}ab'}`,
    "{spi: 256, key: 'abab'}",
    '{spi: 256, key: abab',
  ]) {
    const error = t.throws(() => readRegistrationKey(file(t, text)), { code: 'KEY_FILE_INVALID' }, text);
    t.false(error?.message.includes('abab'));
  }
});

test('what was used is known to who comes later', (t) => {
  const path = join(folder(t), 'state', 'keys.json');
  const used = new UsedPairs(path);
  t.false(used.has(300));
  used.add(300);
  used.add(0xffff_ffff);
  t.true(new UsedPairs(path).has(300));
  t.true(new UsedPairs(path).has(0xffff_ffff));
  t.false(new UsedPairs(path).has(301));
  for (const text of ['', '{}', '[1, "2"]', '[1.5]']) {
    writeFileSync(path, text);
    t.throws(() => new UsedPairs(path).has(300), { instanceOf: KeyError, code: 'KEY_STATE_BROKEN' }, text);
    t.throws(() => new UsedPairs(path).add(301), { code: 'KEY_STATE_BROKEN' }, 'and is not written over');
    t.is(readFileSync(path, 'utf8'), text);
  }
  const nowhere = new UsedPairs(join(file(t, 'a file'), 'keys.json'));
  t.throws(() => nowhere.add(300), { code: 'KEY_STATE_BROKEN' });
});

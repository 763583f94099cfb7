// The thread that reads for the daemon must come to the same as reading at once, and must not hold up the event loop.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { type Config, ConfigError, loadConfig, readConfig } from '../../../src/config/index.js';
import { FromPieces, toPieces } from '../../../src/config/pieces.js';
import { Address, MacAddress, Prefix } from '../../../src/net/index.js';

/** However small the file is. */
const IN_THREAD = { smallBytes: 0 };

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const examples = join(root, 'examples');
const broken = join(root, 'test/unit/config/broken');
const folder = mkdtempSync(join(tmpdir(), 'coaxial-reader-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const yamlOf = (where: string): string[] =>
  readdirSync(where)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(where, name));

/** With the content of addresses, which are private and so invisible to a deep comparison. */
const show = (value: unknown): string =>
  inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: 100 });

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A mobile router with so many policies, some of which name a set. */
function routerFile(name: string, count: number): string {
  const policies = Array.from({ length: count }, (_, at) =>
    at % 100 === 0
      ? '  - {match: {source: "@lab"}, drop: true}'
      : `  - {match: {destination: "2001:db8:${(at >> 8).toString(16)}:${(at & 255).toString(16)}::/64"}, use: [a]}`,
  );
  return file(
    name,
    `role: mobile-router
home: {agent: "2001:db8:ffff::1", address: "2001:db8:77::1", prefixes: ["2001:db8:1::/64"]}
ingress: [{interface: lan0}]
bindings: [{bid: 1, name: a, interface: a0}]
sets: {lab: ["2001:db8:100::/64", "2001:db8:200::1-2001:db8:200::9"]}
limits: {policies: ${Math.max(1, count)}}
policies:
${policies.join('\n')}
`,
  );
}

async function refusalOf(reading: Promise<Config>): Promise<ConfigError> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('It was read without an error');
}

function everyObject(value: unknown, look: (object: object) => void): void {
  if (typeof value !== 'object' || value === null) return;
  look(value);
  for (const inner of Object.values(value)) everyObject(inner, look);
}

for (const path of yamlOf(examples)) {
  test(`the thread reads ${path.slice(root.length)} as it is read at once`, async (t) => {
    const config = await readConfig(path, IN_THREAD);
    const direct = await loadConfig(path);
    t.deepEqual(config, direct);
    t.is(show(config), show(direct));
    everyObject(config, (object) => {
      if (Array.isArray(object) || Object.getPrototypeOf(object) === Object.prototype) {
        t.true(Object.isFrozen(object), inspect(object));
      }
    });
    t.true(config.home.agent instanceof Address);
  });
}

test('a file of many policies comes in many pieces and is the same', async (t) => {
  const path = routerFile('many.yaml', 3000);
  const config = await readConfig(path, IN_THREAD);
  t.is(show(config), show(await loadConfig(path)));
});

test('what policies share is there once', async (t) => {
  const config = await readConfig(routerFile('shared.yaml', 300), IN_THREAD);
  if (config.role !== 'mobile-router') throw new Error(config.role);
  const [first, second] = config.policies.filter(({ action }) => action.kind === 'drop');
  t.truthy(first?.selector.source);
  t.is(first?.selector.source?.ranges, second?.selector.source?.ranges);
});

test('every error arrives with all its problems and their places', async (t) => {
  // All of them would start as many threads; that what is read is right is another test's question.
  const paths = yamlOf(broken).filter((path, at) => at % 12 === 0 || path.endsWith('many-problems.yaml'));
  t.true(paths.length > 10);
  for (const path of paths) {
    const error = await refusalOf(readConfig(path, IN_THREAD));
    const direct = await refusalOf(loadConfig(path));
    t.is(error.code, direct.code, path);
    t.deepEqual(error.problems, direct.problems, path);
    t.is(error.message, direct.message, path);
  }
});

test('a file that cannot be read is refused with the cause', async (t) => {
  for (const path of [join(folder, 'not-there.yaml'), folder]) {
    const error = await refusalOf(readConfig(path, IN_THREAD));
    const direct = await refusalOf(loadConfig(path));
    t.is(error.code, 'CONFIG_UNREADABLE');
    t.is(error.message, direct.message);
    t.is((error.cause as NodeJS.ErrnoException)?.code, (direct.cause as NodeJS.ErrnoException)?.code);
  }
});

test.serial('one piece is taken in one turn of the event loop', async (t) => {
  let turn = 0;
  let isOn = true;
  const count = (): void => {
    turn++;
    if (isOn) setImmediate(count);
  };
  setImmediate(count);
  const turns: number[] = [];
  const { add } = FromPieces.prototype;
  FromPieces.prototype.add = function (piece) {
    turns.push(turn);
    add.call(this, piece);
  };
  try {
    await readConfig(routerFile('turns.yaml', 3000), IN_THREAD);
  } finally {
    FromPieces.prototype.add = add;
    isOn = false;
  }
  t.true(turns.length > 20, `${turns.length} pieces`);
  t.is(new Set(turns).size, turns.length);
});

test.serial('the thread ends with the reading, also with one that fails or is given up', async (t) => {
  const workers: Worker[] = [];
  const watch = (worker: Worker): void => void workers.push(worker);
  process.on('worker', watch);
  t.teardown(() => process.off('worker', watch));
  await readConfig(join(examples, 'mobile-router.yaml'), IN_THREAD);
  await refusalOf(readConfig(file('no-config.yaml', '- a list'), IN_THREAD));
  const abort = new AbortController();
  const reading = readConfig(routerFile('aborted.yaml', 3000), { ...IN_THREAD, signal: abort.signal });
  process.once('worker', () => abort.abort(new Error('not wanted')));
  await t.throwsAsync(reading, { message: 'not wanted' });
  t.is(workers.length, 3);
  for (const worker of workers) t.is(worker.threadId, -1);
  await t.throwsAsync(
    readConfig(join(examples, 'mobile-router.yaml'), { ...IN_THREAD, signal: abort.signal }),
    {
      message: 'not wanted',
    },
  );
  t.is(workers.length, 3);
});

test('a thread that needs more memory than it may have is an error, and not the end of the process', async (t) => {
  const path = routerFile('large.yaml', 10_000);
  const error = await refusalOf(readConfig(path, { ...IN_THREAD, memoryMb: 24 }));
  t.is(error.code, 'CONFIG_READING_ENDED');
  t.regex(error.message, /large\.yaml: the thread that reads it needs more than 24 MiB of memory; /);
});

test('pieces say what cannot cross', (t) => {
  t.throws(() => toPieces({ mac: MacAddress.ZERO }), { instanceOf: TypeError });
  const made = new FromPieces();
  t.false(made.isComplete);
  t.throws(() => made.value);
});

test('pieces keep every kind of value', (t) => {
  const list: readonly unknown[] = [1, 'a', [], {}];
  const value = {
    numbers: [0, -1, 1.5, 2 ** 40, Number.POSITIVE_INFINITY],
    others: [true, false, null, undefined, '', 'text'],
    addresses: [Address.parse('::'), Address.parse('2001:db8::ffff:1'), Address.parse('192.0.2.255')],
    prefixes: [Prefix.DEFAULT, Prefix.parse('2001:db8::/33'), Prefix.parse('192.0.2.0/24')],
    shared: [list, list, [list]],
    long: Array.from({ length: 5000 }, (_, at) => ({ at, address: Address.fromWords(at, 0, 0, -at) })),
  };
  const pieces = toPieces(value);
  t.true(pieces.length > 5);
  const made = new FromPieces();
  for (const piece of pieces) {
    t.false(made.isComplete);
    made.add(structuredClone(piece));
  }
  t.true(made.isComplete);
  const result = made.value as typeof value;
  t.is(show(result), show(value));
  t.is(result.shared[0], result.shared[1]);
  t.is(result.shared[0], result.shared[2]?.[0] as readonly unknown[]);
});

test.serial('a small file is read without a thread, and so is one that is not there', async (t) => {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker): unknown => workers.push(worker);
  process.on('worker', onWorker);
  t.teardown(() => process.off('worker', onWorker));
  const path = routerFile('small.yaml', 3);
  t.is(show(await readConfig(path)), show(await loadConfig(path)));
  t.is((await refusalOf(readConfig(join(folder, 'not-there.yaml')))).code, 'CONFIG_UNREADABLE');
  t.is(workers.length, 0);
  await readConfig(routerFile('large.yaml', 500));
  t.is(workers.length, 1);
});

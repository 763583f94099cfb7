import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Config, parseConfig } from '../../../src/config/index.js';
import type { Check } from '../../../src/doctor/index.js';
import { checkRegistrationKeys } from '../../../src/doctor/registration-keys.js';
import { makeRegistrationKey } from '../../../src/keys/index.js';
import { configurationText } from '../../support/configuration.js';

const ROOT = { uid: 0, gid: 0 };
const SECRET = 'ab'.repeat(32);

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'coaxial-doctor-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function keyFile(path: string, spi: number, key = SECRET, mode = 0o600): string {
  writeFileSync(path, `{spi: ${spi}, key: '${key}'}\n`);
  chmodSync(path, mode);
  return path;
}

/** A home agent whose routers have these keys; without one the care-of address is set by hand. */
function homeAgent(keys: readonly (string | undefined)[], state = '/no/where'): Config {
  const routers = keys.map((key, at) => {
    const [high, low] = [(at >> 8).toString(16), (at & 0xff).toString(16)];
    return [
      `  - name: mr${at}`,
      `    address: 2001:db8:77:${high}::${low}:1`,
      `    prefixes: [2001:db8:1:${high}:${low}::/80]`,
      ...(key === undefined ? ['    bindings: [{bid: 1}]'] : [`    key: ${key}`]),
    ].join('\n');
  });
  return parseConfig(
    `role: home-agent\nstate: ${state}\nhome: {agent: "2001:db8:ffff::1"}\ninterfaces: [core0]\nregistration: {}\n` +
      `limits: {routers: 16384, bindings: 16384, prefixes: 32768}\nrouters:\n${routers.join('\n')}\n`,
    'config.yaml',
  );
}

/** Everything that is said; never anything of a key. */
function said(t: ExecutionContext, checks: readonly Check[]): string[] {
  const texts = checks.map(({ verdict, found }) => `${verdict} ${found}`);
  for (const { name, advice, verdict, found } of checks) {
    t.is(name, 'registration keys');
    t.is(advice === '', verdict === 'ok', found);
    t.false(`${found} ${advice}`.includes('abab'), found);
  }
  return texts;
}

test('nothing is said where nobody registers with a key', (t) => {
  t.deepEqual(checkRegistrationKeys(parseConfig(configurationText({ socket: '/run/a' }), 'a.yaml')), []);
  t.deepEqual(checkRegistrationKeys(homeAgent([undefined])), []);
});

test("a mobile router's own key", (t) => {
  const path = join(folder(t), 'own.key');
  const text = `${configurationText({ socket: '/run/a' })}registration: {key: ${path}}\n`;
  const config = parseConfig(text, 'config.yaml');
  const [missing] = checkRegistrationKeys(config, ROOT);
  t.like(missing, { verdict: 'fail', found: `this router: ${path} is not there` });
  t.true(missing?.advice.includes(`coax keys --registration ${path}`));
  makeRegistrationKey(path);
  t.deepEqual(said(t, checkRegistrationKeys(config, ROOT)), [
    'ok 1 of 1 are right, and closed to all but the daemon (user 0)',
  ]);
});

test('each key that is wrong is named, and what is right is counted', (t) => {
  const at = folder(t);
  const open = keyFile(join(at, 'open'), 257, SECRET, 0o640);
  const broken = keyFile(join(at, 'broken'), 258, `${SECRET}'x`);
  const short = keyFile(join(at, 'short'), 259, 'abab');
  const low = keyFile(join(at, 'low'), 255);
  mkdirSync(join(at, 'folder'), 0o700);
  const right = keyFile(join(at, 'right'), 256);
  const keys = [
    right,
    undefined,
    open,
    broken,
    short,
    low,
    join(at, 'folder'),
    join(at, 'none'),
    join(right, 'x'),
  ];
  t.deepEqual(said(t, checkRegistrationKeys(homeAgent(keys), ROOT)), [
    'ok 1 of 8 are right, and closed to all but the daemon (user 0)',
    `fail mr2: ${open} has mode 640 and owner ${process.getuid?.()}, which is not safe for keys`,
    `fail mr3: ${broken}: is not YAML`,
    `fail mr4: ${short}: needs a key of 64 hex digits in quotes`,
    `fail mr5: ${low}: needs an spi from 256 to 4294967295`,
    `fail mr6: ${at}/folder is no file`,
    `fail mr7: ${at}/none is not there`,
    `fail mr8: ${right}/x is not there`,
  ]);
});

// Only root can give a file to another user.
const testAsRoot = process.getuid?.() === 0 ? test : test.skip;

testAsRoot('a key that the daemon cannot read, as whom it runs', (t) => {
  const at = folder(t);
  chmodSync(at, 0o711);
  const mine = keyFile(join(at, 'mine'), 256);
  const theirs = keyFile(join(at, 'theirs'), 257);
  const others = keyFile(join(at, 'others'), 258);
  const closed = keyFile(join(at, 'closed'), 259, SECRET, 0o200);
  chownSync(theirs, 4711, 4711);
  chownSync(others, 4712, 4712);
  chownSync(closed, 4711, 4711);
  const state = join(at, 'state');
  mkdirSync(state);
  chownSync(state, 4711, 4711);
  // Whoever owns the state is the daemon.
  const checks = checkRegistrationKeys(homeAgent([mine, theirs, others, closed], state));
  t.deepEqual(said(t, checks), [
    'ok 1 of 4 are right, and closed to all but the daemon (user 4711)',
    `fail mr0: ${mine} has mode 600 and owner 0, which the daemon (user 4711) cannot read`,
    `fail mr2: ${others} has mode 600 and owner 4712, which is not safe for keys`,
    `fail mr3: ${closed} has mode 200 and owner 4711, which the daemon (user 4711) cannot read`,
  ]);
  t.is(
    checks[1]?.advice,
    `\`chown 4711 ${mine}; chmod 600 ${mine}\`, or have systemd hand it over with \`LoadCredential=\``,
  );
  // The folder above, once, however many keys are in it.
  chmodSync(at, 0o700);
  const same = join(at, 'same');
  symlinkSync(theirs, same);
  const inside = checkRegistrationKeys(homeAgent([theirs, same], state));
  t.deepEqual(said(t, inside), [
    'ok 2 of 2 are right, and closed to all but the daemon (user 4711)',
    `warn folder ${at} has mode 700 and owner 0: the daemon (user 4711) may not get in`,
    'warn mr0, mr1 have one key: each can register as the other (SPI 0x101)',
  ]);
});

test("an SPI is one router's", (t) => {
  const at = folder(t);
  const other = 'cd'.repeat(32);
  const keys = [
    keyFile(join(at, 'a'), 256),
    keyFile(join(at, 'b'), 300),
    keyFile(join(at, 'c'), 300, other),
    keyFile(join(at, 'd'), 300, other),
    keyFile(join(at, 'e'), 300, other),
    keyFile(join(at, 'f'), 301),
    keyFile(join(at, 'g'), 301),
  ];
  t.deepEqual(said(t, checkRegistrationKeys(homeAgent(keys), ROOT)), [
    'ok 7 of 7 are right, and closed to all but the daemon (user 0)',
    'warn mr1, mr2, mr3 and 1 more have keys of one SPI: messages of the one use up the allowance of the other (SPI 0x12c)',
    'warn mr5, mr6 have one key: each can register as the other (SPI 0x12d)',
  ]);
});

test('what systemd hands to the service is not said to be missing', (t) => {
  const keys = ['/run/credentials/coaxial.service/mr1', keyFile(join(folder(t), 'a'), 256)];
  t.deepEqual(said(t, checkRegistrationKeys(homeAgent(keys), ROOT)), [
    'ok 1 of 2 are right, and closed to all but the daemon (user 0)',
    'warn 1 in /run/credentials/: not looked at, only the service can',
  ]);
});

test('of hundreds of keys, a line for those that are right and some for those that are wrong', (t) => {
  const at = folder(t);
  const keys = Array.from({ length: 300 }, (_, spi) => {
    const path = join(at, `${spi}`);
    return spi % 20 === 0 ? path : keyFile(path, spi === 7 ? 1001 : spi + 1000, SECRET);
  });
  const texts = said(t, checkRegistrationKeys(homeAgent(keys), ROOT));
  t.is(texts.length, 12);
  t.is(texts[0], 'ok 285 of 300 are right, and closed to all but the daemon (user 0)');
  t.is(texts[1], `fail mr0: ${at}/0 is not there`);
  // 15 that are not there and an SPI that two routers have, less the 10 that were named.
  t.is(texts[11], 'fail 6 more problems are not listed');
  t.true(readFileSync(keys[1] ?? '', 'utf8').includes(SECRET));
});

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CLI } from '../../../lab/cli.js';
import { createApi, serveApi } from '../../../src/api/index.js';
import { configurationText, writeConfiguration } from '../../support/configuration.js';
import { FakeController } from '../../support/fake-controller.js';
import { temporaryFolder } from '../../support/temporary.js';

interface Outcome {
  status: number;
  out: string;
  err: string;
}

const USAGE: readonly { words: string[]; says: RegExp }[] = [
  { words: [], says: /a command is missing/ },
  { words: ['fly'], says: /unknown command 'fly'/ },
  { words: ['status', '--nonsense'], says: /unknown option '--nonsense'/ },
  { words: ['status', 'extra'], says: /too many arguments/ },
  { words: ['status', '--instance', 'Not_One'], says: /"Not_One" is not an instance name/ },
  { words: ['check'], says: /--config FILE is missing/ },
  { words: ['policies', 'lint'], says: /--config FILE is missing/ },
  { words: ['daemon'], says: /--config FILE is missing/ },
  { words: ['up'], says: /--config FILE is missing/ },
  { words: ['binding'], says: /a command is missing/ },
  { words: ['binding', 'set', '--down'], says: /--bid is missing/ },
  { words: ['binding', 'set', '--bid', '0', '--down'], says: /1 to 65535/ },
  { words: ['binding', 'set', '--bid', '70000', '--down'], says: /1 to 65535/ },
  { words: ['binding', 'set', '--bid', '1'], says: /say one thing/ },
  { words: ['binding', 'set', '--bid', '1', '--down', '--up'], says: /say one thing/ },
  { words: ['binding', 'set', '--bid', '1', '--down', '--accept-only'], says: /needs an address/ },
  {
    words: ['binding', 'set', '--bid', '1', '--care-of', 'fe80::1'],
    says: /"fe80::1" is not a care-of address/,
  },
  { words: ['binding', 'set', '--bid', '1', '--care-of', '2001:db8::1/64'], says: /not a care-of address/ },
  { words: ['maps', '--limit', 'many'], says: /number of rows/ },
  { words: ['explain', '--dst', '2001:db8::1'], says: /--config FILE is missing/ },
  { words: ['explain', '--config', 'x', '--in', 'lan0', '--cgroup', '/a'], says: /has no cgroup/ },
  { words: ['explain', '--config', 'x', '--packet', '2'], says: /--packet needs a capture/ },
  { words: ['explain', '--config', 'x', '--pcap', 'f', '--dport', '1'], says: /--dport and --pcap are both/ },
  {
    words: ['explain', '--config', 'x', '--pcap', 'f', '--packet', '0'],
    says: /--packet "0" is not a number/,
  },
];

for (const { words, says } of USAGE) {
  test(`wrong usage is 2: coax ${words.join(' ')}`, async (t) => {
    const { status, out, err } = await coax(words);
    t.is(status, 2);
    t.is(out, '');
    t.regex(err, says);
    t.regex(err, /^coax: error: .*\(USAGE\)$/m);
  });
}

test('help is not an error', async (t) => {
  const { status, out } = await coax(['binding', 'set', '--help']);
  t.is(status, 0);
  t.regex(out, /--accept-only/);
});

test('no daemon is 3, with a hint', async (t) => {
  const socket = join(folder(t), 'none.sock');
  for (const command of [
    ['status'],
    ['bindings'],
    ['policies'],
    ['maps'],
    ['reload'],
    ['deregister'],
    ['binding', 'set', '--bid', '1', '--up'],
  ]) {
    const { status, out, err } = await coax([...command, '--socket', socket]);
    t.is(status, 3);
    t.is(out, '');
    t.regex(
      err,
      /^coax: error: no daemon answers on .*none\.sock .*\(DAEMON_NOT_REACHABLE\)\nhint: .*coax daemon/,
    );
  }
});

test('bindings --probe: an echo first, its answer in the table and in the JSON', async (t) => {
  const { socket, controller } = await serve(t);
  const table = await coax(['bindings', '--probe', '--socket', socket]);
  t.regex(table.out, /WARN +ECHO\n/);
  t.regex(table.out, / - +0\.42 ms\n/);
  const json = await coax(['bindings', '--probe', '--json', '--socket', socket]);
  t.like(JSON.parse(json.out)[0], { name: 'lte-a', warnings: [], probe: { rttMs: 0.42, failure: null } });
  t.deepEqual(controller.calls, ['probe', 'probe']);
  t.notRegex((await coax(['bindings', '--socket', socket])).out, /ECHO/);
});

test('check: a right file is 0 and summed up, with a warning for each interface that is not here', async (t) => {
  const { file } = writeConfiguration(folder(t));
  const { status, out, err } = await coax(['check', '--config', file]);
  t.is(status, 0);
  t.is(err, '');
  const [first, ...warnings] = out.trimEnd().split('\n');
  t.is(first, `${file}: ok, mobile router, 1 binding, 0 policies`);
  const missing = warnings.filter((line) => line.includes('there is no interface'));
  t.deepEqual(
    missing.map((line) => line.replace(/ on this machine.*/, '')),
    [
      `${file}:9:16: ingress[0].interface: warning: there is no interface lan0`,
      `${file}:13:16: bindings[0].interface: warning: there is no interface wa`,
    ],
  );
  const json = await coax(['check', '--config', file, '--json']);
  t.like(JSON.parse(json.out), { ok: true, problems: [], role: 'mobile-router', bindings: 1 });
});

test('check: a wrong file is 78 and every problem has its place', async (t) => {
  const file = join(folder(t), 'config.yaml');
  writeFileSync(file, `${configurationText({ socket: '/run/x.sock', bid: 0 })}nonsense: 1\n`);
  const { status, out, err } = await coax(['check', '--config', file]);
  t.is(status, 78);
  t.is(out, '');
  t.regex(err, /^.*config\.yaml:11:\d+: bindings\[0\]\.bid: /m);
  t.regex(err, /^.*config\.yaml:14:\d+: .*nonsense/m);
  t.regex(err, /^coax: error: 2 problems, see above \(CONFIG_INVALID\)\nhint: /m);
  const json = await coax(['check', '--config', file, '--json']);
  t.is(json.status, 78);
  t.is(json.err, '');
  t.is((JSON.parse(json.out) as { problems: unknown[] }).problems.length, 2);
});

test('policies lint: what hides what, each at its line; 1 when something was found', async (t) => {
  const file = join(folder(t), 'config.yaml');
  const policies = `policies:
  - {name: web, match: {protocol: tcp, destination-port: 80-443}, use: [lte-a]}
  - {name: tls, match: {protocol: tcp, destination-port: 443}, use: [lte-a]}
  - {name: spare, match: {protocol: tcp, destination-port: 443}, drop: true}
`;
  writeFileSync(file, `${configurationText({ socket: '/run/x.sock' })}${policies}`);
  const { status, out, err } = await coax(['policies', 'lint', '--config', file]);
  t.is(status, 1);
  t.is(err, '');
  t.deepEqual(out.trimEnd().split('\n'), [
    `${file}:16:5: policies[1]: policy tls never decides: policy web (use lte-a) matches all that it does; remove it, narrow what is above it, or give it a smaller priority than 10`,
    `${file}:17:5: policies[2]: note: policy spare decides only while policy web (use lte-a) has no usable binding; nothing is wrong if that is meant`,
    `${file}: 3 policies, 1 never decides, 1 note`,
  ]);
  const json = await coax(['policies', 'lint', '--config', file, '--json']);
  t.is(json.status, 1);
  const report = JSON.parse(json.out) as { ok: boolean; findings: object[] };
  t.false(report.ok);
  t.like(report.findings[0], {
    kind: 'hidden',
    name: 'tls',
    line: 16,
    column: 5,
    by: [{ fid: 1, name: 'web' }],
  });
  t.like(report.findings[1], { kind: 'standby', router: null, fid: 3 });

  writeFileSync(file, configurationText({ socket: '/run/x.sock' }));
  const clean = await coax(['policies', 'lint', '--config', file]);
  t.is(clean.status, 0);
  t.is(clean.out, `${file}: 0 policies, none is hidden\n`);
});

test('output that is longer than a pipe takes at once is written to its end', async (t) => {
  const file = join(folder(t), 'config.yaml');
  const policy = '  - {match: {protocol: tcp}, use: [lte-a]}\n';
  writeFileSync(file, `${configurationText({ socket: '/run/x.sock' })}policies:\n${policy.repeat(1000)}`);
  const { out } = await coax(['policies', 'lint', '--config', file]);
  t.true(out.length > 100_000, `${out.length} characters`);
  t.true(out.endsWith(': 1000 policies, 999 never decide\n'), out.slice(-100));
});

test('a file that is not there is 78 for every command that reads one', async (t) => {
  const file = join(folder(t), 'none.yaml');
  for (const command of ['check', 'daemon', 'up', 'down', 'status', 'doctor']) {
    const { status, err } = await coax([command, '--config', file]);
    t.is(status, 78, command);
    t.regex(err, /none\.yaml.*\(CONFIG_UNREADABLE\)/);
  }
});

test('version names everything', async (t) => {
  const { status, out } = await coax(['version', '--json']);
  t.is(status, 0);
  const versions = JSON.parse(out) as Record<string, unknown>;
  t.deepEqual(Object.keys(versions), ['version', 'node', 'kernel', 'architecture', 'libbpf', 'schema']);
  t.regex(String(versions.version), /^\d+\.\d+\.\d+/);
  t.is(versions.node, process.version);
});

test('tables for people: aligned, without colour and trailing spaces when it is not a terminal', async (t) => {
  const { socket } = await serve(t);
  const { status, out } = await coax(['bindings', '--socket', socket]);
  t.is(status, 0);
  const lines = out.trimEnd().split('\n');
  t.is(lines.length, 2);
  t.regex(lines[0] ?? '', /^ROUTER {2}BID {2}NAME {3}STATE {3}/);
  t.is(lines[0]?.indexOf('CARE-OF'), lines[1]?.indexOf('2001:db8:a::2'));
  t.regex(lines[1] ?? '', / 12 {2}15 kB /);
  t.false(out.includes('\u001b'));
  t.notRegex(out, / $/m);
});

test('the same as JSON is the answer of the API', async (t) => {
  const { socket, controller } = await serve(t);
  const read = async (...words: string[]) =>
    JSON.parse((await coax([...words, '--json', '--socket', socket])).out);
  t.deepEqual(await read('bindings'), controller.bindings());
  t.deepEqual(await read('policies'), controller.policies());
  t.deepEqual(await read('maps'), controller.maps());
  t.like(await read('status'), controller.status());
  t.deepEqual(await read('reload'), await controller.reload());
});

test('status, policies and reload in words', async (t) => {
  const { socket } = await serve(t);
  const status = await coax(['status', '--socket', socket]);
  t.regex(status.out, /1 of 1 usable/);
  t.regex(status.out, /mr1\/1: 2001:db8:a::2 -> 2001:db8:a::3, took 0\.4 ms/);
  t.regex(status.out, /uplink {2}decapsulated +3 +300 B/);
  t.regex(
    (await coax(['policies', '--socket', socket])).out,
    /voice +10 +protocol udp .*use lte-a, sat +7 +700 B/,
  );
  t.is((await coax(['reload', '--socket', socket])).out, 'generation 2 is active\npolicy voice added\n');
});

test('a home agent that does not answer a farewell is status 1', async (t) => {
  const { socket, controller } = await serve(t);
  const answered = await coax(['deregister', '--socket', socket]);
  t.is(answered.status, 0);
  t.regex(answered.out, /has ended all bindings/);
  controller.homeAgentAnswers = false;
  const unanswered = await coax(['deregister', '--json', '--socket', socket]);
  t.is(unanswered.status, 1);
  t.deepEqual(JSON.parse(unanswered.out), { answered: false });
});

test('maps: rows as a table, empty ones of arrays left out', async (t) => {
  const { socket } = await serve(t);
  const rows = async (...words: string[]) => {
    const { out } = await coax(['maps', 'cx_binding_rows', '--socket', socket, '--json', ...words]);
    return (JSON.parse(out) as { rows: { key: number }[] }).rows.map((row) => row.key);
  };
  t.deepEqual(await rows(), [1]);
  t.deepEqual(await rows('--all'), [0, 1, 2]);
  t.deepEqual(await rows('--all', '--limit', '2'), [0, 1]);
  const table = await coax(['maps', 'cx_binding_rows', '--socket', socket, '--all', '--limit', '2']);
  t.regex(table.out, /^key +outerSource +ifindex +nextHopMac/m);
  t.regex(table.out, /^ +1 +2001:db8:a::2 +3 /m);
  t.notRegex(table.out, /\bpad\b/);
  t.regex(table.out, /1 more rows/);
  const unknown = await coax(['maps', 'cx_none', '--socket', socket]);
  t.is(unknown.status, 1);
  t.is(unknown.err, 'coax: error: there is no map cx_none (UNKNOWN_MAP)\nhint: `coax maps` lists them\n');
});

test('binding set asks for exactly what was said', async (t) => {
  const { socket, controller } = await serve(t);
  const set = (...words: string[]) => coax(['binding', 'set', '--bid', '1', '--socket', socket, ...words]);
  t.regex((await set('--router', 'mr1', '--care-of', '2001:DB8::7', '--accept-only')).out, /2001:db8::7/);
  t.is((await set('--down')).status, 0);
  t.is((await set('--up')).status, 0);
  t.deepEqual(controller.calls, [
    'set mr1 1 {"careOf":"2001:db8::7","acceptOnly":true}',
    'set undefined 1 {"down":true}',
    'set undefined 1 {"down":false}',
  ]);
  const unknown = await set('--router', 'mr9', '--down');
  t.is(unknown.status, 1);
  t.regex(unknown.err, /no router mr9 \(UNKNOWN_ROUTER\)\nhint: the routers are: mr1/);
});

test('the configuration says where the daemon is, a flag wins', async (t) => {
  const where = folder(t);
  const { file, socket } = writeConfiguration(where);
  t.regex((await coax(['status', '--config', file])).err, new RegExp(`on ${socket} `));
  const other = join(where, 'b.sock');
  t.regex((await coax(['status', '--config', file, '--socket', other])).err, new RegExp(`on ${other} `));
  t.regex((await coax(['status', '--instance', 'no-such'])).err, / on \/run\/coaxial\/no-such\.sock /);
});

async function serve(t: ExecutionContext): Promise<{ socket: string; controller: FakeController }> {
  const controller = new FakeController();
  const socket = join(folder(t), 'a.sock');
  const reload = () => controller.reload();
  const server = await serveApi(
    createApi(controller, { version: '1', startedAt: Date.now(), reload }),
    socket,
  );
  t.teardown(() => server.close());
  return { socket, controller };
}

function folder(t: ExecutionContext): string {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  return path;
}

/** Runs the compiled command line. */
async function coax(words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...words], (error, out, err) => {
      resolve({ status: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

test('explain: a packet that there cannot be is 2, before anything is asked', async (t) => {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  const { file } = writeConfiguration(path);
  const wrong = await coax(['explain', '--config', file, '--dst', '2001:db8:99::2', '--dport', 'sip']);
  t.is(wrong.status, 2);
  t.is(wrong.out, '');
  t.regex(wrong.err, /^coax: error: --dport "sip" is not a port \(PACKET_INVALID\)$/m);
  const capture = await coax(['explain', '--config', file, '--pcap', file]);
  t.is(capture.status, 1);
  t.regex(capture.err, /is neither pcap nor pcapng \(CAPTURE_UNREADABLE\)$/m);
});

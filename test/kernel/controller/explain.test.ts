// `coax explain` beside what really happens: its answer is compared with packets on the wire, and nothing moves.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import type { CapturedPacket } from '../../../lab/capture.js';
import type { LabDaemon } from '../../../lab/daemon.js';
import { buildUdp } from '../../../lab/packet.js';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { Explanation, ProgramStage } from '../../../src/inspect/index.js';
import { Address } from '../../../src/net/index.js';
import { pcapFile } from '../../support/pcap-file.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const VOICE = 5060;
const SHARED = 5600;
const REFUSED = 5501;
const BESIDE = 5500;
const MARKED = 6000;
const FROM_UNIT = 7000;
const CGROUP = `/coax-explain-${process.pid}`;
const MOUNT = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
  existsSync(join(path, 'cgroup.controllers')),
);

const udp = (port: number | string): object => ({ protocol: 'udp', 'destination-port': port });

const POLICIES = [
  { name: 'voice', match: udp(VOICE), use: ['b', 'a'] },
  { name: 'only-b', match: udp('5000-5059'), use: ['b'] },
  { name: 'shared', match: udp('5600-5699'), balance: { a: 1, b: 1 } },
  { name: 'no', match: udp(REFUSED), drop: true },
  { name: 'beside', match: { interface: 'lan0', ...udp(BESIDE) }, bypass: true },
  { name: 'marked', match: { mark: '0x10/0xff', ...udp(MARKED) }, use: ['b'] },
  { name: 'unit', match: { cgroup: CGROUP, ...udp(FROM_UNIT) }, use: ['b'] },
];

interface Answer {
  readonly status: number;
  readonly explanation: Explanation;
  readonly stderr: string;
}

async function ask(daemon: LabDaemon, words: string, config = daemon.configFile): Promise<Answer> {
  const args = ['explain', '--json', '--config', config, ...words.split(' ')];
  const { stdout, stderr, exitCode } = await daemon.coax(args, { mayFail: true });
  if (stdout === '') throw new Error(`coax explain ${words}: ${stderr}`);
  return { status: exitCode, stderr, explanation: JSON.parse(stdout) as Explanation };
}

const FROM_LAN = `--in lan0 --src ${addresses.lan} --dst ${addresses.correspondent}`;

const programs = ({ stages }: Explanation): ProgramStage[] =>
  stages.filter((stage) => stage.kind === 'program');

/** The reasons of the programs that were met, in order. */
const reasons = (explanation: Explanation): string[] =>
  programs(explanation).map(({ hook, reason }) => `${hook} ${reason}`);

/** Which policy decided at the last program, and by which binding it leaves. */
const outcome = (explanation: Explanation): [policy: string | undefined, binding: string | undefined] => {
  const last = programs(explanation).at(-1);
  const decided = last?.policies.find(({ verdict }) => verdict === 'decides');
  return [decided?.name, last?.leaves?.binding];
};

/** Every question that is put, with what must come out. */
const QUESTIONS: readonly {
  words: string;
  fate: Explanation['fate'];
  reasons: string[];
  outcome?: [string | undefined, string | undefined];
}[] = [
  {
    words: `${FROM_LAN} --proto udp --sport 4000 --dport ${VOICE} --dscp ef`,
    fate: 'sent',
    reasons: ['ingress encapsulated'],
    outcome: ['voice', 'b'],
  },
  {
    words: `${FROM_LAN} --proto tcp --dport ${VOICE}`,
    fate: 'sent',
    reasons: ['ingress encapsulated'],
    outcome: [undefined, 'a'],
  },
  {
    words: `${FROM_LAN} --dport ${REFUSED}`,
    fate: 'dropped',
    reasons: ['ingress drop-by-policy'],
    outcome: ['no', undefined],
  },
  { words: `${FROM_LAN} --dport ${BESIDE}`, fate: 'stack', reasons: ['ingress bypass'] },
  {
    words: `${FROM_LAN} --dport ${MARKED} --mark 0x10`,
    fate: 'sent',
    reasons: ['ingress mark-decides', 'home encapsulated'],
    outcome: ['marked', 'b'],
  },
  {
    words: `${FROM_LAN} --dport ${MARKED} --mark 0x11`,
    fate: 'sent',
    reasons: ['ingress mark-decides', 'home encapsulated'],
    outcome: [undefined, 'a'],
  },
  {
    words: `${FROM_LAN} --dport ${VOICE} --length 1460`,
    fate: 'sent',
    reasons: ['ingress encapsulated'],
    outcome: ['voice', 'b'],
  },
  {
    words: `${FROM_LAN} --dport ${VOICE} --length 1461`,
    fate: 'answered',
    reasons: ['ingress packet-too-big'],
  },
  { words: `${FROM_LAN} --dport ${VOICE} --hop-limit 1`, fate: 'answered', reasons: ['ingress hop-limit'] },
  {
    words: `--in lan0 --src ${addresses.lan} --dst ${addresses.mobileRouter} --dport ${VOICE}`,
    fate: 'stack',
    reasons: ['ingress not-for-home'],
  },
  {
    words: `--in lan0 --src 2001:db8:dead::1 --dst ${addresses.correspondent} --dport ${VOICE}`,
    fate: 'dropped',
    reasons: ['ingress drop-source'],
  },
  {
    words: `--dst ${addresses.correspondent} --dport ${VOICE}`,
    fate: 'sent',
    reasons: ['home encapsulated'],
    outcome: ['voice', 'b'],
  },
  {
    words: `--dst ${addresses.correspondent} --dport ${MARKED} --mark 0x10`,
    fate: 'sent',
    reasons: ['home encapsulated'],
    outcome: ['marked', 'b'],
  },
  {
    words: `${FROM_LAN} --fragment later`,
    fate: 'sent',
    reasons: ['ingress encapsulated'],
    outcome: [undefined, 'a'],
  },
];

/** All that packets count, but for the noise of neighbour discovery. */
async function counted(site: Site): Promise<unknown> {
  const { reasons: all } = await site.status();
  const noise = ['link-scope', 'not-ours', 'other-host', 'not-ipv6', 'not-for-home', 'drop-link-scope'];
  return {
    reasons: all.filter(({ reason }) => !noise.includes(reason)),
    policies: (await site.policies()).map(({ fid, packets, bytes }) => ({ fid, packets, bytes })),
    bindings: (await site.bindings()).map(({ bid, sent, received }) => ({ bid, sent, received })),
  };
}

async function questionsAnswered(
  t: ExecutionContext,
  site: Site,
  questions: typeof QUESTIONS,
): Promise<void> {
  const wires = await Promise.all([
    site.capture('ra', 'mr0'),
    site.capture('rb', 'mr0'),
    site.capture('cn', 'eth0'),
  ]);
  const before = await counted(site);
  for (const question of questions) {
    const { status, explanation, stderr } = await ask(site.mr, question.words);
    t.is(status, 0, `${question.words}: ${stderr}`);
    t.is(explanation.fate, question.fate, question.words);
    t.deepEqual(reasons(explanation), question.reasons, question.words);
    if (question.outcome) t.deepEqual(outcome(explanation), question.outcome, question.words);
    for (const { attachedTag, tag, agreement } of programs(explanation)) {
      t.is(attachedTag, tag, 'the program that explains is the one that is attached');
      t.true(agreement?.agrees ?? true, question.words);
    }
  }
  t.deepEqual(await counted(site), before, 'nothing was counted');
  for (const wire of wires) {
    await wire.flush();
    t.deepEqual(wire.packets(toPort(VOICE)), [], 'nothing was sent');
  }
}

/** Sends for real, then asks about the very packet that was seen. */
async function wireAgrees(t: ExecutionContext, site: Site): Promise<void> {
  const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
  for (const [port, sourcePort] of [
    [VOICE, 4001],
    [SHARED, 4002],
    [SHARED + 1, 4003],
    [9000, 4006],
  ] as const) {
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port, sourcePort, count: 1 });
    const seen = (): CapturedPacket[] => [ra, rb].flatMap((wire) => wire.packets(toPort(port, sourcePort)));
    const [packet] = await until(async () => (seen().length > 0 ? seen() : undefined), {
      what: `the datagram to port ${port}`,
      timeout: PATIENCE,
    });
    const { inner, outer, ethernet } = packet as CapturedPacket;
    const label = inner?.flowLabel ?? 0;
    const { explanation } = await ask(
      site.mr,
      `${FROM_LAN} --sport ${sourcePort} --dport ${port} --flow-label ${label}`,
    );
    const [stage] = programs(explanation);
    t.deepEqual(
      [stage?.outer?.source, stage?.outer?.destination, stage?.outer?.flowLabel, stage?.outer?.hopLimit],
      [outer.source, outer.destination, outer.flowLabel, outer.hopLimit],
      `port ${port}`,
    );
    t.is(stage?.leaves?.nextHopMac, ethernet.destination, `port ${port}`);
  }
}

async function captureExplained(t: ExecutionContext, site: Site): Promise<void> {
  const inner = buildUdp({
    source: addresses.correspondent,
    destination: addresses.lan,
    sourcePort: 5200,
    destinationPort: 4000,
    payload: new Uint8Array(20),
  });
  const outer = Buffer.alloc(40);
  outer.writeUInt32BE(0x6000_0000, 0);
  outer.writeUInt16BE(inner.length, 4);
  outer.writeUInt8(41, 6);
  outer.writeUInt8(60, 7);
  const file = join(dirname(site.mr.configFile), 'tunnelled.pcap');
  for (const [care, source, reason] of [
    [addresses.careOfA, addresses.homeAgent, /^uplink (decapsulated|to-stack-decapsulated)$/],
    [addresses.careOfA, '2001:db8:ffff::bad', /^uplink drop-outer-source$/],
  ] as const) {
    outer.set(Address.parse(source).toBytes(), 8);
    outer.set(Address.parse(care).toBytes(), 24);
    writeFileSync(file, pcapFile(101, [Buffer.concat([outer, inner])]));
    const { explanation, status } = await ask(site.mr, `--in wa --pcap ${file}`);
    t.is(status, 0);
    t.regex(reasons(explanation)[0] ?? '', reason);
  }
}

async function disagreementIsLoud(t: ExecutionContext, site: Site): Promise<void> {
  const other = join(dirname(site.mr.configFile), 'edited.yaml');
  const { instance, bpffs, socket } = site.mr;
  const settings = { instance, bpffs, socket };
  const edited = POLICIES.map((one) => (one.name === 'voice' ? { ...one, use: ['a', 'b'] } : one));
  writeFileSync(other, stringify({ ...mobileRouter({ policies: edited }), ...settings }));
  const { status, explanation, stderr } = await ask(site.mr, `${FROM_LAN} --dport ${VOICE}`, other);
  t.is(status, 1);
  t.false(explanation.trustworthy);
  t.regex(stderr, /DO NOT TRUST THIS ANSWER/);
  t.regex(
    stderr,
    /coax_ingress says "b by policy voice", the reference classifier over the file "a by policy voice"/,
  );
  t.regex(stderr, /hint: when the file has been edited, `coax reload` first/);
  // Also where the two happen to say the same about this packet.
  const elsewhere = await ask(site.mr, `${FROM_LAN} --dport ${REFUSED}`, other);
  t.is(elsewhere.status, 1);
  t.regex(elsewhere.stderr, /policy voice of the file is another one than the active one/);
}

async function inactiveIsTold(t: ExecutionContext, site: Site): Promise<void> {
  await site.setBinding(2, { down: true });
  const { explanation } = await ask(site.mr, `${FROM_LAN} --dport 5001`);
  const [stage] = programs(explanation);
  const policy = stage?.policies.find(({ name }) => name === 'only-b');
  t.is(policy?.verdict, 'inactive');
  t.regex(
    policy?.why ?? '',
    /none of its bindings is usable \(b: an administrator has taken it out of use\)/,
  );
  t.deepEqual(outcome(explanation), [undefined, 'a']);
  t.deepEqual(
    stage?.bindings.map(({ name, usable, taken }) => ({ name, usable, taken })),
    [
      { name: 'a', usable: true, taken: true },
      { name: 'b', usable: false, taken: false },
    ],
  );
  // The next one is asked.
  const next = await ask(site.mr, `${FROM_LAN} --dport ${VOICE}`);
  t.deepEqual(outcome(next.explanation), ['voice', 'a']);
  await site.setBinding(2, { down: false });
  await site.ready();
}

const inSite = sharedSite({ mr: mobileRouter({ policies: POLICIES }) });

// Each answer asks the verifier, which takes its time on a busy machine.
for (const [first, last] of [
  [0, 5],
  [5, 10],
  [10, QUESTIONS.length],
] as const) {
  test.serial(`answers ${first + 1} to ${last} are foretold, and nothing is sent or counted`, async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      await questionsAnswered(t, site, QUESTIONS.slice(first, last));
    });
  });
}

test.serial('what is explained is what is seen on the wire', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    await wireAgrees(t, site);
  });
});

test.serial('packets of captures are explained, also those that come out of a tunnel', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.state(1, 'usable');
    await captureExplained(t, site);
  });
});

test.serial('a file that is not active, inactive policies, cgroups, the home agent, no daemon', async (t) => {
  if (MOUNT === undefined) throw new Error('there is no cgroup (v2) file system');
  const group = join(MOUNT, CGROUP);
  mkdirSync(group);
  try {
    await inSite(t, {}, async (site) => {
      await site.ready();
      await disagreementIsLoud(t, site);
      await inactiveIsTold(t, site);

      const local = `--dst ${addresses.correspondent} --dport ${FROM_UNIT}`;
      const inside = await ask(site.mr, `${local} --cgroup ${CGROUP}`);
      t.deepEqual(outcome(inside.explanation), ['unit', 'b']);
      t.deepEqual(outcome((await ask(site.mr, local)).explanation), [undefined, 'a']);

      const { explanation } = await ask(
        site.ha,
        `--in cn0 --src ${addresses.correspondent} --dst ${addresses.lan} --sport 5200`,
      );
      t.deepEqual(reasons(explanation), ['ingress encapsulated']);
      t.deepEqual(outcome(explanation), ['to-b', 'b']);

      // Maps and programs stay when the daemon goes: it is asked only for the state of bindings.
      await site.mr.stop();
      const alone = await ask(site.mr, `${FROM_LAN} --dport ${VOICE}`);
      t.is(alone.status, 0);
      t.deepEqual(outcome(alone.explanation), ['voice', 'b']);
      await site.mr.start();
    });
  } finally {
    rmdirSync(group);
  }
});

test.serial('an interface left to the stack is told so, and the home interface decides', async (t) => {
  const stack = mobileRouter({
    policies: POLICIES.slice(0, 1),
    ingress: [{ interface: 'lan0', forwarding: 'stack' }],
  });
  await inSite(t, { mr: stack }, async (site) => {
    await site.state(2, 'usable');
    const { explanation, status } = await ask(site.mr, `${FROM_LAN} --dport ${VOICE}`);
    t.is(status, 0);
    t.deepEqual(
      explanation.stages.map((stage) => (stage.kind === 'stack' ? stage.text : stage.program)),
      [
        'no program of ours is on lan0: its packets take the stack',
        'the stack routes it to the home interface, with mark 0x0',
        'coax_home',
      ],
    );
    t.deepEqual(outcome(explanation), ['voice', 'b']);

    const text = await site.mr.coax([
      'explain',
      '--config',
      site.mr.configFile,
      ...`${FROM_LAN} --dport 1`.split(' '),
    ]);
    t.regex(text.stdout, /^policies +no +10 voice +destination-port 1 is not 5060$/m);
    const wrong: [words: string, status: number, says: RegExp][] = [
      [`${FROM_LAN} --in nowhere`, 2, /there is no interface nowhere \(INTERFACE_UNKNOWN\)/],
      [
        `--dst ${addresses.correspondent} --cgroup /nowhere`,
        2,
        /there is no cgroup \/nowhere \(CGROUP_UNKNOWN\)/,
      ],
      [`${FROM_LAN} --length 60000`, 1, /\(PACKET_TOO_LONG\)/],
      [`${FROM_LAN} --instance another`, 1, /instance another is not loaded \(INSTANCE_NOT_LOADED\)/],
    ];
    for (const [words, exitCode, says] of wrong) {
      const args = ['explain', '--config', site.mr.configFile, ...words.split(' ')];
      const result = await site.mr.coax(args, { mayFail: true });
      t.is(result.exitCode, exitCode, words);
      t.regex(result.stderr, says);
    }
  });
});

import test from 'ava';
import { formatExplanation } from '../../../src/cli/format-explanation.js';
import type { Explanation, ProgramStage } from '../../../src/inspect/index.js';

const STAGE: ProgramStage = {
  kind: 'program',
  program: 'coax_ingress',
  interface: 'lan0',
  tag: '0011223344556677',
  attachedTag: '0011223344556677',
  hook: 'ingress',
  reason: 'encapsulated',
  text: 'gets an outer header and leaves by the uplink',
  router: null,
  markKnown: false,
  policies: [
    {
      fid: 1,
      registeredFid: null,
      name: 'web',
      priority: 10,
      match: 'protocol tcp',
      action: 'use lte',
      verdict: 'differs',
      differences: [],
      why: 'protocol udp is not tcp',
    },
    {
      fid: 2,
      registeredFid: null,
      name: 'voice',
      priority: 20,
      match: 'protocol udp',
      action: 'use wifi, lte',
      verdict: 'decides',
      differences: [],
      why: 'matches',
    },
  ],
  notAsked: 1,
  mattered: [{ field: 'protocol', values: 'udp' }],
  bindings: [
    {
      bid: 2,
      name: 'wifi',
      usable: false,
      taken: false,
      why: 'it has no care-of address',
      careOf: null,
      mtu: null,
    },
    {
      bid: 1,
      name: 'lte',
      usable: true,
      taken: true,
      why: 'the first usable one of the list',
      careOf: '2001:db8:a::2',
      mtu: 1460,
    },
  ],
  outer: {
    source: '2001:db8:a::2',
    destination: '2001:db8:ffff::1',
    hopLimit: 64,
    flowLabel: 0x123,
    trafficClass: 0xb8,
    madeBy: 'the program',
  },
  mtu: { length: 128, mtu: 1460, fits: true },
  leaves: {
    bid: 1,
    binding: 'lte',
    interface: 'wwan0',
    nextHop: '2001:db8:a::1',
    nextHopMac: '02:00:00:00:00:01',
  },
  answer: null,
  agreement: {
    agrees: true,
    live: 'lte by policy voice',
    reference: 'lte by policy voice',
    differences: [],
  },
};

const EXPLANATION: Explanation = {
  instance: 'default',
  generation: 3,
  packet: {
    source: '2001:db8:1::2',
    destination: '2001:db8:99::2',
    protocol: 'udp',
    sourcePort: 4000,
    destinationPort: 5060,
    dscp: 'ef',
    ecn: 0,
    flowLabel: 0,
    spi: null,
    icmpType: null,
    icmpCode: null,
    hopLimit: 64,
    length: 128,
    fragment: null,
    interface: 'lan0',
    mark: '0x0',
    cgroup: null,
    problem: null,
  },
  stages: [STAGE],
  fate: 'sent',
  text: STAGE.text,
  trustworthy: true,
  doubts: [],
};

test('an explanation in lines', (t) => {
  t.deepEqual(formatExplanation(EXPLANATION, false).split('\n'), [
    'packet    udp 2001:db8:1::2 port 4000 -> 2001:db8:99::2 port 5060, 128 bytes, dscp ef, hop limit 64, in by lan0',
    '',
    'program   coax_ingress on lan0, tag 0011223344556677 (as attached)',
    'policies  no     10 web    protocol udp is not tcp',
    '          yes    20 voice  matches: use wifi, lte',
    '          1 behind it is not asked',
    'mattered  protocol udp',
    'bindings  not   wifi (BID 2): it has no care-of address',
    '          takes lte (BID 1): the first usable one of the list',
    'mtu       128 of 1460 bytes: fits',
    'outer     2001:db8:a::2 -> 2001:db8:ffff::1, hop limit 64, flow label 0x00123, traffic class 0xb8',
    'leaves    by BID 1 (lte) on wwan0 to 2001:db8:a::1 (02:00:00:00:00:01)',
    'so        it gets an outer header and leaves by the uplink (ingress encapsulated)',
    'reference the same: lte by policy voice',
    '',
    'answer    it gets an outer header and leaves by the uplink',
    'by        the attached programs and the reference classifier say the same (instance default, generation 3)',
  ]);
});

test('what a router has registered is named as that, with its FID on the wire', (t) => {
  const [, decides] = STAGE.policies;
  if (decides === undefined) throw new Error('there is no policy');
  const registered = { ...decides, fid: 65_543, registeredFid: 7, name: 'flow-7', priority: 65_576 };
  const stages = [{ ...STAGE, router: 'mr1', policies: [registered] }];
  const lines = formatExplanation({ ...EXPLANATION, stages }, false).split('\n');
  t.true(
    lines.includes('policies  yes 65576 flow binding 7 of mr1  matches: use wifi, lte'),
    lines.join('\n'),
  );
});

test('a long list of policies is cut before the one that decides', (t) => {
  const [differs, decides] = STAGE.policies;
  if (!differs || !decides) throw new Error('the stage has two policies');
  const policies = [...Array.from({ length: 100 }, (_, at) => ({ ...differs, name: `p${at}` })), decides];
  const long = { ...EXPLANATION, stages: [{ ...STAGE, policies }] };
  const short = formatExplanation(long, false);
  t.regex(short, /80 more do not match: --all/);
  t.regex(short, / voice +matches: use wifi, lte/);
  t.notRegex(short, / p20 /);
  t.regex(formatExplanation(long, true), / p99 /);
});

test('two answers that differ are not to be trusted, and that is said', (t) => {
  const agreement = {
    agrees: false,
    live: 'lte by policy voice',
    reference: 'wifi by policy voice',
    differences: [],
  };
  const text = formatExplanation(
    { ...EXPLANATION, trustworthy: false, doubts: ['x'], stages: [{ ...STAGE, agreement }] },
    false,
  );
  t.regex(text, /^reference says wifi by policy voice, but the program lte by policy voice$/m);
  t.regex(text, /^by +NOT TO BE TRUSTED/m);
});

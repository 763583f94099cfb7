import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CLI } from '../../../lab/cli.js';
import { type CommandResult, run } from '../../../lab/command.js';
import {
  Address,
  encodeMobilityHeader,
  encodeMobilityPacket,
  MacAddress,
  type MobilityMessage,
  Prefix,
} from '../../../src/mobility/index.js';
import { hexText } from '../../support/mobility-messages.js';
import { ethernet, ipv6 } from '../../support/packet.js';
import { pcapFile } from '../../support/pcap-file.js';
import { temporaryFolder } from '../../support/temporary.js';

const RAW = 101;
const COOKED = 113;
const address = Address.parse;
const ENDS = { source: address('2001:db8:a::2'), destination: address('2001:db8:ffff::1') };
const BID = { type: 'binding-identifier', status: 0, home: false, priority: 10, careOf: undefined } as const;
const NO_FIELDS = {
  source: undefined,
  destination: undefined,
  spi: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  protocol: undefined,
} as const;

const UPDATE: MobilityMessage = {
  type: 'binding-update',
  sequence: 7,
  flags: ['acknowledge', 'home', 'mobile-router', 'overwrite'],
  lifetime: 420,
  options: [
    { type: 'mobile-network-prefix', prefix: Prefix.parse('2001:db8:1::/64') },
    { ...BID, bid: 1, home: true, careOf: address('2001:db8:a::2') },
    {
      type: 'flow-identification',
      fid: 3,
      priority: 5,
      status: 0,
      bids: [1, 2],
      selector: {
        type: 'ipv6',
        ...NO_FIELDS,
        flowLabel: { low: 16, high: 16 },
        destination: { low: address('2001:db8:1::'), high: address('2001:db8:1::ff') },
        destinationPort: { low: 5060, high: 5080 },
      },
      others: [],
    },
    { type: 'flow-summary', fids: [4, 5] },
    { type: 'alternate-care-of', address: address('2001:db8:a::3') },
    { type: 'link-layer-address', code: 2, mac: MacAddress.parse('02:00:00:00:00:07') },
    { type: 'nonce-indices', home: 1, careOf: 2 },
    { type: 'other', number: 8, data: Uint8Array.of(1, 0x61) },
    { type: 'replay-protection', timestamp: 3_155_673_600n << 32n },
    { type: 'authentication', subtype: 1, spi: 0x1000, data: new Uint8Array(12) },
  ],
};
const ACKNOWLEDGEMENT: MobilityMessage = {
  type: 'binding-acknowledgement',
  status: 4,
  flags: ['mobile-router'],
  sequence: 7,
  lifetime: 400,
  options: [
    { ...BID, bid: 1, priority: 0 },
    { ...BID, bid: 2, priority: 0, status: 167 },
  ],
};

async function decode(words: readonly string[], input?: string | Uint8Array): Promise<CommandResult> {
  const options = input === undefined ? {} : { input };
  return run(process.execPath, [CLI, 'mh', 'decode', ...words], { ...options, mayFail: true });
}

const WHOLE = `from      2001:db8:a::2, home address 2001:db8:77::1
to        2001:db8:ffff::1
message   Binding Update, 200 bytes, checksum right
sequence  7
flags     acknowledge home mobile-router overwrite
lifetime  420 s
OPTION                      VALUE
mobile network prefix       2001:db8:1::/64
binding identifier          BID 1, priority 10, at home too, care-of address 2001:db8:a::2
flow identification         FID 3, priority 5, BID 1 2, IPv6 destination 2001:db8:1::-2001:db8:1::ff destination-port 5060-5080 flow-label 0x10
flow summary                FID 4 5
alternate care of           2001:db8:a::3
link layer address          code 2, 02:00:00:00:00:07
nonce indices               home 1, care-of 2
mobile node identifier (8)  0161
replay protection           2000-01-01T00:00:00.000Z
authentication              subtype 1, SPI 0x1000, 000000000000000000000000
`;

const PACKET = encodeMobilityPacket({ ...ENDS, homeAddress: address('2001:db8:77::1') }, UPDATE);

test('a packet in hex digits, with spaces, colons or 0x, and as a frame', async (t) => {
  const hex = hexText(PACKET);
  const ways: string[][] = [
    [hex],
    [`0x${hex.toUpperCase()}`],
    hex.match(/.{1,8}/g) ?? [],
    [hex.replaceAll(/(..)(?!$)/g, '$1:')],
    [hexText(ethernet().raw(PACKET).bytes())],
  ];
  for (const words of ways) {
    const { stdout, stderr, exitCode } = await decode(words);
    t.is(stdout, WHOLE);
    t.is(stderr, '');
    t.is(exitCode, 0);
  }
  const { stdout, exitCode } = await decode(['-'], `${hex.replaceAll(/(.{32})/g, '$1\n')}\n`);
  t.is(stdout, WHOLE);
  t.is(exitCode, 0);
});

test('a header alone: its checksum cannot be known, what is behind it is told', async (t) => {
  const hex = hexText(encodeMobilityHeader({ type: 'binding-refresh-request', options: [] }));
  const { stdout, exitCode } = await decode([`${hex}aabb`]);
  t.is(
    stdout,
    'message  Binding Refresh Request, 8 bytes, checksum not checked, 2 bytes behind it are ignored\n',
  );
  t.is(exitCode, 0);
});

test('a capture: the packets with mobility headers, by their numbers', async (t) => {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  const back = encodeMobilityPacket(
    { source: ENDS.destination, destination: ENDS.source, routedTo: address('2001:db8:77::1') },
    ACKNOWLEDGEMENT,
  );
  const other = ipv6({ source: '2001:db8::1', destination: '2001:db8::2' }).udp().payload(5).bytes();
  const cooked = (packet: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from('000000010006020000000001000086dd', 'hex'), packet]);
  for (const [name, file] of Object.entries({
    raw: pcapFile(RAW, [other, PACKET, other, back]),
    cooked: pcapFile(COOKED, [other, PACKET, other, back].map(cooked), { big: true }),
  })) {
    const place = join(path, `${name}.pcap`);
    writeFileSync(place, file);
    const { stdout, exitCode } = await decode([place]);
    t.is(exitCode, 0);
    const [first = '', second] = stdout.split('\n\n');
    t.true(first.startsWith('packet    2\nfrom      2001:db8:a::2, home'), first);
    t.is(
      second,
      `packet    4
from      2001:db8:ffff::1
to        2001:db8:a::2, home address 2001:db8:77::1
message   Binding Acknowledgement, 24 bytes, checksum right
status    4, some of the bindings are rejected (MCOA NOTCOMPLETE)
sequence  7
flags     mobile-router
lifetime  400 s
OPTION              VALUE
binding identifier  BID 1
binding identifier  BID 2, status 167, the BID has no care-of address (MCOA UNKNOWN COA)
`,
    );
    t.deepEqual(await decode(['-'], file), { stdout, stderr: '', exitCode });
    const limited = await decode([place, '--limit', '1']);
    t.regex(limited.stdout, /\n\n1 more messages: --limit\n$/);
    t.false(limited.stdout.includes('Acknowledgement'));
  }
});

test('--json has everything: numbers, addresses as text, bytes as hex digits', async (t) => {
  const { stdout, exitCode } = await decode([hexText(PACKET), '--json']);
  t.is(exitCode, 0);
  const answer = JSON.parse(stdout) as { messages: { message: { options: unknown[] } }[] };
  t.like(answer, { packets: null, more: 0 });
  const [found] = answer.messages;
  t.like(found, {
    packet: null,
    source: '2001:db8:a::2',
    homeAddress: '2001:db8:77::1',
    routing: null,
    checksum: 'right',
    length: 200,
    problem: null,
  });
  t.like(found?.message, { type: 'binding-update', sequence: 7, lifetime: 420 });
  t.like(found?.message.options[1], {
    type: 'binding-identifier',
    bid: 1,
    careOf: '2001:db8:a::2',
    home: true,
  });
  t.like(found?.message.options[8], { timestamp: (3_155_673_600n << 32n).toString() });
  t.like(found?.message.options[9], { spi: 0x1000, data: '00'.repeat(12) });
});

test('what is damaged is told, the rest is shown, and the status is 1', async (t) => {
  const cut = await decode([hexText(encodeMobilityHeader(UPDATE)).slice(0, 40)]);
  t.is(cut.exitCode, 1);
  t.is(cut.stdout, 'problem  at byte 1: the header says 200 bytes, there are 20 (RFC 6275 section 6.1.1)\n');
  // The length of the Binding Identifier is 5.
  const option = await decode(['3b020500 00000007 c0400001 2305 0001000000 0103000000']);
  t.is(option.exitCode, 1);
  t.regex(option.stdout, /^sequence {2}7$/m);
  t.regex(
    option.stdout,
    /^not known \(35\) {2}at byte 14: the length is 5, it must be 4, 8 or 20 \(RFC 5648/m,
  );
  const wrong = Buffer.from(PACKET);
  wrong.writeUInt8(wrong.readUInt8(71) ^ 1, 71);
  const checksum = await decode([wrong.toString('hex'), '--json']);
  t.is(checksum.exitCode, 1);
  t.like(JSON.parse(checksum.stdout), { messages: [{ checksum: 'wrong' }] });
  const damaged = JSON.parse(
    (await decode(['3b020500 00000007 c0400001 2305 0001000000 0103000000', '--json'])).stdout,
  );
  t.like(damaged, {
    messages: [{ message: { options: [{ problem: { code: 'MOBILITY_OPTION_INVALID', offset: 14 } }] } }],
  });
});

test('nothing in it is status 1, too', async (t) => {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  const other = ipv6({ source: '2001:db8::1', destination: '2001:db8::2' }).esp().payload(40).bytes();
  const place = join(path, 'other.pcap');
  writeFileSync(place, pcapFile(RAW, [other]));
  t.like(await decode([place]), {
    stdout: 'no mobility header in 1 packets: they may be encrypted\n',
    exitCode: 1,
  });
  t.like(await decode([hexText(other)]), {
    stdout: 'no mobility header in it: it may be encrypted\n',
    exitCode: 1,
  });
});

const REFUSED: readonly { words: string[]; input?: string; status: number; says: RegExp }[] = [
  { words: [], status: 2, says: /missing required argument 'input' \(USAGE\)/ },
  { words: ['3b0'], status: 2, says: /3 hex digits are no bytes \(USAGE\)/ },
  { words: [''], status: 2, says: /0 hex digits are no bytes \(USAGE\)/ },
  { words: ['3b00', 'none.pcap'], status: 2, says: /are not hex digits \(USAGE\)/ },
  { words: ['3b00', '--limit', '0'], status: 2, says: /number of messages/ },
  { words: ['-'], input: '00'.repeat(66_000), status: 2, says: /66000 bytes are more than a packet has/ },
  {
    words: ['none.pcap'],
    status: 1,
    says: /none.pcap cannot be read: there is no such file \(CAPTURE_UNREADABLE\)/,
  },
  { words: ['-'], input: '', status: 1, says: /standard input is neither pcap nor pcapng/ },
  { words: ['-'], input: 'no digits', status: 1, says: /standard input is neither pcap nor pcapng/ },
];

for (const [at, { words, input, status, says }] of REFUSED.entries()) {
  test(`refused (${at}): coax mh decode ${words.join(' ').slice(0, 20)}: ${says.source}`, async (t) => {
    const { stdout, stderr, exitCode } = await decode(words, input);
    t.is(exitCode, status);
    t.is(stdout, '');
    t.regex(stderr, says);
  });
}

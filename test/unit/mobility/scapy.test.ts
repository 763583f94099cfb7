/**
 * Both ways with Debian's scapy (2.5): it dissects our packets, and we decode the ones that it makes. What it does not
 * do, and what is compared instead:
 * - Binding Identifier, Flow Summary and Flow Identification (35, 44, 45) are unknown to it: their bytes.
 * - Nothing as an authenticator is shown as something: ours have a value here.
 * - Flags behind R are reserved bits to it: the bits.
 * The checksum and the authenticator of RFC 4285 are computed there, by scapy and by Python's hmac.
 */
import test from 'ava';
import fc from 'fast-check';
import { run } from '../../../lab/command.js';
import {
  Address,
  type AuthenticationParties,
  decodeMobilityHeader,
  decodeMobilityPacket,
  encodeAuthenticated,
  encodeMobilityHeader,
  encodeMobilityPacket,
  type MobilityMessage,
  type MobilityOption,
  UPDATE_FLAGS,
  verifyAuthentication,
} from '../../../src/mobility/index.js';
import { rawOptionsOf } from '../../support/mobility-bytes.js';
import { comparable, hexBytes, hexText, MESSAGES, seedOf } from '../../support/mobility-messages.js';

/** Debian's package is for Debian's own Python. */
const PYTHON = '/usr/bin/python3';
const EACH = 40;
const SOURCE = Address.parse('2001:db8:a::2');
const DESTINATION = Address.parse('2001:db8:ffff::1');
const HOME = Address.parse('2001:db8:77::1');

type KnownMessage = Exclude<MobilityMessage, { type: 'other' }>;
type KnownType = KnownMessage['type'];

const CLASSES: Readonly<Record<KnownType, { readonly name: string; readonly first: number }>> = {
  'binding-update': { name: 'MIP6MH_BU', first: 12 },
  'binding-acknowledgement': { name: 'MIP6MH_BA', first: 12 },
  'binding-refresh-request': { name: 'MIP6MH_BRR', first: 8 },
  'binding-error': { name: 'MIP6MH_BE', first: 24 },
};

interface Dissected {
  readonly message: string;
  readonly fields: Readonly<Record<string, number | string>>;
  readonly rightChecksum: number;
  readonly homeAddress: string | null;
  readonly routing: readonly [number, number, string[]] | null;
  readonly options: readonly Readonly<Record<string, number | string>>[];
}

async function scapy<T>(questions: readonly unknown[]): Promise<T[]> {
  const { stdout } = await run(PYTHON, ['test/support/scapy-peer.py'], {
    input: JSON.stringify(questions),
    timeout: 60_000,
  });
  return JSON.parse(stdout) as T[];
}

/** Ways of a packet: with and without what names the home address. */
const WAYS = [
  {},
  { homeAddress: HOME },
  { routedTo: HOME },
  { homeAddress: HOME, routedTo: Address.parse('2001:db8:77::2') },
] as const;

/** Types that scapy takes apart, but that are none of ours. */
const OTHERS_OF_SCAPY = 16;

function samples(seed: number): KnownMessage[] {
  return Object.keys(CLASSES).flatMap((type) =>
    fc.sample(MESSAGES[type as KnownType], { seed, numRuns: EACH }).map((message) => {
      const known = message as KnownMessage;
      const options = known.options.filter((option) => {
        if (option.type === 'authentication') return option.data.length > 0;
        // It has the form of RFC 4068, one byte longer than that of RFC 5568.
        if (option.type === 'link-layer-address') return false;
        return option.type !== 'other' || option.number > OTHERS_OF_SCAPY;
      });
      return { ...known, options };
    }),
  );
}

/** An option under the names of scapy. */
function expectedOption(option: MobilityOption, raw: string): Record<string, number | string> {
  const olen = raw.length / 2 - 2;
  switch (option.type) {
    case 'alternate-care-of':
      return { name: 'MIP6OptAltCoA', otype: 3, olen, acoa: `${option.address}` };
    case 'nonce-indices':
      return { name: 'MIP6OptNonceIndices', otype: 4, olen, hni: option.home, coni: option.careOf };
    case 'mobile-network-prefix': {
      const { address, length } = option.prefix;
      return { name: 'MIP6OptMobNetPrefix', otype: 6, olen, reserved: 0, plen: length, prefix: `${address}` };
    }
    case 'authentication': {
      const { subtype, spi, data } = option;
      return { name: 'MIP6OptMsgAuth', otype: 9, olen, subtype, mspi: spi, authdata: hexText(data) };
    }
    case 'replay-protection':
      return { name: 'MIP6OptReplayProtection', otype: 10, olen, timestamp: `${option.timestamp}` };
    default:
      return {
        name: 'MIP6OptUnknown',
        otype: Number.parseInt(raw.slice(0, 2), 16),
        olen,
        odata: raw.slice(4),
      };
  }
}

/** A message's fields under the names of scapy, but for what all of them have. */
function expectedFields(message: KnownMessage): Record<string, number | string> {
  switch (message.type) {
    case 'binding-update': {
      const bits = message.flags.reduce((all, flag) => all | UPDATE_FLAGS[flag], 0);
      const letters = [...'PRMKLHA'].filter((_, at) => bits & (0x0200 << at)).join('');
      return { seq: message.sequence, flags: letters, reserved: bits & 0x1ff, mhtime: message.lifetime / 4 };
    }
    case 'binding-acknowledgement': {
      const letters = (['proxy', 'mobile-router', 'key-management'] as const)
        .filter((flag) => message.flags.includes(flag))
        .map((flag) => ({ proxy: 'P', 'mobile-router': 'R', 'key-management': 'K' })[flag])
        .join('');
      const res2 = message.flags.includes('tlv') ? 0x10 : 0;
      const { status, sequence: seq, lifetime } = message;
      return { status, flags: letters, res2, seq, mhtime: lifetime / 4 };
    }
    case 'binding-refresh-request':
      return { res2: 0 };
    case 'binding-error':
      return { status: message.status, reserved: 0, ha: `${message.homeAddress}` };
  }
}

test('scapy dissects our packets into what we have put there, and holds their checksums right', async (t) => {
  const messages = samples(seedOf((text) => t.log(text)));
  const packets = messages.map((message, at) => {
    const way = WAYS[at % WAYS.length] ?? {};
    return encodeMobilityPacket({ source: SOURCE, destination: DESTINATION, ...way }, message);
  });
  const answers = await scapy<Dissected>(packets.map((packet) => ({ dissect: hexText(packet) })));
  t.is(answers.length, messages.length);
  const seen = new Set<string>();
  for (const [at, message] of messages.entries()) {
    const way: { homeAddress?: Address; routedTo?: Address } = WAYS[at % WAYS.length] ?? {};
    const answer = answers[at] as Dissected;
    const packet = packets[at] as Uint8Array;
    const header = packet.subarray(packet.length - encodeMobilityHeader(message).length);
    const note = hexText(packet);
    const { name, first } = CLASSES[message.type];
    t.is(answer.message, name);
    const { nh, len, mhtype, res, cksum, ...fields } = answer.fields;
    t.deepEqual({ nh, len, mhtype, res }, { nh: 59, len: header.length / 8 - 1, mhtype: header[2], res: 0 });
    t.is(cksum, answer.rightChecksum, note);
    t.deepEqual(fields, expectedFields(message), note);
    t.is(answer.homeAddress, way.homeAddress === undefined ? null : `${way.homeAddress}`);
    t.deepEqual(answer.routing, way.routedTo === undefined ? null : [2, 1, [`${way.routedTo}`]]);
    const raw = rawOptionsOf(header, first).map(({ offset, length }) =>
      hexText(header.subarray(offset, offset + 2 + length)),
    );
    t.is(raw.length, message.options.length);
    const expected = message.options.map((option, index) => {
      seen.add(option.type);
      return expectedOption(option, raw[index] ?? '');
    });
    t.deepEqual(answer.options, expected, note);
  }
  t.is(seen.size, 9, 'every option is in it');
});

/** What scapy can make by their fields, with their alignment. */
const KNOWN_TO_SCAPY: readonly string[] = [
  'alternate-care-of',
  'nonce-indices',
  'mobile-network-prefix',
  'authentication',
  'replay-protection',
];

/** What scapy is told to make of an option; bytes for the ones that it does not know. */
function buildOption(option: MobilityOption, raw: string): unknown {
  const { name: _, otype, olen, ...fields } = expectedOption(option, raw);
  if (!KNOWN_TO_SCAPY.includes(option.type)) return { type: 'other', fields: { otype, ...fields } };
  return { type: option.type, fields: option.type === 'authentication' ? fields : { olen, ...fields } };
}

test('we decode the packets that scapy makes, and hold their checksums right', async (t) => {
  // It does not align what it does not know: those stand where they come.
  const messages = samples(seedOf((text) => t.log(text)));
  const questions = messages.map((message, at) => {
    const way: { homeAddress?: Address; routedTo?: Address } = WAYS[at % WAYS.length] ?? {};
    const header = encodeMobilityHeader(message);
    const raw = rawOptionsOf(header, CLASSES[message.type].first);
    return {
      build: {
        source: `${SOURCE}`,
        destination: `${DESTINATION}`,
        ...(way.homeAddress === undefined ? {} : { homeAddress: `${way.homeAddress}` }),
        ...(way.routedTo === undefined ? {} : { routedTo: `${way.routedTo}` }),
        type: message.type,
        fields: expectedFields(message),
        options: message.options.map((option, index) => {
          const { offset = 0, length = 0 } = raw[index] ?? {};
          return buildOption(option, hexText(header.subarray(offset, offset + 2 + length)));
        }),
      },
    };
  });
  const answers = await scapy<string>(questions);
  t.is(answers.length, messages.length);
  let same = 0;
  for (const [at, message] of messages.entries()) {
    const way: { homeAddress?: Address; routedTo?: Address } = WAYS[at % WAYS.length] ?? {};
    const packet = hexBytes(answers[at] ?? '');
    const found = decodeMobilityPacket(packet);
    if (found === undefined) throw new Error(`no mobility header in ${answers[at]}`);
    t.deepEqual(comparable(decodeMobilityHeader(found.header)), comparable(message), answers[at] ?? '');
    t.is(found.checksum, 'right', answers[at] ?? '');
    t.is(found.homeAddress?.toString(), way.homeAddress?.toString());
    t.is(found.routing?.address.toString(), way.routedTo?.toString());
    // With options that it aligns, every byte of ours is one of theirs; a Binding Error it does not pad.
    if (message.type === 'binding-error') continue;
    if (!message.options.every(({ type }) => KNOWN_TO_SCAPY.includes(type))) continue;
    const ours = encodeMobilityPacket({ source: SOURCE, destination: DESTINATION, ...way }, message);
    t.is(answers[at] ?? '', hexText(ours));
    if (message.options.length > 0) same += 1;
  }
  t.log(`${same} packets with options have the same bytes`);
  t.true(same > 5, `${same}`);
});

test('Python holds our authenticators right, and we hold those of Python right', async (t) => {
  const seed = seedOf((text) => t.log(text));
  const key = { spi: 0x1234, key: hexBytes('00112233445566778899aabbccddeeff') };
  const parties: AuthenticationParties = { careOf: SOURCE, homeAddress: HOME };
  const packets = fc.sample(MESSAGES['binding-update'], { seed, numRuns: EACH }).map((message) => {
    const update = message as Extract<MobilityMessage, { type: 'binding-update' }>;
    const options = update.options.filter(
      ({ type }) => type !== 'authentication' && type !== 'other' && type !== 'link-layer-address',
    );
    return encodeMobilityPacket(
      { source: SOURCE, destination: DESTINATION, homeAddress: HOME },
      (addresses) => encodeAuthenticated({ ...update, options }, parties, key, addresses),
    );
  });
  const common = { key: hexText(key.key), careOf: `${SOURCE}`, home: `${HOME}` };
  const values = await scapy<string>(
    packets.map((packet) => ({ authenticator: hexText(packet), ...common })),
  );
  t.is(values.length, EACH);
  for (const [at, packet] of packets.entries()) {
    const header = decodeMobilityPacket(packet)?.header ?? new Uint8Array();
    const { offset = 0 } = rawOptionsOf(header, 12).at(-1) ?? {};
    t.is(hexText(header.subarray(offset + 7, offset + 19)), values[at] ?? '', hexText(packet));
    const theirs = Uint8Array.from(header);
    theirs.set(hexBytes(values[at] ?? ''), offset + 7);
    t.is(
      verifyAuthentication(theirs, parties, () => key.key),
      'valid',
    );
  }
});

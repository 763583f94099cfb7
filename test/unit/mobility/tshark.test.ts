/**
 * What Debian's tshark (4.0) makes of our packets. It decodes the four messages, the home address option, the type 2
 * routing header and most options. What it does not do, and what is compared instead:
 * - Flow Summary and Flow Identification (44, 45) are unknown to it: their types, in order; that their lengths are
 *   right shows in the options behind them (the length that it prints is another field's).
 * - BID-PRI is not shown, the flag O is called B: the raw bytes of the option, the bit.
 * - The last two bytes of an authenticator are cut off, the fraction of a timestamp is taken for nanoseconds: the raw
 *   bytes of the options.
 * - An authentication without a value is malformed to it: ours have one here, as RFC 4285 has it.
 * - It does not check the checksum of mobility headers: scapy.test.ts does.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { run } from '../../../lab/command.js';
import {
  ACKNOWLEDGEMENT_FLAGS,
  Address,
  encodeMobilityHeader,
  encodeMobilityPacket,
  type MobilityMessage,
  type MobilityOption,
  OptionType,
  UPDATE_FLAGS,
} from '../../../src/mobility/index.js';
import { rawOptionsOf } from '../../support/mobility-bytes.js';
import { hexText, MESSAGES, seedOf } from '../../support/mobility-messages.js';
import { pcapFile } from '../../support/pcap-file.js';
import { temporaryFolder } from '../../support/temporary.js';

const RAW = 101;
const EACH = 60;
/** Numbers of options that no registry has. */
const FIRST_UNASSIGNED = 128;
const ENDS = {
  source: Address.parse('2001:db8:a::2'),
  destination: Address.parse('2001:db8:ffff::1'),
  homeAddress: Address.parse('2001:db8:77::1'),
  routedTo: Address.parse('2001:db8:77::2'),
};

type KnownMessage = Exclude<MobilityMessage, { type: 'other' }>;

/** Offset of the first option. */
const FIRST_OPTION: Readonly<Record<KnownMessage['type'], number>> = {
  'binding-update': 12,
  'binding-acknowledgement': 12,
  'binding-refresh-request': 8,
  'binding-error': 24,
};

/** What tshark calls the raw bytes of an option, and the fields in it. */
const RAW_NAMES: ReadonlyMap<number, string> = new Map([
  [OptionType.ALTERNATE_CARE_OF, 'mip6.options.acoa'],
  [OptionType.NONCE_INDICES, 'mip6.options.ni'],
  [OptionType.MOBILE_NETWORK_PREFIX, 'mip6.options.mnp'],
  [OptionType.AUTHENTICATION, 'mip6.options.auth'],
  [OptionType.REPLAY_PROTECTION, 'mip6.options.mseg_id'],
  [OptionType.BINDING_IDENTIFIER, 'mip6.options.bi'],
]);

/** The fields of a packet by their names, wherever they stand, in order. */
class Fields {
  readonly #values = new Map<string, string[]>();
  /** Names of nodes without a value. */
  readonly nodes: string[] = [];

  constructor(tree: unknown) {
    this.#walk(tree);
  }

  all(name: string): string[] {
    return this.#values.get(name) ?? [];
  }

  one(name: string): string | undefined {
    return this.all(name)[0];
  }

  #walk(tree: unknown): void {
    if (Array.isArray(tree)) {
      for (const item of tree) this.#walk(item);
      return;
    }
    if (typeof tree !== 'object' || tree === null) return;
    for (const [name, value] of Object.entries(tree)) {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      for (const item of list) {
        if (typeof item === 'string') this.#values.set(name, [...this.all(name), item]);
        else this.nodes.push(name);
      }
      this.#walk(value);
    }
  }
}

/** What we say an option has, under the names of tshark. */
function expectedFields(option: MobilityOption): [string, string][] {
  switch (option.type) {
    case 'binding-identifier':
      return [
        ['mip6.bi.bid', `${option.bid}`],
        ['mip6.bi.status', `${option.status}`],
        ['mip6.bi.h_flag', option.home ? '1' : '0'],
        ...(option.careOf === undefined
          ? []
          : ([[`mip6.bi.coa_ipv${option.careOf.family}`, `${option.careOf}`]] as [string, string][])),
      ];
    case 'mobile-network-prefix':
      return [
        ['mip6.nemo.mnp.pfl', `${option.prefix.length}`],
        ['mip6.nemo.mnp.mnp', `${option.prefix.address}`],
      ];
    case 'alternate-care-of':
      return [['mip6.acoa.acoa', `${option.address}`]];
    case 'link-layer-address':
      return [['mip6.lla.optcode', `${option.code}`]];
    case 'nonce-indices':
      return [
        ['mip6.ni.hni', `${option.home}`],
        ['mip6.ni.cni', `${option.careOf}`],
      ];
    case 'authentication':
      return [
        ['mip6.auth.subtype', `${option.subtype}`],
        ['mip6.auth.mobility_spi', `${option.spi}`],
      ];
    case 'flow-summary':
      return [['mip6.mobility_opt', `${OptionType.FLOW_SUMMARY}`]];
    case 'flow-identification':
      return [['mip6.mobility_opt', `${OptionType.FLOW_IDENTIFICATION}`]];
    case 'other':
      return [['mip6.mobility_opt', `${option.number}`]];
    case 'replay-protection':
      return [];
  }
}

/** What we say a message has. */
function expectedMessage(message: KnownMessage): [string, string][] {
  const bit = (flags: readonly string[], flag: string): string => (flags.includes(flag) ? '1' : '0');
  switch (message.type) {
    case 'binding-update':
      return [
        ['mip6.mhtype', '5'],
        ['mip6.bu.seqnr', `${message.sequence}`],
        ['mip6.bu.lifetime', `${message.lifetime / 4}`],
        ...Object.keys(UPDATE_FLAGS).map((flag): [string, string] => {
          const letter = LETTERS[flag as keyof typeof UPDATE_FLAGS];
          return [
            letter === 'r' ? 'mip6.nemo.bu.r_flag' : `mip6.bu.${letter}_flag`,
            bit(message.flags, flag),
          ];
        }),
      ];
    case 'binding-acknowledgement':
      return [
        ['mip6.mhtype', '6'],
        ['mip6.ba.status', `${message.status}`],
        ['mip6.ba.seqnr', `${message.sequence}`],
        ['mip6.ba.lifetime', `${message.lifetime / 4}`],
        ...Object.keys(ACKNOWLEDGEMENT_FLAGS).map((flag): [string, string] => {
          const letter = LETTERS[flag as keyof typeof ACKNOWLEDGEMENT_FLAGS];
          return [
            letter === 'r' ? 'mip6.nemo.ba.r_flag' : `mip6.ba.${letter}_flag`,
            bit(message.flags, flag),
          ];
        }),
      ];
    case 'binding-refresh-request':
      return [['mip6.mhtype', '0']];
    case 'binding-error':
      return [
        ['mip6.mhtype', '7'],
        ['mip6.be.status', `${message.status}`],
        ['mip6.be.haddr', `${message.homeAddress}`],
      ];
  }
}

const LETTERS: Readonly<Record<keyof typeof UPDATE_FLAGS, string>> = {
  acknowledge: 'a',
  home: 'h',
  'link-local': 'l',
  'key-management': 'k',
  'mobility-anchor': 'm',
  'mobile-router': 'r',
  proxy: 'p',
  'force-udp': 'f',
  tlv: 't',
  overwrite: 'b',
};

/** Messages whose options tshark does not take for others: it knows many types that we do not. */
function fitting(message: KnownMessage): KnownMessage {
  const options = message.options.filter((option) => {
    if (option.type === 'authentication') return option.data.length > 0;
    return option.type !== 'other' || option.number >= FIRST_UNASSIGNED;
  });
  return { ...message, options };
}

async function tshark(packets: readonly Uint8Array[]): Promise<Fields[]> {
  const { path, remove } = temporaryFolder();
  try {
    const file = join(path, 'messages.pcap');
    writeFileSync(file, pcapFile(RAW, packets));
    const { stdout } = await run('tshark', ['-r', file, '-T', 'json', '--no-duplicate-keys'], {
      timeout: 60_000,
      env: { HOME: path },
    });
    return (JSON.parse(stdout) as unknown[]).map((packet) => new Fields(packet));
  } finally {
    remove();
  }
}

const messages = (seed: number): KnownMessage[] =>
  Object.keys(FIRST_OPTION).flatMap((type) =>
    fc
      .sample(MESSAGES[type as KnownMessage['type']], { seed, numRuns: EACH })
      .map((message) => fitting(message as KnownMessage)),
  );

test('tshark reads in our packets what we have put there', async (t) => {
  const all = messages(seedOf((text) => t.log(text)));
  const dissected = await tshark(all.map((message) => encodeMobilityPacket(ENDS, message)));
  t.is(dissected.length, all.length);
  const seen = new Map<string, number>();
  for (const [at, message] of all.entries()) {
    const fields = dissected[at] as Fields;
    const header = encodeMobilityHeader(message, { source: ENDS.homeAddress, destination: ENDS.routedTo });
    const note = hexText(header);
    t.deepEqual(
      fields.nodes.filter((name) => name.includes('malformed')),
      [],
      note,
    );
    t.is(fields.one('ipv6.opt.mipv6.home_address'), `${ENDS.homeAddress}`);
    t.is(fields.one('ipv6.routing.mipv6.home_address'), `${ENDS.routedTo}`);
    t.is(fields.one('ipv6.routing.segleft'), '1');
    t.is(fields.one('mip6.proto'), '59');
    t.is(fields.one('mip6.hlen'), `${header.length / 8 - 1}`);
    t.is(fields.one('mip6.csum'), `0x${note.slice(8, 12)}`);
    for (const [name, value] of expectedMessage(message)) t.is(fields.one(name), value, `${name} in ${note}`);
    const expected = new Map<string, string[]>();
    for (const option of message.options) {
      seen.set(option.type, (seen.get(option.type) ?? 0) + 1);
      for (const [name, value] of expectedFields(option)) {
        expected.set(name, [...(expected.get(name) ?? []), value]);
      }
    }
    for (const { number, offset, length } of rawOptionsOf(header, FIRST_OPTION[message.type])) {
      const name = RAW_NAMES.get(number);
      const raw = hexText(header.subarray(offset, offset + 2 + length)).replaceAll(/(..)(?!$)/g, '$1:');
      if (name !== undefined) expected.set(name, [...(expected.get(name) ?? []), raw]);
    }
    for (const [name, values] of expected)
      t.deepEqual(fields.all(name).sort(), values.sort(), `${name}: ${note}`);
    // And nothing else: no option that we did not mean.
    for (const name of RAW_NAMES.values())
      t.is(fields.all(name).length, expected.get(name)?.length ?? 0, note);
    t.is(fields.all('mip6.mobility_opt').length, expected.get('mip6.mobility_opt')?.length ?? 0, note);
  }
  t.log(Object.fromEntries(seen));
  t.is(seen.size, 10, 'every option is in it');
});

test('a wrong byte of ours would be seen', async (t) => {
  const message: KnownMessage = {
    type: 'binding-update',
    sequence: 1,
    flags: ['acknowledge', 'home', 'overwrite'],
    lifetime: 60,
    options: [
      { type: 'binding-identifier', bid: 1, status: 0, home: false, priority: 1, careOf: ENDS.source },
      { type: 'binding-identifier', bid: 2, status: 0, home: false, priority: 1, careOf: undefined },
    ],
  };
  const right = encodeMobilityPacket(ENDS, message);
  // The length of the first Binding Identifier, which is at 18 of the header.
  const wrong = Buffer.from(right);
  wrong.writeUInt8(21, right.length - encodeMobilityHeader(message).length + 19);
  const [first, second] = await tshark([right, wrong]);
  t.deepEqual(first?.all('mip6.bi.bid'), ['1', '2']);
  t.notDeepEqual(second?.all('mip6.bi.bid'), ['1', '2']);
});

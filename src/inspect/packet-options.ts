/** A packet from words, as a command line has them. */
import { Address, AddressError } from '../net/index.js';
import {
  ICMPV6,
  isExtensionHeader,
  PolicyError,
  parseCgroup,
  parseMark,
  parseRange,
  type RangeKey,
} from '../policy/index.js';
import { InspectError } from './inspect-error.js';
import { Next } from './ipv6.js';
import type { PacketFields } from './packet-builder.js';

/** What may be said of a packet; each name is that of its flag. */
export interface PacketOptions {
  readonly src?: string | undefined;
  readonly dst?: string | undefined;
  readonly proto?: string | undefined;
  readonly sport?: string | undefined;
  readonly dport?: string | undefined;
  readonly dscp?: string | undefined;
  readonly flowLabel?: string | undefined;
  readonly spi?: string | undefined;
  readonly icmpType?: string | undefined;
  readonly icmpCode?: string | undefined;
  readonly hopLimit?: string | undefined;
  readonly length?: string | undefined;
  readonly fragment?: string | undefined;
}

/**
 * Reads what was said of a packet. Without a protocol it is that which the other words speak of, else UDP.
 * @param homeAddress source of a packet of this machine; undefined where it must be said
 * @throws InspectError PACKET_INVALID
 */
export function readPacketFields(options: PacketOptions, homeAddress: Address | undefined): PacketFields {
  const source = options.src === undefined ? homeAddress : address('--src', options.src);
  if (source === undefined)
    throw invalid('--src is missing', 'say where the packet comes from: --src ADDRESS');
  if (options.dst === undefined)
    throw invalid('--dst is missing', 'say where the packet goes: --dst ADDRESS');
  const icmpType = number('--icmp-type', 'icmpType', options.icmpType);
  const icmpCode = number('--icmp-code', 'icmpCode', options.icmpCode);
  const spi = number('--spi', 'spi', options.spi);
  const protocol = number('--proto', 'protocol', options.proto) ?? impliedProtocol(icmpType ?? icmpCode, spi);
  if (isExtensionHeader(protocol)) {
    throw invalid(
      `--proto ${options.proto} is an extension header`,
      'name what follows it, such as udp; --spi adds an authentication header',
    );
  }
  return {
    source,
    destination: address('--dst', options.dst),
    protocol,
    sourcePort: number('--sport', 'sourcePort', options.sport),
    destinationPort: number('--dport', 'destinationPort', options.dport),
    dscp: number('--dscp', 'dscp', options.dscp),
    flowLabel: number('--flow-label', 'flowLabel', options.flowLabel),
    spi,
    icmpType,
    icmpCode,
    hopLimit: count('--hop-limit', options.hopLimit, 255),
    length: count('--length', options.length, 65_575),
    fragment: fragment(options.fragment),
  };
}

/** Reads a mark: one number of 32 bits. @throws InspectError PACKET_INVALID */
export function readMark(text: string | undefined): number {
  if (text === undefined) return 0;
  try {
    const { value, mask } = parseMark(text);
    if (mask === 0xffff_ffff) return value;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
  }
  throw invalid(
    `--mark ${JSON.stringify(text)} is not the mark of a packet`,
    'give one number up to 0xffffffff, without a mask',
  );
}

/** Reads the path of a cgroup. @throws InspectError PACKET_INVALID */
export function readCgroup(text: string | undefined): string | undefined {
  return text === undefined ? undefined : said('--cgroup', () => parseCgroup(text));
}

function impliedProtocol(icmp: number | undefined, spi: number | undefined): number {
  if (icmp !== undefined) return ICMPV6;
  return spi === undefined ? Next.UDP : Next.ESP;
}

function number(flag: string, key: RangeKey, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const { low, high } = said(flag, () => parseRange(key, text));
  if (low !== high) throw invalid(`${flag} ${text} is a range`, 'a packet has one value: give one');
  return low;
}

/** What a reader of selectors says, as of a flag. */
function said<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PolicyError) throw invalid(`${flag} ${error.what}`, error.hint);
    throw error;
  }
}

function count(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= most) return value;
  throw invalid(
    `${flag} ${JSON.stringify(text)} is not a number up to ${most}`,
    `give a number from 0 to ${most}`,
  );
}

function fragment(text: string | undefined): PacketFields['fragment'] {
  if (text === undefined || text === 'first' || text === 'later') return text;
  throw invalid(
    `--fragment ${JSON.stringify(text)} is neither first nor later`,
    'write --fragment first or --fragment later',
  );
}

function address(flag: string, text: string): Address {
  try {
    const found = Address.parse(text);
    if (found.family === 6) return found;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
  throw invalid(
    `${flag} ${JSON.stringify(text)} is not an IPv6 address`,
    'write one address, without a prefix length',
  );
}

function invalid(message: string, hint: string): InspectError {
  return new InspectError('PACKET_INVALID', message, hint);
}

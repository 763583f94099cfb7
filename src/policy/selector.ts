import { Address, AddressError, Prefix } from '../net/index.js';
import { PolicyError } from './policy-error.js';
import { formatProtocol } from './protocol.js';

/** What `packet mark & mask` must be; both are unsigned 32-bit and the value lies within the mask. */
export interface Mark {
  readonly value: number;
  readonly mask: number;
}

/** Ports from `low` to `high`, both included. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** What a policy asks of a packet: all present fields must match (RFC 6088), `undefined` is a wildcard. */
export interface Selector {
  readonly mark: Mark | undefined;
  readonly source: Prefix | undefined;
  readonly destination: Prefix | undefined;
  /** Upper-layer protocol, the one behind extension headers. */
  readonly protocol: number | undefined;
  readonly sourcePort: PortRange | undefined;
  readonly destinationPort: PortRange | undefined;
}

/** The selector that matches every packet. */
export const ANY: Selector = Object.freeze({
  mark: undefined,
  source: undefined,
  destination: undefined,
  protocol: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
});

const U32_MAX = 0xffff_ffff;
const PORT_MAX = 0xffff;

/**
 * Reads `value` or `value/mask`, each decimal or 0x hexadecimal; without a mask all 32 bits count.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseMark(value: string | number): Mark {
  const parts = String(value).split('/');
  const [mark, mask] = [parseU32(parts[0]), parts.length > 1 ? parseU32(parts[1]) : U32_MAX];
  if (parts.length > 2 || mark === undefined || mask === undefined) {
    throw invalid(
      value,
      'a mark',
      'write VALUE or VALUE/MASK, for example 0x10/0xff, each at most 0xffffffff',
    );
  }
  if (mask === 0)
    throw invalid(value, 'a useful mark (mask 0 lets every packet match)', 'leave the mark out');
  // `>>> 0` because JavaScript's bit operations are signed.
  const within = (mark & mask) >>> 0;
  if (within !== mark) {
    const outside = hex((mark & ~mask) >>> 0);
    throw invalid(
      value,
      `a mark that can match (bits ${outside} of the value are outside the mask)`,
      `write ${formatMark({ value: within, mask })}, or a mask with these bits`,
    );
  }
  return Object.freeze({ value: mark, mask });
}

/**
 * Reads `port` or `low-high`.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parsePorts(value: string | number): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value));
  const low = Number(match?.[1]);
  const high = Number(match?.[2] ?? match?.[1]);
  if (match === null || low > PORT_MAX || high > PORT_MAX) {
    throw invalid(value, 'a port or a range of ports', 'write PORT or LOW-HIGH, each from 0 to 65535');
  }
  if (low > high) throw invalid(value, 'a range that starts below its end', `write ${high}-${low}`);
  return Object.freeze({ low, high });
}

/**
 * Reads an IPv6 prefix, or an address as the prefix that holds only it.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseSelectorPrefix(value: string): Prefix {
  let prefix: Prefix;
  try {
    prefix = value.includes('/') ? Prefix.parse(value) : Prefix.host(Address.parse(value));
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    if (error.code === 'PREFIX_HOST_BITS') throw hostBits(value);
    throw invalid(
      value,
      'an IPv6 address or prefix',
      'write ADDRESS or ADDRESS/LENGTH, for example 2001:db8:1::/64',
    );
  }
  if (prefix.family !== 6)
    throw invalid(value, 'an IPv6 prefix', 'IPv4 is not carried, write an IPv6 prefix');
  return prefix;
}

/** The one text of a selector: fields in fixed order as `keyword value`, `any` when there is none. */
export function formatSelector(selector: Selector): string {
  const fields: string[] = [];
  if (selector.mark) fields.push(`mark ${formatMark(selector.mark)}`);
  if (selector.source) fields.push(`source ${formatSelectorPrefix(selector.source)}`);
  if (selector.destination) fields.push(`destination ${formatSelectorPrefix(selector.destination)}`);
  if (selector.protocol !== undefined) fields.push(`protocol ${formatProtocol(selector.protocol)}`);
  if (selector.sourcePort) fields.push(`source-port ${formatPorts(selector.sourcePort)}`);
  if (selector.destinationPort) fields.push(`destination-port ${formatPorts(selector.destinationPort)}`);
  return fields.length > 0 ? fields.join(' ') : 'any';
}

/** `0x10` when all bits count, else `0x10/0xff`. */
export function formatMark(mark: Mark): string {
  return mark.mask === U32_MAX ? hex(mark.value) : `${hex(mark.value)}/${hex(mark.mask)}`;
}

/** `5000` or `5000-5010`. */
export function formatPorts(ports: PortRange): string {
  return ports.low === ports.high ? String(ports.low) : `${ports.low}-${ports.high}`;
}

/** The address alone when the prefix holds nothing else. */
export function formatSelectorPrefix(prefix: Prefix): string {
  return prefix.isHost ? prefix.address.toString() : prefix.toString();
}

function parseU32(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0x[\da-f]{1,8}|\d{1,10})$/i.test(text)) return undefined;
  const number = Number(text);
  return number <= U32_MAX ? number : undefined;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hostBits(value: string): PolicyError {
  const [address = '', length] = value.split('/');
  const right = Prefix.covering(Address.parse(address), Number(length));
  return new PolicyError(
    'SELECTOR_INVALID',
    `${JSON.stringify(value)} has host bits set`,
    `write ${right}, or ${address} for the one address`,
  );
}

function invalid(value: string | number, expected: string, hint: string): PolicyError {
  return new PolicyError('SELECTOR_INVALID', `${JSON.stringify(value)} is not ${expected}`, hint);
}

/** Packets as layers of text, and the difference of two of them. */
import { Address, MacAddress } from '../../src/net/index.js';
import { Next } from './packet.js';

const NAMES = new Map<number, string>(
  Object.entries(Next).map(([name, number]) => [number, name.toLowerCase().replaceAll('_', '-')]),
);

const nameOf = (protocol: number): string => NAMES.get(protocol) ?? `protocol-${protocol}`;
const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** One line for each layer. `link` says whether an Ethernet header is in front. */
export function describePacket(bytes: Uint8Array, link = true): string[] {
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!link) {
    return describeLayer(Next.IPV6, packet);
  }
  if (packet.length < 14) {
    return describeRest('link header cut', packet);
  }
  const [destination, source] = [packet.subarray(0, 6), packet.subarray(6, 12)].map((mac) =>
    MacAddress.fromBytes(mac),
  );
  const type = packet.readUInt16BE(12);
  const line = `ethernet ${source} > ${destination} type ${hex(type, 4)}`;
  const rest = packet.subarray(14);
  return [line, ...(type === 0x86dd ? describeLayer(Next.IPV6, rest) : describeRest('payload', rest))];
}

/** Expected (-) and actual (+) lines, the common ones unmarked; empty when the packets are equal. */
export function packetDifference(expected: Uint8Array, actual: Uint8Array, link = true): string {
  if (Buffer.compare(expected, actual) === 0) {
    return '';
  }
  let first = 0;
  while (first < Math.min(expected.length, actual.length) && expected[first] === actual[first]) {
    first += 1;
  }
  const lines = mergeLines(describePacket(expected, link), describePacket(actual, link));
  return [
    `first difference at byte ${first} (expected ${expected.length}, got ${actual.length} bytes)`,
    ...lines,
  ].join('\n');
}

function describeLayer(protocol: number, data: Buffer): string[] {
  switch (protocol) {
    case Next.IPV6:
      return describeIpv6(data);
    case Next.HOP_BY_HOP:
    case Next.ROUTING:
    case Next.DESTINATION_OPTIONS:
      return describeExtension(protocol, data, data.length > 1 ? (data.readUInt8(1) + 1) * 8 : 0);
    case Next.AUTHENTICATION:
      return describeExtension(protocol, data, data.length > 1 ? (data.readUInt8(1) + 2) * 4 : 0);
    case Next.FRAGMENT:
      return describeFragment(data);
    case Next.UDP:
    case Next.TCP:
    case Next.SCTP:
    case Next.DCCP:
    case Next.UDPLITE:
      return describePorts(protocol, data);
    case Next.ICMPV6:
      return data.length < 4
        ? describeRest('icmpv6 cut', data)
        : [
            `icmpv6 type ${data.readUInt8(0)} code ${data.readUInt8(1)}`,
            ...describeRest('payload', data.subarray(4)),
          ];
    default:
      return describeRest(nameOf(protocol), data);
  }
}

function describeIpv6(data: Buffer): string[] {
  if (data.length < 40) {
    return describeRest('ipv6 cut', data);
  }
  const word = data.readUInt32BE(0);
  const next = data.readUInt8(6);
  const line =
    `ipv6 ${Address.fromBytes(data.subarray(8, 24))} > ${Address.fromBytes(data.subarray(24, 40))}` +
    ` hop ${data.readUInt8(7)} class ${hex((word >>> 20) & 0xff, 2)} label ${hex(word & 0xfffff, 5)}` +
    ` length ${data.readUInt16BE(4)} next ${nameOf(next)}${word >>> 28 === 6 ? '' : ` VERSION ${word >>> 28}`}`;
  return [line, ...describeLayer(next, data.subarray(40))];
}

function describeExtension(protocol: number, data: Buffer, size: number): string[] {
  if (size === 0 || data.length < size) {
    return describeRest(`${nameOf(protocol)} cut`, data);
  }
  const next = data.readUInt8(0);
  const line = `${nameOf(protocol)} ${size} bytes next ${nameOf(next)} ${data.subarray(2, size).toString('hex')}`;
  return [line, ...describeLayer(next, data.subarray(size))];
}

function describeFragment(data: Buffer): string[] {
  if (data.length < 8) {
    return describeRest('fragment cut', data);
  }
  const [next, word] = [data.readUInt8(0), data.readUInt16BE(2)];
  const line = `fragment offset ${word >> 3} more ${word & 1} id ${hex(data.readUInt32BE(4), 8)} next ${nameOf(next)}`;
  const rest = data.subarray(8);
  return [line, ...(word >> 3 ? describeRest('later fragment', rest) : describeLayer(next, rest))];
}

function describePorts(protocol: number, data: Buffer): string[] {
  const size = protocol === Next.TCP ? 20 : 8;
  if (data.length < size) {
    return describeRest(`${nameOf(protocol)} cut`, data);
  }
  const line = `${nameOf(protocol)} ${data.readUInt16BE(0)} > ${data.readUInt16BE(2)} ${data.subarray(4, size).toString('hex')}`;
  return [line, ...describeRest('payload', data.subarray(size))];
}

function describeRest(name: string, data: Buffer): string[] {
  const text = data.subarray(0, 32).toString('hex');
  return data.length === 0 ? [] : [`${name} ${data.length} bytes ${text}${data.length > 32 ? '...' : ''}`];
}

/** Longest common subsequence of lines. */
function mergeLines(expected: readonly string[], actual: readonly string[]): string[] {
  const [e, ...moreExpected] = expected;
  const [a, ...moreActual] = actual;
  if (e === undefined || a === undefined) {
    return [...expected.map((line) => `- ${line}`), ...actual.map((line) => `+ ${line}`)];
  }
  if (e === a) {
    return [`  ${e}`, ...mergeLines(moreExpected, moreActual)];
  }
  const count = (lines: readonly string[]): number => lines.filter((line) => line.startsWith('  ')).length;
  const without = mergeLines(moreExpected, actual);
  const within = mergeLines(expected, moreActual);
  return count(without) >= count(within) ? [`- ${e}`, ...without] : [`+ ${a}`, ...within];
}

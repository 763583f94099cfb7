/** Addresses as text. Kept here so that the library depends on nothing. */
import { isIPv4, isIPv6 } from 'node:net';
import { checkBytes } from './check.js';
import { ArgumentError } from './errors.js';

/** Canonical text (RFC 5952) of 16 bytes in network order. */
export function formatIpv6(bytes: Uint8Array): string {
  checkBytes('address', bytes, 16);
  if (bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const zeros = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (zeros === undefined) return hex.join(':');
  return `${hex.slice(0, zeros.start).join(':')}::${hex.slice(zeros.end).join(':')}`;
}

/** The first of the longest runs of zeros, if it has more than one. */
function longestZeros(groups: readonly number[]): { start: number; end: number } | undefined {
  let best = { start: 0, end: 1 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.end - best.start) best = { start, end };
    start = Math.max(start, end);
  }
  return best.end - best.start > 1 ? best : undefined;
}

/** 16 bytes in network order. @throws ArgumentError for anything but an IPv6 address without zone */
export function parseIpv6(text: string): Uint8Array {
  if (typeof text !== 'string' || !isIPv6(text) || text.includes('%')) {
    throw new ArgumentError('address', 'an IPv6 address', text);
  }
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let hexText = text;
  if (dotted !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = parseIpv4(dotted[2] ?? '');
    hexText = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = hexText.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const bytes = new Uint8Array(16);
  const write = (values: readonly number[], at: number): void => {
    values.forEach((value, i) => {
      bytes[2 * (at + i)] = value >> 8;
      bytes[2 * (at + i) + 1] = value & 0xff;
    });
  };
  write(before, 0);
  write(after, 8 - after.length);
  return bytes;
}

export function formatIpv4(bytes: Uint8Array): string {
  checkBytes('address', bytes, 4);
  return bytes.join('.');
}

/** @throws ArgumentError */
export function parseIpv4(text: string): Uint8Array {
  if (typeof text !== 'string' || !isIPv4(text)) throw new ArgumentError('address', 'an IPv4 address', text);
  return Uint8Array.from(text.split('.'), Number);
}

/** `aa:bb:cc:dd:ee:ff` */
export function formatMac(bytes: Uint8Array): string {
  checkBytes('MAC address', bytes, 6);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** @throws ArgumentError */
export function parseMac(text: string): Uint8Array {
  if (typeof text !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new ArgumentError('MAC address', 'six pairs of hexadecimal digits with colons', text);
  }
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

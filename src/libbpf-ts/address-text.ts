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
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  const zeros = longestZeros(groups);
  if (zeros === undefined) return hexOf(groups, 0, 8);
  return `${hexOf(groups, 0, zeros.start)}::${hexOf(groups, zeros.end, 8)}`;
}

function hexOf(groups: readonly number[], from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += `${at === from ? '' : ':'}${groups[at]?.toString(16)}`;
  return text;
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
  return parseGroups(text) ?? parseAnyIpv6(text);
}

const COLON = 0x3a;
const NO_DIGIT = -1;

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : NO_DIGIT;
}

/** The usual form in one pass, for tables of thousands: groups and at most one `::`. Undefined for anything else. */
function parseGroups(text: string): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length < 2 || text.length > 39) return undefined;
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    let group = 0;
    let digits = 0;
    for (; at < text.length && text.charCodeAt(at) !== COLON; at++, digits++) {
      const digit = digitOf(text.charCodeAt(at));
      if (digit === NO_DIGIT) return undefined;
      group = group * 16 + digit;
    }
    if (digits === 0 || digits > 4) return undefined;
    groups.push(group);
    if (at === text.length) break;
    at += 1;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at += 1;
    } else if (at === text.length) return undefined;
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  const bytes = new Uint8Array(16);
  const behind = 8 - groups.length;
  for (const [place, group] of groups.entries()) {
    const to = 2 * (gap >= 0 && place >= gap ? place + behind : place);
    bytes[to] = group >> 8;
    bytes[to + 1] = group & 0xff;
  }
  return bytes;
}

/** Any form there is. */
function parseAnyIpv6(text: string): Uint8Array {
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

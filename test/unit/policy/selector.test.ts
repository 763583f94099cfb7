import test from 'ava';
import fc from 'fast-check';
import { Prefix } from '../../../src/net/index.js';
import {
  ANY,
  formatMark,
  formatPorts,
  formatProtocol,
  formatSelector,
  formatSelectorPrefix,
  isExtensionHeader,
  PolicyError,
  PROTOCOL_NAMES,
  parseMark,
  parsePorts,
  parseProtocol,
  parseSelectorPrefix,
} from '../../../src/policy/index.js';

test('marks', (t) => {
  t.deepEqual(parseMark(16), { value: 16, mask: 0xffffffff });
  t.deepEqual(parseMark('0x10/0xff'), { value: 16, mask: 255 });
  t.deepEqual(parseMark('0/0xff'), { value: 0, mask: 255 });
  t.deepEqual(parseMark('0xffffffff/0xFFFFFFFF'), { value: 0xffffffff, mask: 0xffffffff });
  t.deepEqual(parseMark('0x80000000/0x80000000'), { value: 0x80000000, mask: 0x80000000 });
});

test('ports', (t) => {
  t.deepEqual(parsePorts(5000), { low: 5000, high: 5000 });
  t.deepEqual(parsePorts('5000-5010'), { low: 5000, high: 5010 });
  t.deepEqual(parsePorts('0-65535'), { low: 0, high: 65535 });
});

test('protocols', (t) => {
  t.is(parseProtocol('icmpv6'), 58);
  t.is(parseProtocol('58'), 58);
  t.is(parseProtocol(255), 255);
  t.is(formatProtocol(199), '199');
  for (const [name, number] of PROTOCOL_NAMES) t.is(formatProtocol(parseProtocol(number)), name);
  t.true(isExtensionHeader(parseProtocol('ah')));
  t.false(isExtensionHeader(parseProtocol('esp')));
});

test('prefixes and addresses', (t) => {
  t.true(parseSelectorPrefix('2001:db8::1').equals(Prefix.parse('2001:db8::1/128')));
  t.is(formatSelectorPrefix(parseSelectorPrefix('2001:db8::1/128')), '2001:db8::1');
  t.is(formatSelectorPrefix(parseSelectorPrefix('::/0')), '::/0');
});

const refused: [what: string, parse: () => unknown, message: RegExp][] = [
  ['a mark outside its mask', () => parseMark('0x110/0xff'), /0x100 .* outside the mask\); write 0x10\/0xff/],
  ['a mark with two masks', () => parseMark('1/2/3'), /not a mark/],
  ['a mark without a value', () => parseMark('/0xff'), /not a mark/],
  ['a mark of 33 bits', () => parseMark('4294967296'), /not a mark/],
  ['a negative mark', () => parseMark(-1), /not a mark/],
  ['a mark with a fraction', () => parseMark(1.5), /not a mark/],
  ['a mask that asks nothing', () => parseMark('0/0'), /leave the mark out/],
  ['a port of 17 bits', () => parsePorts(65536), /0 to 65535/],
  ['a reversed range', () => parsePorts('9-8'), /write 8-9/],
  ['an open range', () => parsePorts('9-'), /LOW-HIGH/],
  ['a protocol of 9 bits', () => parseProtocol(256), /0 to 255/],
  ['an unknown protocol', () => parseProtocol('rsvp'), /write tcp, udp/],
  ['a property name as protocol', () => parseProtocol('constructor'), /is not a protocol/],
  ['host bits', () => parseSelectorPrefix('2001:db8::1/64'), /write 2001:db8::\/64, or 2001:db8::1 for/],
  ['an IPv4 prefix', () => parseSelectorPrefix('192.0.2.0/24'), /IPv4 is not carried/],
  ['no address', () => parseSelectorPrefix('lan0'), /ADDRESS\/LENGTH/],
];
for (const [what, parse, message] of refused) {
  test(`refused: ${what}`, (t) => {
    t.throws(parse, { instanceOf: PolicyError, code: 'SELECTOR_INVALID', message });
  });
}

test('one text for a selector', (t) => {
  t.is(formatSelector(ANY), 'any');
  t.is(
    formatSelector({
      mark: parseMark('0x10/0xff'),
      source: parseSelectorPrefix('2001:DB8:1:0::/64'),
      destination: parseSelectorPrefix('2001:db8:99::2/128'),
      protocol: 17,
      sourcePort: parsePorts('5000-5000'),
      destinationPort: parsePorts('1-2'),
    }),
    'mark 0x10/0xff source 2001:db8:1::/64 destination 2001:db8:99::2 protocol udp source-port 5000 destination-port 1-2',
  );
});

test('what is formatted can be parsed', (t) => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(u32, fc.integer({ min: 1, max: 0xffff_ffff }), (bits, mask) => {
      const mark = { value: (bits & mask) >>> 0, mask };
      t.deepEqual(parseMark(formatMark(mark)), mark);
    }),
  );
  const port = fc.integer({ min: 0, max: 65535 });
  fc.assert(
    fc.property(port, port, (a, b) => {
      const ports = { low: Math.min(a, b), high: Math.max(a, b) };
      t.deepEqual(parsePorts(formatPorts(ports)), ports);
    }),
  );
});

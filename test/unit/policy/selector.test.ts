import test from 'ava';
import fc from 'fast-check';
import {
  type AddressRange,
  ANY,
  canMatchSame,
  formatAction,
  formatAddressMatch,
  formatMark,
  formatRange,
  formatRanges,
  formatSelector,
  isAlwaysActive,
  isExtensionHeader,
  isWithinCgroup,
  joinCgroups,
  type Policy,
  PolicyError,
  parseAddressMatch,
  parseAddressRange,
  parseCgroup,
  parseMark,
  parseRange,
  parseRanges,
  RANGE_FIELDS,
  RANGE_KEYS,
  type Selector,
} from '../../../src/policy/index.js';
import { packet, selector } from './arbitrary.js';
import { matches } from './plain-match.js';

test('marks', (t) => {
  t.deepEqual(parseMark(16), { value: 16, mask: 0xffffffff });
  t.deepEqual(parseMark('0x10/0xff'), { value: 16, mask: 255 });
  t.deepEqual(parseMark('0/0xff'), { value: 0, mask: 255 });
  t.deepEqual(parseMark('0xffffffff/0xFFFFFFFF'), { value: 0xffffffff, mask: 0xffffffff });
  t.deepEqual(parseMark('0x80000000/0x80000000'), { value: 0x80000000, mask: 0x80000000 });
});

test('ports: values, ranges, lists that are sorted and joined', (t) => {
  t.deepEqual(parseRanges('sourcePort', 5000), [{ low: 5000, high: 5000 }]);
  t.deepEqual(parseRanges('sourcePort', '5000-5010'), [{ low: 5000, high: 5010 }]);
  t.deepEqual(parseRanges('sourcePort', '0-65535'), [{ low: 0, high: 65535 }]);
  t.deepEqual(parseRanges('destinationPort', ['9-10', 3, '4-5', 10, 1]), [
    { low: 1, high: 1 },
    { low: 3, high: 5 },
    { low: 9, high: 10 },
  ]);
  t.deepEqual(parseRange('sourcePort', '0x50'), { low: 80, high: 80 });
});

test('names: protocols, DSCP classes, ICMPv6 types', (t) => {
  t.deepEqual(parseRange('protocol', 'icmpv6'), { low: 58, high: 58 });
  t.deepEqual(parseRange('protocol', '58'), { low: 58, high: 58 });
  t.is(formatRange('protocol', { low: 199, high: 199 }), '199');
  // RFC 2597: AF class x, drop precedence y is 8x + 2y.
  const classes = {
    be: 0,
    cs0: 0,
    cs1: 8,
    cs7: 56,
    af11: 10,
    af12: 12,
    af13: 14,
    af41: 34,
    af43: 38,
    ef: 46,
  };
  for (const [name, number] of Object.entries(classes)) {
    t.deepEqual(parseRange('dscp', name), { low: number, high: number }, name);
  }
  t.is(formatRange('dscp', { low: 0, high: 0 }), 'be');
  t.deepEqual(parseRange('dscp', 'cs1-cs3'), { low: 8, high: 24 });
  t.deepEqual(parseRange('icmpType', 'echo-request'), { low: 128, high: 128 });
  t.deepEqual(parseRange('icmpType', 'echo-request-echo-reply'), { low: 128, high: 129 });
  t.deepEqual(parseRange('icmpType', '1-packet-too-big'), { low: 1, high: 2 });
  for (const key of RANGE_KEYS) {
    for (const [name, number] of RANGE_FIELDS[key].names) {
      t.deepEqual(parseRange(key, name), { low: number, high: number });
      t.deepEqual(parseRange(key, formatRange(key, { low: number, high: number })), {
        low: number,
        high: number,
      });
    }
  }
  t.true(isExtensionHeader(51));
  t.false(isExtensionHeader(50));
});

test('flow labels and SPIs are shown in hexadecimal', (t) => {
  t.deepEqual(parseRanges('flowLabel', ['0x10-0x1f', 5]), [
    { low: 5, high: 5 },
    { low: 16, high: 31 },
  ]);
  t.deepEqual(formatRanges('flowLabel', parseRanges('flowLabel', ['16-31', 5])), ['0x5', '0x10-0x1f']);
  t.deepEqual(formatRanges('spi', parseRanges('spi', '1-0xffffffff')), ['0x1-0xffffffff']);
});

const pairs = (ranges: readonly AddressRange[]) => ranges.map(({ low, high }) => `${low} ${high}`);

test('addresses: prefixes, ranges, lists, sets', (t) => {
  t.deepEqual(pairs([parseAddressRange('2001:db8::1')]), ['2001:db8::1 2001:db8::1']);
  t.deepEqual(pairs([parseAddressRange('2001:db8::/126')]), ['2001:db8:: 2001:db8::3']);
  t.deepEqual(pairs([parseAddressRange('::/0')]), [':: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']);
  t.deepEqual(pairs([parseAddressRange('2001:db8::1-2001:db8::ff')]), ['2001:db8::1 2001:db8::ff']);
  const joined = parseAddressMatch(['2001:db8:0:1::/64', '2001:db8::/64', '2001:db8:5::-2001:db8:5::9']);
  t.is(joined.set, undefined);
  t.deepEqual(formatAddressMatch(joined), ['2001:db8::/63', '2001:db8:5::-2001:db8:5::9']);
  const sets = new Map([['offices', parseAddressMatch(['2001:db8:a::/48']).ranges]]);
  t.deepEqual(parseAddressMatch('@offices', sets), { set: 'offices', ranges: sets.get('offices') ?? [] });
  const mixed = parseAddressMatch(['@offices', '2001:db8:b::/48'], sets);
  t.is(mixed.set, undefined);
  t.deepEqual(formatAddressMatch(mixed), ['2001:db8:a::/47']);
});

test('a range is shown as a prefix exactly when it is one', (t) => {
  const shown = (text: string) => formatAddressMatch(parseAddressMatch(text))[0];
  t.is(shown('2001:db8::1/128'), '2001:db8::1');
  t.is(shown('::/0'), '::/0');
  t.is(shown('2001:db8::-2001:db8::3'), '2001:db8::/126');
  t.is(shown('2001:db8::1-2001:db8::4'), '2001:db8::1-2001:db8::4');
  t.is(shown('2001:db8::2-2001:db8::5'), '2001:db8::2-2001:db8::5');
});

test('cgroups: the form of the path, and what lies below what', (t) => {
  for (const path of ['/', '/system.slice/x.service', '/a/b\\x2dc', '/user.slice/user 1']) {
    t.is(parseCgroup(path), path);
  }
  t.true(isWithinCgroup('/a/b', '/a'));
  t.true(isWithinCgroup('/a', '/'));
  t.false(isWithinCgroup('/ab', '/a'));
  t.false(isWithinCgroup('/a', '/a/b'));
  t.deepEqual(joinCgroups(['/c', '/a/b', '/a', '/a-b', '/c']), ['/a', '/a-b', '/c']);
  t.deepEqual(joinCgroups(['/a', '/']), ['/']);
});

const refused: [what: string, parse: () => unknown, message: RegExp][] = [
  ['a mark outside its mask', () => parseMark('0x110/0xff'), /0x100 .* outside the mask\); write 0x10\/0xff/],
  ['a mark with two masks', () => parseMark('1/2/3'), /not a mark/],
  ['a mark without a value', () => parseMark('/0xff'), /not a mark/],
  ['a mark of 33 bits', () => parseMark('4294967296'), /not a mark/],
  ['a negative mark', () => parseMark(-1), /not a mark/],
  ['a mark with a fraction', () => parseMark(1.5), /not a mark/],
  ['a mask that asks nothing', () => parseMark('0/0'), /leave the mark out/],
  ['a port of 17 bits', () => parseRange('sourcePort', 65536), /0 to 65535/],
  ['a negative port', () => parseRange('sourcePort', -1), /0 to 65535/],
  ['a port with a fraction', () => parseRange('sourcePort', 1.5), /0 to 65535/],
  ['a reversed range', () => parseRange('sourcePort', '9-8'), /write 8-9/],
  ['an open range', () => parseRange('sourcePort', '9-'), /LOW-HIGH/],
  ['a range of three', () => parseRange('sourcePort', '1-2-3'), /LOW-HIGH/],
  ['a list with commas', () => parseRange('sourcePort', '1,2'), /LOW-HIGH/],
  ['no ports at all', () => parseRanges('sourcePort', []), /LOW-HIGH/],
  ['a protocol of 9 bits', () => parseRange('protocol', 256), /0 to 255/],
  ['an unknown protocol', () => parseRange('protocol', 'rsvp'), /write tcp, udp/],
  ['a property name as protocol', () => parseRange('protocol', 'constructor'), /is not a protocol/],
  ['a DSCP of 7 bits', () => parseRange('dscp', 64), /is not a DSCP.* ef or a number.* 0 to 63/],
  ['a traffic class as DSCP', () => parseRange('dscp', '0xb8'), /0 to 63/],
  ['an unknown DSCP class', () => parseRange('dscp', 'af44'), /write be, cs0/],
  ['a flow label of 21 bits', () => parseRange('flowLabel', '0x100000'), /0x0 to 0xfffff/],
  ['an SPI that is never sent', () => parseRange('spi', 0), /never|ever on the wire; write .* 0x1 to/],
  ['an SPI range that starts there', () => parseRange('spi', '0-5'), /0x1 to 0xffffffff/],
  ['an unknown ICMPv6 type', () => parseRange('icmpType', 'ping'), /write .*echo-request/],
  ['an ICMPv6 code of 9 bits', () => parseRange('icmpCode', 256), /0 to 255/],
  ['host bits', () => parseAddressRange('2001:db8::1/64'), /write 2001:db8::\/64, or 2001:db8::1 for/],
  ['an IPv4 prefix', () => parseAddressRange('192.0.2.0/24'), /IPv4 is not carried/],
  ['an IPv4 range', () => parseAddressRange('192.0.2.0-192.0.2.9'), /IPv4 is not carried/],
  ['no address', () => parseAddressRange('lan'), /ADDRESS\/LENGTH/],
  ['a range with one end', () => parseAddressRange('2001:db8::1-'), /write LOW-HIGH/],
  ['a range of prefixes', () => parseAddressRange('2001:db8::/64-2001:db9::/64'), /write LOW-HIGH/],
  ['a reversed address range', () => parseAddressRange('::9-::1'), /write ::1-::9/],
  ['a set without a name', () => parseAddressMatch('@'), /name of a set/],
  ['an unknown set', () => parseAddressMatch('@none'), /add it to sets:/],
  ['a relative cgroup', () => parseCgroup('system.slice'), /absolute path/],
  ['a cgroup with ..', () => parseCgroup('/a/../b'), /'\.\.' have no place/],
  ['a cgroup with an empty name', () => parseCgroup('/a//b/'), /write \/a\/b/],
  ['a cgroup with its mount point', () => parseCgroup('/sys/fs/cgroup/a.slice'), /write \/a\.slice/],
  ['a cgroup with a name that is too long', () => parseCgroup(`/${'x'.repeat(256)}`), /at most 255 bytes/],
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
      cgroup: ['/system.slice/x.service', '/user,1'],
      interface: ['lan0', 'lan1'],
      icmpCode: parseRanges('icmpCode', 0),
      icmpType: parseRanges('icmpType', ['echo-request', 'echo-reply', 1]),
      spi: parseRanges('spi', '0x1000-0x1fff'),
      flowLabel: parseRanges('flowLabel', 16),
      dscp: parseRanges('dscp', [46, 0]),
      destinationPort: parseRanges('destinationPort', ['1-2', 5060]),
      sourcePort: parseRanges('sourcePort', '5000-5000'),
      protocol: parseRanges('protocol', ['udp', 'tcp']),
      destination: { set: 'offices', ranges: [parseAddressRange('2001:db8:99::2')] },
      source: parseAddressMatch('2001:DB8:1:0::/64'),
      mark: parseMark('0x10/0xff'),
    }),
    'mark 0x10/0xff source 2001:db8:1::/64 destination @offices protocol tcp,udp source-port 5000 ' +
      'destination-port 1-2,5060 dscp be,ef flow-label 0x10 spi 0x1000-0x1fff icmp-type ' +
      'destination-unreachable,128-129 icmp-code 0 interface lan0,lan1 cgroup /system.slice/x.service,"/user,1"',
  );
});

test('one text for an action', (t) => {
  const nameOf = (bid: number) => ['', 'lte', 'wifi'][bid] ?? String(bid);
  const text = (action: Policy['action'], otherwise: Policy['otherwise'] = 'next') =>
    formatAction({ action, otherwise }, nameOf);
  t.is(text({ kind: 'use', bindings: [1, 2] }), 'use lte, wifi');
  t.is(text({ kind: 'use', bindings: [9] }, 'drop'), 'use 9 otherwise drop');
  const shares = [
    { bid: 1, weight: 3 },
    { bid: 2, weight: 1 },
  ];
  t.is(text({ kind: 'balance', bindings: shares }), 'balance lte:3 wifi:1');
  t.is(text({ kind: 'copy', bindings: [1, 2] }, 'default'), 'copy lte, wifi otherwise default');
  t.is(text({ kind: 'drop' }), 'drop');
  t.is(text({ kind: 'bypass' }), 'bypass');
  t.false(isAlwaysActive({ action: { kind: 'use', bindings: [1] }, otherwise: 'next' }));
  t.true(isAlwaysActive({ action: { kind: 'use', bindings: [1] }, otherwise: 'default' }));
  t.true(isAlwaysActive({ action: { kind: 'drop' }, otherwise: 'next' }));
});

test('what is formatted can be parsed', (t) => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(u32, fc.integer({ min: 1, max: 0xffff_ffff }), (bits, mask) => {
      const mark = { value: (bits & mask) >>> 0, mask };
      t.deepEqual(parseMark(formatMark(mark)), mark);
    }),
  );
  fc.assert(
    fc.property(selector, (one) => {
      for (const key of RANGE_KEYS) {
        const ranges = one[key];
        if (ranges) t.deepEqual(parseRanges(key, formatRanges(key, ranges)), ranges);
      }
      for (const match of [one.source, one.destination]) {
        if (match)
          t.deepEqual(pairs(parseAddressMatch(formatAddressMatch(match)).ranges), pairs(match.ranges));
      }
    }),
  );
});

test('ranges are sorted, disjoint and not adjacent, and hold what was written', (t) => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 }))
    .map(([low, more]) => ({ low, high: low + more }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), (written) => {
      const joined = parseRanges(
        'sourcePort',
        written.map(({ low, high }) => `${low}-${high}`),
      );
      for (const [at, { low, high }] of joined.entries()) {
        t.true(low <= high);
        const before = joined[at - 1];
        if (before) t.true(before.high + 1 < low);
      }
      for (let value = 0; value <= 50; value++) {
        const asked = (list: typeof joined) => list.some(({ low, high }) => low <= value && value <= high);
        t.is(asked(joined), asked(written));
      }
    }),
  );
});

test('two selectors can match the same packet if a packet shows it', (t) => {
  let [together, apart] = [0, 0];
  fc.assert(
    fc.property(selector, selector, fc.array(packet, { minLength: 5, maxLength: 20 }), (a, b, packets) => {
      const can = canMatchSame(a, b);
      t.is(canMatchSame(b, a), can);
      for (const one of packets) {
        if (matches(a, one) && matches(b, one)) t.true(can, `${formatSelector(a)} / ${formatSelector(b)}`);
      }
      if (can) together++;
      else apart++;
    }),
    { numRuns: 1000 },
  );
  t.true(together > 50 && apart > 50, `${together} ${apart}`);
});

test('what no packet can have together never matches the same', (t) => {
  const meet = (a: Partial<Selector>, b: Partial<Selector>) =>
    canMatchSame({ ...ANY, ...a }, { ...ANY, ...b });
  const port = { destinationPort: parseRanges('destinationPort', 53) };
  t.false(meet({ interface: ['lan0'] }, { cgroup: ['/a'] }));
  t.false(meet({ interface: ['lan0'] }, { interface: ['lan1'] }));
  t.true(meet({ cgroup: ['/a/b'] }, { cgroup: ['/a'] }));
  t.false(meet({ cgroup: ['/ab'] }, { cgroup: ['/a'] }));
  t.false(meet(port, { protocol: parseRanges('protocol', 'icmpv6') }));
  t.true(meet(port, { protocol: parseRanges('protocol', 'udp') }));
  t.false(meet(port, { icmpType: parseRanges('icmpType', 128) }));
  t.false(meet({ mark: parseMark('1/1') }, { mark: parseMark('0/3') }));
  t.true(meet({ mark: parseMark('1/1') }, { mark: parseMark('2/2') }));
});

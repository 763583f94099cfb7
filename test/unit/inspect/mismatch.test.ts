import test from 'ava';
import fc from 'fast-check';
import { mismatches } from '../../../src/inspect/mismatch.js';
import { ANY, parseAddressMatch, parseMark, parseRanges, type Selector } from '../../../src/policy/index.js';
import { packetOf } from '../../support/policy-words.js';
import { packet, selector } from '../policy/arbitrary.js';
import { matches } from '../policy/plain-match.js';

test('a selector has no mismatch exactly where the reference classifier says that it matches', (t) => {
  let matched = 0;
  fc.assert(
    fc.property(selector, packet, (asked, seen) => {
      const fits = matches(asked, seen);
      if (fits) matched++;
      return (mismatches(asked, seen, true).length === 0) === fits;
    }),
    { numRuns: 5000 },
  );
  t.true(matched > 50, `${matched} matched`);
});

const SENTENCES: readonly [Partial<Selector>, packet: string, text: string][] = [
  [
    { destinationPort: parseRanges('destinationPort', 5060) },
    'destination-port 5061',
    'destination-port 5061 is not 5060',
  ],
  [
    { destinationPort: parseRanges('destinationPort', '5060-5080') },
    'destination-port 5081',
    'destination-port 5081 is not in 5060-5080',
  ],
  [
    { destinationPort: parseRanges('destinationPort', 53) },
    'protocol icmpv6 icmp-type 128',
    'the packet has no destination-port; 53 is asked for',
  ],
  [
    { source: parseAddressMatch('2001:db8:2::/48') },
    'source 2001:db8:1::5',
    'source 2001:db8:1::5 differs from 2001:db8:2::/48 at bit 46',
  ],
  [
    { source: parseAddressMatch('2001:db8:2::1') },
    'source 2001:db8:1::5',
    'source 2001:db8:1::5 is not 2001:db8:2::1',
  ],
  [
    { source: parseAddressMatch(['2001:db8:2::1', '2001:db8:3::/48']) },
    'source 2001:db8:1::5',
    'source 2001:db8:1::5 is none of 2001:db8:2::1, 2001:db8:3::/48',
  ],
  [{ protocol: parseRanges('protocol', ['tcp', 'esp']) }, 'protocol udp', 'protocol udp is not in tcp, esp'],
  [{ dscp: parseRanges('dscp', 'ef') }, 'dscp af41', 'dscp af41 is not ef'],
  [{ interface: ['lan1'] }, 'interface lan0', 'interface lan0 is not lan1'],
  [{ interface: ['lan1'] }, 'protocol udp', 'the packet has no interface; lan1 is asked for'],
  [{ cgroup: ['/a', '/b'] }, 'cgroup /ab', 'cgroup /ab is none of /a, /b'],
  [{ mark: parseMark('0x10/0xff') }, 'mark 0x11', 'mark 0x11 is not 0x10/0xff'],
];

for (const [asked, words, text] of SENTENCES) {
  test(`in words: ${text}`, (t) => {
    t.deepEqual(
      mismatches({ ...ANY, ...asked }, packetOf(words).packet, true).map((one) => one.text),
      [text],
    );
  });
}

test('a mark that is not known is left open', (t) => {
  const asked = { ...ANY, mark: parseMark('0x10') };
  t.deepEqual(mismatches(asked, packetOf('mark 0x11').packet, false), []);
});

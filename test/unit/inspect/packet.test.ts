import test from 'ava';
import fc from 'fast-check';
import { InspectError } from '../../../src/inspect/inspect-error.js';
import { buildPacket, type PacketFields } from '../../../src/inspect/packet-builder.js';
import {
  type PacketOptions,
  readCgroup,
  readMark,
  readPacketFields,
} from '../../../src/inspect/packet-options.js';
import { type ParsedPacket, parsePacket } from '../../../src/inspect/packet-parser.js';
import { Address } from '../../../src/net/index.js';

const source = Address.parse('2001:db8:1::2');
const destination = Address.parse('2001:db8:99::2');
const PORTS: readonly number[] = [6, 17, 33, 132, 136];

const fields: fc.Arbitrary<PacketFields> = fc
  .record({
    protocol: fc.constantFrom(6, 17, 33, 132, 136, 58, 50, 47, 59),
    sourcePort: fc.nat(0xffff),
    destinationPort: fc.nat(0xffff),
    dscp: fc.nat(63),
    flowLabel: fc.nat(0xf_ffff),
    spi: fc.integer({ min: 1, max: 0xffff_ffff }),
    authenticated: fc.boolean(),
    icmpType: fc.nat(255),
    icmpCode: fc.nat(255),
    hopLimit: fc.nat(255),
    length: fc.integer({ min: 120, max: 3000 }),
    fragment: fc.constantFrom(undefined, undefined, 'first' as const, 'later' as const),
  })
  .map(({ authenticated, ...all }) => {
    const whole = all.fragment !== 'later';
    const ports = whole && PORTS.includes(all.protocol);
    const icmp = whole && all.protocol === 58;
    return {
      ...all,
      source,
      destination,
      sourcePort: ports ? all.sourcePort : undefined,
      destinationPort: ports ? all.destinationPort : undefined,
      icmpType: icmp ? all.icmpType : undefined,
      icmpCode: icmp ? all.icmpCode : undefined,
      spi: whole && (authenticated || all.protocol === 50) ? all.spi : undefined,
    };
  });

test('what is built is read again', (t) => {
  fc.assert(
    fc.property(fields, (wanted) => {
      const bytes = buildPacket(wanted);
      const parsed = parsePacket(bytes) as ParsedPacket;
      const { hopLimit, length, fragment, ...headers } = wanted;
      t.is(length, bytes.length);
      t.like(parsed, { hopLimit, length, problem: undefined, fragment });
      // Behind the fragment header of a later fragment its protocol is what that header says.
      t.deepEqual(sorted(parsed.headers), sorted(headers));
    }),
    { numRuns: 1000 },
  );
});

function sorted(headers: object): unknown[] {
  return Object.entries(headers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .sort();
}

test('whatever the bytes are, a packet is read or its problem told', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(0, 43, 44, 51, 60, 17, 58, 50),
      (bytes, next) => {
        if (bytes.length > 6) {
          bytes[0] = 0x60;
          bytes[6] = next;
        }
        const parsed = parsePacket(bytes);
        return typeof parsed === 'string' || parsed.headers.protocol <= 255;
      },
    ),
    { numRuns: 5000 },
  );
  t.regex(String(parsePacket(new Uint8Array(39))), /shorter than an IPv6 header/);
  t.regex(String(parsePacket(new Uint8Array(40).fill(0x45))), /IP version 4/);
});

test('problems behind the fixed header', (t) => {
  const whole = buildPacket({ source, destination, protocol: 17, fragment: 'first', spi: 5 });
  const problem = (bytes: Uint8Array): string | undefined => (parsePacket(bytes) as ParsedPacket).problem;
  const cut = (length: number): Uint8Array => {
    const bytes = whole.slice(0, length);
    new DataView(bytes.buffer).setUint16(4, length - 40);
    return bytes;
  };
  t.is(problem(whole), undefined);
  t.regex(problem(whole.subarray(0, 100)) ?? '', /says 128 bytes, but there are 100/);
  t.regex(problem(cut(44)) ?? '', /within its extension headers/);
  t.regex(problem(cut(60)) ?? '', /within its extension headers/);
  t.regex(problem(cut(74)) ?? '', /within its upper-layer header/);
  const many = new Uint8Array(40 + 9 * 8);
  many.set(whole.subarray(0, 40));
  new DataView(many.buffer).setUint16(4, 72);
  for (let at = 6; at < many.length; at = at === 6 ? 40 : at + 8) many[at] = 60;
  t.regex(problem(many) ?? '', /more than 8 extension headers/);
});

const SAID: PacketOptions = { src: '2001:db8:1::2', dst: '2001:db8:99::2' };

const WRONG: readonly [PacketOptions, RegExp][] = [
  [{ dst: '::1' }, /--src is missing/],
  [{ src: '::1' }, /--dst is missing/],
  [{ ...SAID, src: '10.0.0.1' }, /--src "10.0.0.1" is not an IPv6 address/],
  [{ ...SAID, dst: '2001:db8::/64' }, /--dst "2001:db8::\/64" is not an IPv6 address/],
  [{ ...SAID, proto: 'sip' }, /--proto "sip" is not a protocol/],
  [{ ...SAID, proto: 'ah' }, /--proto ah is an extension header/],
  [{ ...SAID, dport: '65536' }, /--dport "65536" is not a port/],
  [{ ...SAID, dport: '1-2' }, /--dport 1-2 is a range/],
  [{ ...SAID, dscp: '64' }, /--dscp "64" is not a DSCP/],
  [{ ...SAID, hopLimit: '256' }, /--hop-limit "256" is not a number up to 255/],
  [{ ...SAID, length: 'big' }, /--length "big" is not a number/],
  [{ ...SAID, fragment: 'middle' }, /--fragment "middle" is neither first nor later/],
  [{ ...SAID, proto: 'gre', dport: '1' }, /protocol 47 with ports/],
  [{ ...SAID, proto: 'tcp', icmpType: '1' }, /protocol 6 with an ICMPv6 type/],
  [{ ...SAID, proto: 'esp' }, /ESP without an SPI/],
  [{ ...SAID, proto: 'icmpv6' }, /ICMPv6 without a type/],
  [{ ...SAID, fragment: 'later', dport: '1' }, /a later fragment with ports/],
  [{ ...SAID, length: '47' }, /a packet of 47 bytes/],
];

for (const [options, says] of WRONG) {
  test(`there is no such packet: ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => buildPacket(readPacketFields(options, undefined)), {
      instanceOf: InspectError,
    });
    t.is(error?.code, 'PACKET_INVALID');
    t.regex(error?.message ?? '', says);
    t.not(error?.hint, '');
  });
}

test('words of a packet', (t) => {
  t.is(readPacketFields({ dst: '2001:db8:99::2' }, source).source, source);
  t.is(readPacketFields(SAID, undefined).protocol, 17);
  t.is(readPacketFields({ ...SAID, icmpType: 'echo-request' }, undefined).protocol, 58);
  t.is(readPacketFields({ ...SAID, spi: '0x10' }, undefined).protocol, 50);
  t.is(readPacketFields({ ...SAID, dscp: 'ef' }, undefined).dscp, 46);
  t.is(readMark(undefined), 0);
  t.is(readMark('0x10'), 16);
  t.is(readMark('4294967295'), 0xffff_ffff);
  t.regex(t.throws(() => readMark('0x10/0xff'))?.message ?? '', /is not the mark of a packet/);
  t.regex(t.throws(() => readMark('much'))?.message ?? '', /is not the mark of a packet/);
  t.is(readCgroup('/a/b'), '/a/b');
  t.regex(t.throws(() => readCgroup('a'))?.message ?? '', /--cgroup "a" is not the path of a cgroup/);
});

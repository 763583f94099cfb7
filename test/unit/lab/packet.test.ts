import test from 'ava';
import { buildUdp, innermost, parseFrame } from '../../../lab/packet.js';
import { PcapStream } from '../../../lab/pcap.js';

const ETHERNET = Buffer.from('02000000000102000000000286dd', 'hex');

const inner = buildUdp({
  source: '2001:db8:1::2',
  destination: '2001:db8:99::2',
  sourcePort: 4_000,
  destinationPort: 5_001,
  payload: Buffer.from('data'),
  hopLimit: 63,
});

/** An IPv6 header in front of `payload`. */
function ipv6(next: number, payload: Uint8Array, word = 0x60000000): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE(word, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(64, 7);
  header.writeUInt8(0xfd, 8);
  header.writeUInt8(0xfe, 24);
  return Buffer.concat([header, payload]);
}

function frame(packet: Uint8Array): Buffer {
  return Buffer.concat([ETHERNET, packet]);
}

test('a plain packet has an outer header only', (t) => {
  const packet = parseFrame(frame(inner));
  t.like(packet?.ethernet, { destination: '02:00:00:00:00:01', source: '02:00:00:00:00:02' });
  t.like(packet?.outer, {
    source: '2001:db8:1::2',
    destination: '2001:db8:99::2',
    hopLimit: 63,
    payloadLength: 12,
  });
  t.is(packet?.inner, undefined);
  t.deepEqual(packet?.transport, { protocol: 17, sourcePort: 4_000, destinationPort: 5_001 });
  t.is(Buffer.from(packet?.payload ?? []).toString(), 'data');
});

test('the UDP checksum of a built packet is right', (t) => {
  // The sum over pseudo header and datagram, checksum included, is all ones.
  const pseudo = Buffer.concat([
    inner.subarray(8, 40),
    Buffer.from([0, 0, 0, 12, 0, 0, 0, 17]),
    inner.subarray(40),
  ]);
  let sum = 0;
  for (let at = 0; at < pseudo.length; at += 2) sum += pseudo.readUInt16BE(at);
  t.is((sum & 0xffff) + (sum >>> 16), 0xffff);
});

test('a tunnelled packet behind destination options is found', (t) => {
  const options = Buffer.from([41, 0, 4, 1, 4, 1, 1, 0]);
  const packet = parseFrame(frame(ipv6(60, Buffer.concat([options, inner]), 0x6c0abcde)));
  t.deepEqual(packet?.tunnel, { kind: 'ipv6' });
  t.like(packet?.outer, { source: 'fd00::', destination: 'fe00::', flowLabel: 0xabcde, trafficClass: 0xc0 });
  t.is(packet && innermost(packet).source, '2001:db8:1::2');
  t.is(packet?.transport?.destinationPort, 5_001);
});

test('a later fragment has no ports', (t) => {
  const fragment = Buffer.from([17, 0, 0x05, 0xa9, 0, 0, 0, 7]);
  const packet = parseFrame(frame(ipv6(44, Buffer.concat([fragment, Buffer.alloc(16, 0x11)]))));
  t.deepEqual(packet?.transport, { protocol: 17, fragmentOffset: 0x05a8 });
});

test('a packet cut anywhere is taken apart as far as it goes', (t) => {
  const whole = frame(ipv6(41, inner));
  for (let length = 0; length < whole.length; length++) {
    const packet = parseFrame(whole.subarray(0, length));
    t.is(packet === undefined, length < 54, `${length} bytes`);
    t.is(packet?.inner !== undefined, length >= 94, `${length} bytes`);
  }
});

test('a Packet Too Big tells its MTU', (t) => {
  const message = Buffer.from('0200000000000' + '5b4', 'hex');
  t.deepEqual(parseFrame(frame(ipv6(58, message)))?.transport, {
    protocol: 58,
    icmpType: 2,
    icmpCode: 0,
    icmpMtu: 0x5b4,
  });
});

test('of ESP in a tunnel its SPI is known, and nothing of what it protects', (t) => {
  const esp = ipv6(50, Buffer.concat([Buffer.from('0000100200000001', 'hex'), inner]));
  const packet = parseFrame(frame(ipv6(41, esp)));
  t.deepEqual(packet?.transport, { protocol: 50, spi: 0x1002 });
  t.is(packet?.inner?.payloadLength, 8 + inner.length);
});

test('a pcap stream may come in any pieces', (t) => {
  const bytes = frame(inner);
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b23c4d, 0);
  header.writeUInt32LE(1, 20);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(1_700_000_000, 0);
  record.writeUInt32LE(123_456_789, 4);
  record.writeUInt32LE(bytes.length, 8);
  record.writeUInt32LE(9_000, 12);
  const file = Buffer.concat([header, record, bytes, record, bytes]);
  for (const size of [1, 7, 24, 100, file.length]) {
    const stream = new PcapStream();
    const records = [];
    for (let at = 0; at < file.length; at += size) records.push(...stream.push(file.subarray(at, at + size)));
    t.is(records.length, 2);
    t.is(records[1]?.time, 1_700_000_000_123_456_789n);
    t.is(records[1]?.length, 9_000);
    t.deepEqual(Buffer.from(records[1]?.bytes ?? []), bytes);
  }
});

test('what is no pcap is refused', (t) => {
  t.throws(() => new PcapStream().push(Buffer.alloc(24, 1)), { message: /not a pcap stream/ });
});

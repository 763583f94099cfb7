import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { buildUdp } from '../../../lab/packet.js';
import { CaptureError } from '../../../src/capture/capture-error.js';
import { capturedPacket, readCapturedPacket } from '../../../src/capture/capture-file.js';
import { pcapFile } from '../../support/pcap-file.js';
import { temporaryFolder } from '../../support/temporary.js';

const ETHERNET = 1;
const RAW = 101;

const packet = (port: number): Uint8Array =>
  buildUdp({
    source: '2001:db8:1::2',
    destination: '2001:db8:99::2',
    sourcePort: 4000,
    destinationPort: port,
    payload: new Uint8Array(3),
  });

function frame(bytes: Uint8Array, type = 0x86dd): Buffer {
  const header = Buffer.alloc(14);
  header.writeUInt16BE(type, 12);
  return Buffer.concat([header, bytes]);
}

/** A pcapng block: type, body, and its length at both ends. */
function block(type: number, body: Buffer, big: boolean): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const length = words(big, padded.length + 12);
  return Buffer.concat([words(big, type), length, padded, length]);
}

function words(big: boolean, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) {
    if (big) bytes.writeUInt32BE(value, at * 4);
    else bytes.writeUInt32LE(value, at * 4);
  }
  return bytes;
}

function pcapng(
  big: boolean,
  linkTypes: readonly number[],
  packets: readonly [number, Uint8Array][],
): Buffer {
  const version = big ? 0x0001_0000 : 1;
  const interfaces = linkTypes.map((type) => block(1, words(big, big ? type << 16 : type, 0), big));
  return Buffer.concat([
    block(0x0a0d0d0a, words(big, 0x1a2b3c4d, version, 0xffffffff, 0xffffffff), big),
    ...interfaces,
    // A block that nobody here knows.
    block(0x0bad, Buffer.from('whatever'), big),
    ...packets.map(([id, bytes]) =>
      block(6, Buffer.concat([words(big, id, 0, 0, bytes.length, bytes.length), bytes]), big),
    ),
  ]);
}

for (const big of [false, true]) {
  const order = big ? 'big' : 'little';
  test(`pcap, ${order}-endian: each packet by its number, with Ethernet or raw`, (t) => {
    const ethernet = pcapFile(ETHERNET, [frame(packet(1)), frame(packet(2))], { big });
    t.deepEqual(Buffer.from(capturedPacket(ethernet, 2, 'x')), Buffer.from(packet(2)));
    const raw = pcapFile(RAW, [packet(7)], { big });
    t.deepEqual(Buffer.from(capturedPacket(raw, 1, 'x')), Buffer.from(packet(7)));
  });

  test(`pcapng, ${order}-endian: the link type of each packet's own interface`, (t) => {
    const file = pcapng(
      big,
      [ETHERNET, RAW],
      [
        [0, frame(packet(1))],
        [1, packet(2)],
      ],
    );
    t.deepEqual(Buffer.from(capturedPacket(file, 1, 'x')), Buffer.from(packet(1)));
    t.deepEqual(Buffer.from(capturedPacket(file, 2, 'x')), Buffer.from(packet(2)));
  });
}

const WRONG: readonly { what: string; content: Buffer; number?: number; says: RegExp }[] = [
  { what: 'nothing', content: Buffer.alloc(0), says: /neither pcap nor pcapng/ },
  { what: 'a text', content: Buffer.from('this is no capture'), says: /neither pcap nor pcapng/ },
  { what: 'no packets', content: pcapFile(ETHERNET, []), says: /x has no packets/ },
  { what: 'too few packets', content: pcapFile(RAW, [packet(1)]), number: 3, says: /x has 1 packet, not 3/ },
  { what: 'a cut header', content: pcapFile(RAW, []).subarray(0, 20), says: /ends within a packet/ },
  { what: 'a cut record', content: pcapFile(RAW, [packet(1)]).subarray(0, 60), says: /ends within a packet/ },
  { what: 'another link', content: pcapFile(127, [packet(1)]), says: /has link type 127/ },
  { what: 'IPv4', content: pcapFile(ETHERNET, [frame(packet(1), 0x0800)]), says: /has EtherType 0x800/ },
  { what: 'a VLAN', content: pcapFile(ETHERNET, [frame(packet(1), 0x8100)]), says: /is tagged for a VLAN/ },
  { what: 'a short frame', content: pcapFile(ETHERNET, [new Uint8Array(5)]), says: /is not IPv6/ },
  {
    what: 'a snapped packet',
    content: (() => {
      const file = pcapFile(RAW, [packet(1)]);
      file.writeUInt32LE(1500, 24 + 12);
      return file;
    })(),
    says: /was cut to 51 of 1500 bytes/,
  },
  {
    what: 'a pcapng packet of no interface',
    content: pcapng(false, [], [[0, packet(1)]]),
    says: /a packet has no interface/,
  },
  {
    what: 'a cut pcapng',
    content: pcapng(false, [RAW], [[0, packet(1)]]).subarray(0, 90),
    says: /ends within/,
  },
];

for (const { what, content, number = 1, says } of WRONG) {
  test(`a capture of ${what} is refused in words`, (t) => {
    const error = t.throws(() => capturedPacket(content, number, 'x'), { instanceOf: CaptureError });
    t.is(error?.code, 'CAPTURE_UNREADABLE');
    t.regex(error?.message ?? '', says);
    t.not(error?.hint, '');
  });
}

test('whatever a file is cut or damaged to, it is read or refused, and nothing else happens', (t) => {
  const files = [pcapFile(ETHERNET, [frame(packet(1))]), pcapng(false, [RAW], [[0, packet(1)]])];
  let refused = 0;
  for (const file of files) {
    for (let at = 0; at < file.length; at++) {
      for (const damaged of [
        file.subarray(0, at),
        Buffer.from(file).fill(0xff, at, Math.min(at + 4, file.length)),
      ]) {
        try {
          capturedPacket(damaged, 1, 'x');
        } catch (error) {
          if (!(error instanceof CaptureError)) throw error;
          refused++;
        }
      }
    }
  }
  t.true(refused > 200, `${refused}`);
});

test('what is no file is refused', async (t) => {
  const { path: folder, remove } = temporaryFolder();
  t.teardown(remove);
  mkdirSync(join(folder, 'directory'));
  writeFileSync(join(folder, 'right.pcap'), pcapFile(RAW, [packet(9)]));
  t.deepEqual(Buffer.from(await readCapturedPacket(join(folder, 'right.pcap'), 1)), Buffer.from(packet(9)));
  const missing = await t.throwsAsync(() => readCapturedPacket(join(folder, 'none'), 1));
  t.regex(missing?.message ?? '', /there is no such file/);
  const directory = await t.throwsAsync(() => readCapturedPacket(join(folder, 'directory'), 1));
  t.regex(directory?.message ?? '', /is not a file/);
});

import test from 'ava';
import { captureRecords, linkPayload } from '../../../src/capture/index.js';
import { pcapFile } from '../../support/pcap-file.js';

const PACKET = Buffer.from('the packet');
const IPV6 = 0x86dd;

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

/** https://www.tcpdump.org/linktypes.html */
const HEADERS: readonly {
  what: string;
  linkType: number;
  header: string;
  etherType: number;
  tags: number;
}[] = [
  { what: 'Ethernet', linkType: 1, header: `${'11'.repeat(12)} 86dd`, etherType: IPV6, tags: 0 },
  { what: 'Ethernet, IPv4', linkType: 1, header: `${'11'.repeat(12)} 0800`, etherType: 0x800, tags: 0 },
  { what: 'a VLAN', linkType: 1, header: `${'11'.repeat(12)} 8100 0007 86dd`, etherType: IPV6, tags: 1 },
  {
    what: 'two VLANs',
    linkType: 1,
    header: `${'11'.repeat(12)} 88a8 0007 8100 0008 86dd`,
    etherType: IPV6,
    tags: 2,
  },
  { what: 'raw IP', linkType: 101, header: '', etherType: IPV6, tags: 0 },
  { what: 'raw IP of BSD', linkType: 12, header: '', etherType: IPV6, tags: 0 },
  { what: 'raw IPv6', linkType: 229, header: '', etherType: IPV6, tags: 0 },
  {
    what: 'Linux cooked',
    linkType: 113,
    header: '0000 0001 0006 0200000000010000 86dd',
    etherType: IPV6,
    tags: 0,
  },
  {
    what: 'Linux cooked, version 2',
    linkType: 276,
    header: '86dd 0000 00000005 0001 00 06 0200000000010000',
    etherType: IPV6,
    tags: 0,
  },
];

for (const { what, linkType, header, etherType, tags } of HEADERS) {
  test(`${what}: the packet behind the link header`, (t) => {
    const frame = Buffer.concat([bytes(header), PACKET]);
    const [record] = [...captureRecords(pcapFile(linkType, [frame]), 'x')];
    if (record === undefined) throw new Error('no record');
    const payload = linkPayload(record);
    t.like(payload, { etherType, tags });
    t.deepEqual(Buffer.from(payload?.bytes ?? []), PACKET);
  });
}

test('a link that is not known has no packet, a short frame no EtherType', (t) => {
  const record = { linkType: 127, bytes: PACKET, length: PACKET.length };
  t.is(linkPayload(record), undefined);
  for (const linkType of [1, 113, 276]) {
    for (const size of [0, 1, 13]) {
      const payload = linkPayload({ linkType, bytes: Buffer.alloc(size, 0x86), length: size });
      t.like(payload, { etherType: 0, tags: 0 });
      t.is(payload?.bytes.length, 0);
    }
  }
  const cut = linkPayload({ linkType: 1, bytes: bytes(`${'11'.repeat(12)} 8100 00`), length: 15 });
  t.like(cut, { etherType: 0, tags: 1 });
});

test('nanoseconds are as good as microseconds', (t) => {
  const file = pcapFile(101, [PACKET, PACKET]);
  file.writeUInt32LE(0xa1b23c4d, 0);
  t.is([...captureRecords(file, 'x')].length, 2);
  const big = pcapFile(101, [PACKET], { big: true });
  big.writeUInt32BE(0xa1b23c4d, 0);
  t.is([...captureRecords(big, 'x')].length, 1);
});

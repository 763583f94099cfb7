/** ICMPv6 errors are rationed, and right whoever computes checksums. */
import test from 'ava';
import { encodeCxAnswerBudget } from '../../../src/datapath/generated.js';
import { TestDatapath } from './test-datapath.js';
import { CARE_OF, MTU, mobileWorld, outerUp, up } from './worlds.js';

/** Packets of which the second and following of one burst get no answer. */
const large = up().udp().payload(MTU).onEthernet().bytes();
const aboutTunnel = up({ source: '2001:db8:fa::9', destination: CARE_OF.A })
  .icmpv6({ type: 1 })
  .raw(outerUp('A', { flowLabel: 1 }).carrying(up().udp().payload(8)).bytes())
  .onEthernet()
  .bytes();

/** Leaves each CPU that many errors and no refill for an hour. Returns how many CPUs there may be. */
function ration(datapath: TestDatapath, left: number): number {
  const budgets = datapath.object.maps.get('cx_answer_budgets');
  const row = encodeCxAnswerBudget({ refilledAt: process.hrtime.bigint() + 3_600_000_000_000n, left });
  const cpus = budgets.valueBytes / row.length;
  budgets.set(new Uint8Array(4), Buffer.concat(Array.from({ length: cpus }, () => row)));
  return cpus;
}

test.serial('with the ration used up, errors are counted drops', async (t) => {
  using datapath = await TestDatapath.load('MOBILE_ROUTER');
  await datapath.become(mobileWorld());
  const cpus = ration(datapath, 1);
  // A test run may be on another CPU than the one before, and each has a ration of its own.
  const reasons = Array.from({ length: 100 }, () => datapath.run('coax_ingress', large).verdicts[0]?.reason);
  t.true(reasons.filter((reason) => reason === 'DROP_ANSWER_LIMIT').length >= 100 - cpus);
  ration(datapath, 0);
  t.is(datapath.run('coax_uplink', aboutTunnel).verdicts[0]?.reason, 'DROP_ANSWER_LIMIT');
  ration(datapath, 10);
  t.is(datapath.run('coax_uplink', aboutTunnel).verdicts[0]?.reason, 'ERROR_RELAYED');
});

test.serial('the ration grows with time, up to a burst', async (t) => {
  using datapath = await TestDatapath.load('MOBILE_ROUTER');
  await datapath.become(mobileWorld());
  // New rows say that the last refill was when the machine started.
  const reasons = new Set(
    Array.from({ length: 150 }, () => datapath.run('coax_ingress', large).verdicts[0]?.reason),
  );
  t.deepEqual([...reasons], ['PACKET_TOO_BIG']);
});

/** Adds up 16-bit words as the Internet checksum does (RFC 1071). */
function fold(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

const ETHERNET = 14;
const IPV6 = 40;

/** The pseudo header of an IPv6 packet without extension headers. */
function pseudo(packet: Buffer): Uint8Array {
  const bytes = Buffer.alloc(40);
  packet.copy(bytes, 0, 8, 40);
  bytes.writeUInt32BE(packet.readUInt16BE(4), 32);
  bytes.writeUInt8(packet.readUInt8(6), 39);
  return bytes;
}

for (const [name, packet, field] of [
  ['UDP', up().udp(), 6],
  ['TCP', up().tcp(), 16],
] as const) {
  for (const size of [MTU, MTU + 1, 3001]) {
    test.serial(`${size} bytes of ${name} whose checksum is left to the device`, async (t) => {
      using datapath = await TestDatapath.load('MOBILE_ROUTER');
      await datapath.become(mobileWorld());
      const sent = Buffer.from(packet.payload(size).onEthernet().bytes());
      const inner = sent.subarray(ETHERNET);
      // What the kernel leaves in the field for the device to start from.
      inner.writeUInt16BE(fold(pseudo(inner)), IPV6 + field);
      const { data, verdicts } = datapath.run('coax_ingress', sent);
      t.is(verdicts[0]?.reason, 'PACKET_TOO_BIG');
      const answer = Buffer.from(data).subarray(ETHERNET);
      const valid = (): number => fold(Buffer.concat([pseudo(answer), answer.subarray(IPV6)]));
      t.is(valid(), 0xffff, 'the checksum of the error is right');
      // The device sums up from the quoted transport header on, and writes what it finds into its field.
      const quoted = IPV6 + 8 + IPV6;
      answer.writeUInt16BE(~fold(answer.subarray(quoted)) & 0xffff, quoted + field);
      t.is(valid(), 0xffff, 'and still is when the device has written the quoted one');
      t.deepEqual(answer.subarray(quoted + 18, quoted + 60), inner.subarray(IPV6 + 18, IPV6 + 60));
    });
  }
}

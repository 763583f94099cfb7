/** The outer flow label (RFC 6438): one for each flow, never 0, the same for all fragments of a packet. */
import test from 'ava';
import { Next, type Packet } from '../../support/packet.js';
import { TestDatapath } from './test-datapath.js';
import { mobileRow, mobileWorld, up } from './worlds.js';

let datapath: TestDatapath;

test.before(async () => {
  datapath = await TestDatapath.load('MOBILE_ROUTER');
  await datapath.become(mobileWorld({ rows: { A: mobileRow('A', { mtu: 9000 }) } }));
});

test.after.always(() => datapath.close());

function outerLabel(packet: Packet): number {
  const { action, data } = datapath.send('coax_ingress', packet.onEthernet().bytes());
  if (action !== 'redirect') {
    throw new Error('the packet was not sent');
  }
  return Buffer.from(data).readUInt32BE(14) & 0xfffff;
}

test.serial('packets of one flow have one label, whatever else differs', (t) => {
  const flow = (fields: Parameters<typeof up>[0], size: number): Packet => up(fields).udp().payload(size);
  const label = outerLabel(flow({}, 0));
  t.is(outerLabel(flow({}, 1400)), label, 'size');
  t.is(outerLabel(flow({ hopLimit: 9 }, 0)), label, 'hop limit');
  t.is(outerLabel(flow({ trafficClass: 0xfc }, 0)), label, 'traffic class');
  t.is(outerLabel(up().hopByHop().udp()), label, 'extension headers');
});

test.serial('whatever makes a flow changes the label', (t) => {
  const labels = [
    up().udp(),
    up().tcp(),
    up().udp({ sourcePort: 1001 }),
    up().udp({ destinationPort: 2001 }),
    up({ source: '2001:db8:100:1::11' }).udp(),
    up({ destination: '2001:db8:200::2' }).udp(),
    up({ flowLabel: 1 }).udp(),
    up({ flowLabel: 0x80000 }).udp(),
    up().icmpv6(),
  ].map(outerLabel);
  t.is(new Set(labels).size, labels.length, labels.join(', '));
});

test.serial('labels are spread and never 0', (t) => {
  const labels = Array.from({ length: 20_000 }, (_, at) =>
    outerLabel(up().udp({ sourcePort: at, destinationPort: (at * 7) & 0xffff })),
  );
  t.false(labels.includes(0));
  // Of 20,000 random ones among a million about 190 meet another.
  t.true(new Set(labels).size > 19_600, `${new Set(labels).size} different labels`);
  for (const shift of [0, 8, 16]) {
    const parts = new Set(labels.map((label) => (label >> shift) & 0xf));
    t.is(parts.size, 16, `bits ${shift} to ${shift + 3} are used`);
  }
});

/** The pieces of one packet as a sender cuts it: headers behind the fragment header are in the first one only. */
const FRAGMENTED: Readonly<Record<string, [first: (packet: Packet) => Packet, next: number]>> = {
  UDP: [(packet) => packet.udp().payload(1000), Next.UDP],
  TCP: [(packet) => packet.tcp().payload(996), Next.TCP],
  ICMPv6: [(packet) => packet.icmpv6().payload(1000), Next.ICMPV6],
  ESP: [(packet) => packet.esp().payload(1000), Next.ESP],
  'UDP behind destination options': [
    (packet) => packet.destinationOptions().udp().payload(992),
    Next.DESTINATION_OPTIONS,
  ],
  'ESP behind authentication': [(packet) => packet.authentication().esp().payload(976), Next.AUTHENTICATION],
};

for (const [name, [first, next]] of Object.entries(FRAGMENTED)) {
  test.serial(`all fragments of one packet have one label: ${name}`, (t) => {
    const label = outerLabel(first(up().fragment({ more: true })));
    const middle = up().fragment({ offset: 126, more: true, nextHeader: next }).payload(1008);
    t.is(outerLabel(middle), label, 'a middle one');
    t.is(outerLabel(up().fragment({ offset: 252, nextHeader: next }).payload(3)), label, 'the last one');
  });
}

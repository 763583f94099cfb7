/** Fragments follow the decision of their first one; what is kept for that is bounded. */
import test, { type ExecutionContext } from 'ava';
import { FragmentSlices } from '../../../src/datapath/fragment-slices.js';
import { CX_FRAGMENT_ROWS, CX_FRAGMENT_SLICES } from '../../../src/datapath/generated.js';
import { formatIpv6 } from '../../../src/libbpf-ts/index.js';
import { ANY, type Policy, type Selector } from '../../../src/policy/index.js';
import { type FragmentFields, Next, type Packet } from '../../support/packet.js';
import { TestDatapath } from './test-datapath.js';
import { BID, CARE_OF, mobileWorld, up } from './worlds.js';

const OUTER_SOURCE = 14 + 8;
const TIME_MASK = 0xfcn;
/** A bit of the time that makes an entry four minutes older. */
const TIME_HALF = 0x80n;

let datapath: TestDatapath;

test.before(async () => {
  datapath = await TestDatapath.load('MOBILE_ROUTER');
});

test.after.always(() => datapath.close());

/** What matches goes by B, the rest by A. */
async function selecting(match: Partial<Selector>): Promise<void> {
  const policy: Policy = {
    fid: 1,
    name: 'by-b',
    priority: 10,
    selector: { ...ANY, ...match },
    action: { kind: 'use', bindings: [BID.B] },
    otherwise: 'next',
  };
  await datapath.become(mobileWorld({ policies: [policy] }));
}

const one = (value: number) => [{ low: value, high: value }];
const port = { protocol: one(Next.UDP), destinationPort: one(3000) };
const first = (id: number, source?: string): Packet =>
  up(source === undefined ? {} : { source }).fragment({ more: true, id });
const later = (id: number, fields: FragmentFields & { source?: string } = {}): Packet => {
  const { source, ...rest } = fields;
  return up(source === undefined ? {} : { source })
    .fragment({ offset: 100, id, nextHeader: Next.UDP, ...rest })
    .raw(Buffer.alloc(64));
};

/** The binding a packet leaves by, `alone` in front when its first fragment was not known. */
function way(packet: Packet, { ifindex = 1, home = false } = {}): string {
  const { result, verdicts } = datapath.counting(() =>
    home
      ? datapath.send('coax_home', packet.onEthernet().bytes())
      : datapath.send('coax_ingress', packet.onEthernet().bytes(), { ifindex }),
  );
  const source = formatIpv6(result.data.subarray(OUTER_SOURCE, OUTER_SOURCE + 16));
  const uplink = source === CARE_OF.A ? 'A' : source === CARE_OF.B ? 'B' : source;
  return verdicts.some(({ reason }) => reason === 'ALSO_FRAGMENT_ALONE') ? `alone ${uplink}` : uplink;
}

let lastId = 0;
const nextId = (): number => ++lastId;

test.serial('a later fragment goes where its first one went', async (t) => {
  await selecting(port);
  for (const home of [false, true]) {
    for (const [destinationPort, uplink] of [
      [3000, 'B'],
      [3001, 'A'],
    ] as const) {
      const id = nextId();
      t.is(way(first(id).udp({ destinationPort }), { home }), uplink);
      t.is(way(later(id), { home }), uplink);
      t.is(way(later(id, { more: true, offset: 50 }), { home }), uplink, 'and as often as it is asked');
    }
  }
});

test.serial('without its first fragment it has no ports, and is counted', async (t) => {
  await selecting(port);
  const id = nextId();
  t.is(way(later(id)), 'alone A');
  t.is(way(first(id).udp({ destinationPort: 3000 })), 'B');
  t.is(way(later(id + 0x1000)), 'alone A', 'another packet');
  t.is(way(later(id, { source: '2001:db8:100:1::11' })), 'alone A', 'another host');
  t.is(way(later(id)), 'B');
});

test.serial('what the first one shows: SPI, ICMPv6 type, the protocol behind its headers', async (t) => {
  const cases: readonly (readonly [Partial<Selector>, (id: number) => Packet, number])[] = [
    [{ spi: one(0x77) }, (id) => first(id).authentication({ spi: 0x77 }).udp(), Next.AUTHENTICATION],
    [{ icmpType: one(128) }, (id) => first(id).icmpv6({ type: 128 }), Next.ICMPV6],
    [{ icmpType: one(128), icmpCode: one(3) }, (id) => first(id).icmpv6({ type: 128, code: 3 }), Next.ICMPV6],
    [
      { protocol: one(Next.TCP), sourcePort: one(1000) },
      (id) => first(id).destinationOptions().tcp(),
      Next.DESTINATION_OPTIONS,
    ],
  ];
  for (const [match, packet, nextHeader] of cases) {
    await selecting(match);
    const [id, other] = [nextId(), nextId()];
    t.is(way(packet(id)), 'B');
    t.is(way(later(id, { nextHeader })), 'B');
    t.is(way(first(other).udp({ sourcePort: 9 })), 'A');
    t.is(way(later(other)), 'A', 'nor more than it shows');
  }
});

test.serial('a new generation decides about what the first one showed', async (t) => {
  await selecting(port);
  const id = nextId();
  t.is(way(first(id).udp({ destinationPort: 3001 })), 'A');
  await selecting({ protocol: one(Next.UDP), destinationPort: one(3001) });
  t.is(way(later(id)), 'B');
});

const rows = (): Uint8Array[] =>
  [...datapath.object.maps.get('cx_fragments').readAll()].map(([, row]) => row);
const used = (): number => rows().filter((row) => row.some((byte) => byte !== 0)).length;

test.serial('nothing is kept or counted where no policy asks for what a first fragment shows', async (t) => {
  await selecting({ protocol: one(Next.UDP), dscp: one(0) });
  const before = used();
  for (let i = 0; i < 50; i++) {
    const id = nextId();
    t.is(way(later(id)), 'B');
    t.is(way(first(id).udp()), 'B');
  }
  t.is(used(), before);
});

test.serial('an atomic fragment is a whole packet', async (t) => {
  await selecting(port);
  const before = used();
  const id = nextId();
  t.is(way(up().fragment({ id }).udp({ destinationPort: 3000 })), 'B');
  t.is(used(), before);
  t.is(way(later(id)), 'alone A');
});

/** Rewrites every row that is in use. */
function changeRows(change: (rest: bigint) => bigint): void {
  const map = datapath.object.maps.get('cx_fragments');
  for (const [key, row] of [...map.readAll()]) {
    const copy = Buffer.from(row);
    if (copy.readBigUInt64LE(0) === 0n) continue;
    copy.writeBigUInt64LE(change(copy.readBigUInt64LE(16)), 16);
    map.set(key, copy);
  }
}

test.serial('an old entry, or one that is half another packet, is nobody', async (t) => {
  await selecting(port);
  const id = nextId();
  t.is(way(first(id).udp({ destinationPort: 3000 })), 'B');
  changeRows((rest) => rest ^ TIME_HALF);
  t.is(way(later(id)), 'alone A', 'too old');
  changeRows((rest) => rest ^ TIME_HALF);
  t.is(way(later(id)), 'B');
  t.true(TIME_HALF === (TIME_HALF & TIME_MASK));
  changeRows((rest) => rest ^ (1n << 40n));
  t.is(way(later(id)), 'alone A', 'torn');
});

function flood(t: ExecutionContext, ifindex: number, packets: number): void {
  for (let i = 0; i < packets; i++) {
    datapath.send(
      'coax_ingress',
      first(0x10_0000 + i)
        .udp()
        .onEthernet()
        .bytes(),
      { ifindex },
    );
  }
  t.true(used() <= CX_FRAGMENT_SLICES * CX_FRAGMENT_ROWS);
}

test.serial('a flood of first fragments at one interface pushes out nothing of another', async (t) => {
  await selecting(port);
  const slices = new FragmentSlices(datapath.object.maps.get('cx_fragment_slices'));
  // Of a test run only the loopback interface is there; the home interface's packets are of slice 0.
  slices.sync([1]);
  t.deepEqual([...slices.read()], [[1, 1]]);
  const ids = Array.from({ length: 100 }, nextId);
  for (const id of ids) t.is(way(first(id).udp({ destinationPort: 3000 }), { home: true }), 'B');
  const own = nextId();
  t.is(way(first(own).udp({ destinationPort: 3000 })), 'B');
  flood(t, 1, 4 * CX_FRAGMENT_ROWS);
  const lost = ids.filter((id) => way(later(id), { home: true }) !== 'B');
  // A hundred entries of one slice meet each other now and then.
  t.true(lost.length < 15, `${lost.length} of 100`);
  slices.sync([]);
});

test.serial(
  'slices: kept while the interface is there, then given to others; the least used one first',
  (t) => {
    const slices = new FragmentSlices(datapath.object.maps.get('cx_fragment_slices'));
    t.is(slices.sync([10, 11, 12]), 3);
    t.is(slices.sync([10, 11, 12]), 0);
    t.is(slices.sync([10, 12, 13]), 2);
    t.deepEqual(
      [10, 11, 12, 13].map((ifindex) => slices.read().get(ifindex)),
      [1, undefined, 3, 2],
    );
    slices.sync(Array.from({ length: 20 }, (_, at) => at + 10));
    t.is(Math.max(...slices.read().values()), CX_FRAGMENT_SLICES - 1);
    t.is(Math.min(...slices.read().values()), 1);
    const { maxEntries } = datapath.object.maps.get('cx_fragment_slices');
    slices.sync(Array.from({ length: maxEntries + 20 }, (_, at) => at + 10));
    t.is(slices.read().size, maxEntries, 'more than there is room for');
    slices.sync([]);
  },
);

/** Mobility headers to an address of ours reach the ring buffer; what they may not do is counted. */
import test, { type ExecutionContext } from 'ava';
import {
  CX_SIGNAL_BYTES,
  CX_SIGNAL_SHORT_BYTES,
  CX_SIGNAL_STRANGE_BYTES,
  CX_SIGNALS_A_WINDOW,
} from '../../../src/datapath/generated.js';
import { CxSetting } from '../../../src/datapath/index.js';
import { Signals } from '../../../src/datapath/signals.js';
import {
  encodeAuthenticated,
  encodeMobilityPacket,
  type MobilityOption,
} from '../../../src/mobility/index.js';
import { Address } from '../../../src/net/index.js';
import { ethernet, ipv6, type Packet } from '../../support/packet.js';
import { type ProgramName, type ReasonName, TestDatapath, type World } from './test-datapath.js';
import {
  agentWorld,
  CARE_OF,
  HOME_ADDRESS,
  HOME_AGENT,
  LAN_HOST,
  mobileWorld,
  outerDown,
  STRANGER,
} from './worlds.js';

const MOBILITY = 135;

/** A Binding Update as it is on the wire: home address option, mobility header. */
function update(source: string, destination = HOME_AGENT): Uint8Array {
  return encodeMobilityPacket(
    {
      source: Address.parse(source),
      destination: Address.parse(destination),
      homeAddress: Address.parse(HOME_ADDRESS),
    },
    { type: 'binding-update', sequence: 1, flags: ['acknowledge', 'home'], lifetime: 600, options: [] },
  );
}

/** A Binding Acknowledgement: type 2 routing header, mobility header. */
function acknowledgement(source = HOME_AGENT, destination: string = CARE_OF.A): Uint8Array {
  return encodeMobilityPacket(
    {
      source: Address.parse(source),
      destination: Address.parse(destination),
      routedTo: Address.parse(HOME_ADDRESS),
    },
    { type: 'binding-acknowledgement', status: 0, flags: [], sequence: 1, lifetime: 600, options: [] },
  );
}

/** Of so many bytes, of which only the headers mean something. */
const long = (length: number): Packet =>
  ipv6({ source: STRANGER, destination: HOME_AGENT, nextHeader: MOBILITY }).payload(length - 40);

interface Side {
  readonly datapath: TestDatapath;
  readonly signals: Signals;
  readonly program: ProgramName;
}

async function load(
  role: 'MOBILE_ROUTER' | 'HOME_AGENT',
  signalling = 1,
  change: Partial<World> = {},
): Promise<Side & Disposable> {
  const datapath = await TestDatapath.load(role);
  await datapath.become(role === 'HOME_AGENT' ? agentWorld(change) : mobileWorld(change));
  datapath.settings.set(CxSetting.SIGNALLING, signalling);
  const signals = new Signals(datapath.object.maps.get('cx_signals'));
  return {
    datapath,
    signals,
    program: role === 'HOME_AGENT' ? 'coax_transit' : 'coax_uplink',
    [Symbol.dispose]() {
      signals.close();
      datapath.close();
    },
  };
}

const onEthernet = (packet: Uint8Array): Uint8Array =>
  Buffer.concat([ethernet().bytes().subarray(0, 14), packet]);

function expectReason(
  t: ExecutionContext,
  { datapath, program }: Side,
  packet: Uint8Array,
  reason: ReasonName,
) {
  const { action, verdicts } = datapath.run(program, onEthernet(packet));
  t.is(verdicts.map((verdict) => verdict.reason).join(), reason);
  t.is(action, reason === 'NOT_OURS' || reason === 'NOT_FOR_HOME' ? 'pass' : 'drop');
}

test.serial('a home agent takes Binding Updates of whom it knows and of whom it does not', async (t) => {
  using side = await load('HOME_AGENT');
  for (const source of [CARE_OF.A, STRANGER]) {
    const packet = update(source);
    expectReason(t, side, packet, 'TO_DAEMON');
    const [signal, ...more] = (await side.signals.next()) ?? [];
    t.deepEqual(signal && Buffer.from(signal.packet), Buffer.from(packet));
    t.true((signal?.ifindex ?? 0) > 0);
    t.is(more.length, 0);
  }
});

test.serial('a mobile router takes answers of its home agent to a care-of address', async (t) => {
  using side = await load('MOBILE_ROUTER');
  expectReason(t, side, acknowledgement(), 'TO_DAEMON');
  const [signal] = (await side.signals.next()) ?? [];
  t.deepEqual(signal && Buffer.from(signal.packet), Buffer.from(acknowledgement()));
  expectReason(t, side, acknowledgement(STRANGER), 'NOT_OURS');
  expectReason(t, side, acknowledgement(HOME_AGENT, LAN_HOST), 'NOT_OURS');
});

/** A message of the home agent to the home address, without routing header. */
function toHomeAddress(source = HOME_AGENT): Packet {
  return ipv6({ source, destination: HOME_ADDRESS, nextHeader: MOBILITY }).payload(16);
}

test.serial('a mobile router takes messages of its home agent to the home address', async (t) => {
  using side = await load('MOBILE_ROUTER', 1, {
    signals: [{ local: HOME_ADDRESS, remote: HOME_AGENT }],
  });
  const packet = toHomeAddress().bytes();
  expectReason(t, side, packet, 'TO_DAEMON');
  const [signal] = (await side.signals.next()) ?? [];
  t.deepEqual(signal && Buffer.from(signal.packet), Buffer.from(packet));
  expectReason(t, side, toHomeAddress(STRANGER).bytes(), 'NOT_OURS');
  expectReason(t, side, toHomeAddress('::').bytes(), 'NOT_OURS');
});

test.serial('and by way of a tunnel, as all packets to the home address', async (t) => {
  using side = await load('MOBILE_ROUTER', 1, {
    signals: [{ local: HOME_ADDRESS, remote: HOME_AGENT }],
  });
  const tunnelled = (inner: Packet): Uint8Array => outerDown('A', { flowLabel: 1 }).carrying(inner).bytes();
  const packet = toHomeAddress();
  expectReason(t, side, tunnelled(packet), 'TO_DAEMON');
  const [signal] = (await side.signals.next()) ?? [];
  t.deepEqual(signal && Buffer.from(signal.packet), Buffer.from(packet.bytes()), 'without the outer header');
  const { verdicts } = side.datapath.run(side.program, onEthernet(tunnelled(toHomeAddress(STRANGER))));
  t.is(verdicts[0]?.reason, 'TO_STACK_DECAPSULATED', 'what anybody else says goes where all packets go');
});

test.serial('what is not to us, is a fragment or too long is left to the stack', async (t) => {
  using side = await load('HOME_AGENT');
  expectReason(t, side, update(CARE_OF.A, STRANGER), 'NOT_FOR_HOME');
  const fragment = ipv6({ source: CARE_OF.A, destination: HOME_AGENT }).fragment({
    more: true,
    nextHeader: MOBILITY,
  });
  expectReason(t, side, fragment.payload(64).bytes(), 'NOT_FOR_HOME');
  expectReason(t, side, long(CX_SIGNAL_BYTES + 1).bytes(), 'NOT_FOR_HOME');
  for (const length of [CX_SIGNAL_BYTES, CX_SIGNAL_SHORT_BYTES + 1, CX_SIGNAL_SHORT_BYTES, 40]) {
    const packet = long(length).bytes();
    expectReason(t, side, packet, 'TO_DAEMON');
    const [signal] = (await side.signals.next()) ?? [];
    t.deepEqual(signal && Buffer.from(signal.packet), Buffer.from(packet), `${length} bytes`);
  }
});

test.serial('without registration the stack has them all', async (t) => {
  using agent = await load('HOME_AGENT', 0);
  expectReason(t, agent, update(CARE_OF.A), 'NOT_FOR_HOME');
  using router = await load('MOBILE_ROUTER', 0);
  expectReason(t, router, acknowledgement(), 'NOT_OURS');
});

/** What becomes of so many, one after the other. */
function reasonsOf(side: Side, packets: readonly Uint8Array[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const packet of packets) {
    const { reason } = side.datapath.run(side.program, onEthernet(packet)).verdicts[0] ?? {};
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

/** How many are too many, sent without a pause in which the second may change more than once. */
function limited(side: Side, packets: readonly Uint8Array[]): number {
  const count = (): number =>
    side.datapath.counters
      .reasons()
      .filter(({ reason }) => /signal.limit/.test(reason))
      .reduce((sum, row) => sum + row.packets, 0);
  const before = count();
  for (const packet of packets) side.datapath.send(side.program, onEthernet(packet));
  return count() - before;
}

const times = (count: number, source: (n: number) => string): Uint8Array[] =>
  Array.from({ length: count }, (_, n) => update(source(n)));

test.serial('who sends too many costs those with an accepted address nothing', async (t) => {
  using side = await load('HOME_AGENT');
  const strangers = times(3 * CX_SIGNALS_A_WINDOW, () => STRANGER);
  t.true(limited(side, strangers) > 0);
  const accepted = times(CX_SIGNALS_A_WINDOW, () => CARE_OF.A);
  t.deepEqual([...reasonsOf(side, accepted).keys()], ['TO_DAEMON']);
});

test.serial('all addresses of a network of strangers have one budget', async (t) => {
  using side = await load('HOME_AGENT');
  // Each address for the first time.
  const addresses = times(3 * CX_SIGNALS_A_WINDOW, (n) => `2001:db8:fa::${(n + 1).toString(16)}`);
  t.true(limited(side, addresses) > 0);
  const [elsewhere = new Uint8Array()] = times(1, () => '2001:db8:fa:1::1');
  expectReason(t, side, elsewhere, 'TO_DAEMON');
});

/** A Binding Update that names a key, with or without padding behind the option. */
function signed(source: string, spi: number, more: readonly MobilityOption[]): Uint8Array {
  const envelope = { source: Address.parse(source), destination: Address.parse(HOME_AGENT) };
  const homeAddress = Address.parse(HOME_ADDRESS);
  const key = { spi, key: new Uint8Array(16) };
  const message = {
    type: 'binding-update',
    sequence: 1,
    flags: ['home'],
    lifetime: 600,
    options: more,
  } as const;
  return encodeMobilityPacket({ ...envelope, homeAddress }, (ends) =>
    encodeAuthenticated(message, { careOf: envelope.source, homeAddress }, key, ends),
  );
}

const PADDED: readonly MobilityOption[] = [{ type: 'other', number: 99, data: new Uint8Array(2) }];

for (const [title, options] of [
  ['', []],
  [', with padding behind', PADDED],
] as const) {
  test.serial(`who names a key of ours has a budget that strangers do not use up${title}`, async (t) => {
    using side = await load('HOME_AGENT');
    const [known, unknown] = [0x12345, 0x12346];
    side.datapath.signalKeys.sync([known]);
    const all = (count: number, source: string, spi: number): Uint8Array[] =>
      new Array<Uint8Array>(count).fill(signed(source, spi, options));
    for (const source of [STRANGER, CARE_OF.A]) {
      t.true(limited(side, all(3 * CX_SIGNALS_A_WINDOW, source, unknown)) > 0);
    }
    const taken = (source: string): unknown[] => [
      ...reasonsOf(side, all(CX_SIGNALS_A_WINDOW, source, known)).keys(),
    ];
    t.deepEqual(taken(STRANGER), ['TO_DAEMON']);
    // Whoever knows the SPI uses that up; then an accepted address still has its own.
    t.true(limited(side, all(3 * CX_SIGNALS_A_WINDOW, STRANGER, known)) > 0);
    t.deepEqual(taken(CARE_OF.B), ['TO_DAEMON']);
    t.is(side.datapath.signalKeys.sync([]), 1);
  });
}

test.serial(
  'what a daemon does not read is counted, and strangers leave room for those who are known',
  async (t) => {
    using side = await load('HOME_AGENT');
    for (let n = 1; n <= 10_000; n++) {
      side.datapath.send(side.program, onEthernet(update(`2001:db8:${n.toString(16)}::1`)));
    }
    expectReason(t, side, update(CARE_OF.A), 'TO_DAEMON');
    const dropped = side.datapath.counters
      .reasons()
      .filter(({ reason }) => /signal/.test(reason) && !/daemon/.test(reason));
    const full = dropped.filter(({ reason }) => /signals.full/.test(reason));
    const read = (await side.signals.next()) ?? [];
    t.true(full.length > 0);
    t.is(
      dropped.reduce((sum, { packets }) => sum + packets, read.length - 1),
      10_000,
    );
    t.true(read.length * CX_SIGNAL_SHORT_BYTES < CX_SIGNAL_STRANGE_BYTES + 2 * CX_SIGNAL_SHORT_BYTES);
    expectReason(t, side, update(CARE_OF.B), 'TO_DAEMON');
  },
);

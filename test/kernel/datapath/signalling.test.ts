/** Mobility headers to an address of ours reach the ring buffer; what they may not do is counted. */
import test, { type ExecutionContext } from 'ava';
import {
  CX_SIGNAL_BYTES,
  CX_SIGNAL_SHORT_BYTES,
  CX_SIGNALS_A_WINDOW,
} from '../../../src/datapath/generated.js';
import { CxSetting } from '../../../src/datapath/index.js';
import { Signals } from '../../../src/datapath/signals.js';
import { encodeMobilityPacket } from '../../../src/mobility/index.js';
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

test.serial('who sends too many costs those with an accepted address nothing', async (t) => {
  using side = await load('HOME_AGENT');
  const reasonsOf = (source: string, count: number): Set<string | undefined> =>
    new Set(
      Array.from(
        { length: count },
        () => side.datapath.run(side.program, onEthernet(update(source))).verdicts[0]?.reason,
      ),
    );
  // The second may change meanwhile, once.
  t.true(reasonsOf(STRANGER, 3 * CX_SIGNALS_A_WINDOW).has('DROP_SIGNAL_LIMIT'));
  t.deepEqual([...reasonsOf(CARE_OF.A, CX_SIGNALS_A_WINDOW)], ['TO_DAEMON']);
});

test.serial('a daemon that does not read is counted, and reads what there was room for', async (t) => {
  using side = await load('HOME_AGENT');
  for (let n = 1; n <= 10_000; n++) {
    side.datapath.send(side.program, onEthernet(update(`2001:db8:fa::${n.toString(16)}`)));
  }
  const full = side.datapath.counters
    .reasons()
    .filter(({ reason }) => /signals.full/.test(reason))
    .reduce((sum, { packets }) => sum + packets, 0);
  const read = ((await side.signals.next()) ?? []).length;
  t.true(full > 0);
  t.is(read + full, 10_000);
  expectReason(t, side, update(CARE_OF.A), 'TO_DAEMON');
});

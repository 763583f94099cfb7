// Impaired signalling, with real packets through core: what is lost, doubled, held and delayed, and what is let alone.
import test, { type ExecutionContext } from 'ava';
import { Capture, type CapturedPacket } from '../../../lab/capture.js';
import {
  type DirectionReport,
  IMPAIRMENT_WAITING_MOST,
  Impairment,
  ImpairmentError,
  type ImpairmentOptions,
} from '../../../lab/impairment.js';
import type { LabNode } from '../../../lab/node.js';
import { buildUdp } from '../../../lab/packet.js';
import { Random } from '../../../lab/random.js';
import { namespacePids } from '../../../lab/removal.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import {
  Address,
  decodeMobilityHeader,
  encodeMobilityPacket,
  MOBILITY_HEADER,
  type MobilityEnvelope,
  type MobilityMessage,
} from '../../../src/mobility/index.js';
import { sendPackets } from '../../support/raw-packets.js';
import { PATIENCE, type Site, withSite } from '../../support/site.js';

const UDP_PORT = 5300;
const CHANCES = { loss: 0.3, duplicate: 0.1, reorder: 0.1 } as const;
/** Longer than any test: what is held goes when another packet passes, or at the end. */
const LONG = 600_000;
const NOTHING: DirectionReport = {
  seen: 0,
  duplicated: 0,
  lost: 0,
  passed: 0,
  reordered: 0,
  heldInVain: 0,
  waiting: 0,
  overflowed: 0,
  refused: 0,
};

const careOf = Address.parse(addresses.careOfA);
const homeAgent = Address.parse(addresses.homeAgent);
const home = Address.parse(addresses.home);
const outward: MobilityEnvelope = { source: careOf, destination: homeAgent };
const inward: MobilityEnvelope = { source: homeAgent, destination: careOf };

function update(sequence: number): Uint8Array {
  const message: MobilityMessage = {
    type: 'binding-update',
    sequence,
    flags: ['acknowledge', 'home'],
    lifetime: 60,
    options: [],
  };
  return encodeMobilityPacket({ ...outward, homeAddress: home }, message);
}

function acknowledgement(sequence: number): Uint8Array {
  const message: MobilityMessage = {
    type: 'binding-acknowledgement',
    status: 0,
    flags: [],
    sequence,
    lifetime: 60,
    options: [],
  };
  return encodeMobilityPacket({ ...inward, routedTo: home }, message);
}

const refreshRequest: MobilityMessage = { type: 'binding-refresh-request', options: [] };
/** Long enough for two fragments. */
const otherMessage: MobilityMessage = {
  type: 'binding-error',
  status: 1,
  homeAddress: home,
  options: [],
};

/** The packet in an IPv6 tunnel with the same addresses. */
function tunnelled(packet: Uint8Array): Uint8Array {
  const outer = Buffer.from(packet.subarray(0, 40));
  outer.writeUInt16BE(packet.length, 4);
  outer.writeUInt8(41, 6);
  return Buffer.concat([outer, packet]);
}

/** The packet with a destination options header that holds padding only (RFC 8200 section 4.2). */
function padded(packet: Uint8Array): Uint8Array {
  const header = Buffer.from(packet.subarray(0, 40));
  const options = Uint8Array.of(header.readUInt8(6), 0, 1, 4, 0, 0, 0, 0);
  header.writeUInt16BE(packet.length - 40 + options.length, 4);
  header.writeUInt8(60, 6);
  return Buffer.concat([header, options, packet.subarray(40)]);
}

/** The packet in two fragments, the first with 8 bytes of its payload (RFC 8200 section 4.5). */
function fragments(packet: Uint8Array): Uint8Array[] {
  const part = (offset: number, end: number, more: 0 | 1): Uint8Array => {
    const bytes = packet.subarray(40 + offset, end);
    const headers = Buffer.alloc(48);
    headers.set(packet.subarray(0, 40));
    headers.writeUInt16BE(8 + bytes.length, 4);
    headers.writeUInt8(44, 6);
    headers.writeUInt8(packet[6] ?? 0, 40);
    headers.writeUInt16BE(offset | more, 42);
    headers.writeUInt32BE(7, 44);
    return Buffer.concat([headers, bytes]);
  };
  return [part(0, 48, 1), part(8, packet.length, 0)];
}

/** An ICMPv6 error, or a redirect. */
function isComplaint(icmpType: number | undefined): boolean {
  return icmpType !== undefined && (icmpType < 128 || icmpType === 137);
}

function udp(payload: string): Uint8Array {
  return buildUdp({
    source: addresses.careOfA,
    destination: addresses.homeAgent,
    sourcePort: UDP_PORT,
    destinationPort: UDP_PORT,
    payload: Buffer.from(payload),
  });
}

/** Of a Binding Update or a Binding Acknowledgement that was captured; undefined for all else. */
function sequenceOf(packet: CapturedPacket): number | undefined {
  if (packet.inner !== undefined || packet.transport?.protocol !== MOBILITY_HEADER) return undefined;
  const message = decodeMobilityHeader(packet.payload);
  return 'sequence' in message ? message.sequence : undefined;
}

/** The mobility packets from an address that were captured. */
function signalling(capture: Capture, source: string): CapturedPacket[] {
  return capture.packets((packet) => packet.outer.source === source && sequenceOf(packet) !== undefined);
}

/** Their sequence numbers in the order of arrival, when at least so many have come and nothing is on its way. */
async function arrivals(capture: Capture, source: string, least: number): Promise<(number | undefined)[]> {
  const what = `${least} mobility packets from ${source}`;
  await until(() => signalling(capture, source).length >= least, { what, timeout: PATIENCE });
  await capture.flush();
  return signalling(capture, source).map(sequenceOf);
}

/** What arrives of the packets 0 to `count - 1`, worked out apart from the program. */
function expected(random: Random, count: number): { order: number[]; report: DirectionReport } {
  const order: number[] = [];
  let held: number[] = [];
  const counts = { lost: 0, duplicated: 0, reordered: 0 };
  for (let number = 0; number < count; number++) {
    const lost = random.chance(CHANCES.loss);
    const twice = random.chance(CHANCES.duplicate);
    const late = random.chance(CHANCES.reorder);
    if (lost) {
      counts.lost++;
      continue;
    }
    if (twice) counts.duplicated++;
    const atOnce = Array<number>(Number(twice) + Number(!late)).fill(number);
    if (atOnce.length > 0) {
      order.push(atOnce[0] as number, ...held, ...atOnce.slice(1));
      counts.reordered += held.length;
      held = [];
    }
    if (late) held.push(number);
  }
  order.push(...held);
  const report = { ...NOTHING, ...counts, seen: count, passed: order.length, heldInVain: held.length };
  return { order, report };
}

/** Everything in a namespace that an impairment has its hands in. */
async function state(node: LabNode): Promise<Record<string, unknown>> {
  const links = JSON.parse(await node.ip('-j link show')) as { ifname: string }[];
  const tables = ['-6 route show table all', '-6 rule show', '-4 route show table all', '-4 rule show'];
  return {
    links: links.map(({ ifname }) => ifname),
    routing: await Promise.all(tables.map((words) => node.ip(words))),
    nft: (await node.exec('nft', ['list', 'ruleset'])).stdout,
    processes: await namespacePids(node.namespace),
  };
}

/** A lab without daemons whose neighbours know one another, and an impairment that leaves nothing at core. */
async function impaired(
  t: ExecutionContext,
  options: Omit<ImpairmentOptions, 'only'>,
  body: (site: Site, impairment: Impairment) => Promise<void>,
): Promise<void> {
  await withSite(t, { mr: null, ha: null }, async (site) => {
    const core = site.node('core');
    await site.node('mr').exec('ping', ['-6', '-n', '-c', '1', '-w', '10', addresses.homeAgent]);
    const before = await state(core);
    const impairment = await Impairment.start(core, { ...options, only: 'mobility' });
    t.notDeepEqual(await state(core), before, 'the state shows an impairment that runs');
    try {
      await body(site, impairment);
    } finally {
      await impairment[Symbol.asyncDispose]();
    }
    t.deepEqual(await state(core), before, 'left at core');
  });
}

for (const seed of [1, 20_260]) {
  test.serial(`the n-th packet of each direction has the fate that seed ${seed} says`, async (t) => {
    const count = 200;
    const seeds = new Random(seed);
    const there = expected(new Random(seeds.word()), count);
    const back = expected(new Random(seeds.word()), count);
    for (const { report } of [there, back]) {
      t.true(report.lost > 0 && report.duplicated > 0 && report.reordered > 0, 'the seed tries everything');
    }
    t.notDeepEqual(there.order, back.order, 'a direction has choices of its own');
    for (const run of ['first', 'second']) {
      await impaired(t, { seed, ...CHANCES, holdMs: LONG }, async (site, impairment) => {
        const [mr, ha] = [site.node('mr'), site.node('ha')];
        const atHa = await Capture.start(ha, 'core0');
        const atMr = await Capture.start(mr, 'wa');
        const numbers = Array.from({ length: count }, (_, number) => number);
        await Promise.all([
          sendPackets(mr, numbers.map(update)),
          sendPackets(ha, numbers.map(acknowledgement)),
        ]);
        await until(
          async () => {
            const { toHomeAgent, fromHomeAgent } = await impairment.report();
            return toHomeAgent.seen === count && fromHomeAgent.seen === count;
          },
          { what: 'all packets to be seen', timeout: PATIENCE },
        );
        const report = await impairment.stop();
        t.deepEqual(
          await arrivals(atHa, addresses.careOfA, there.order.length),
          there.order,
          `to the home agent, ${run} run`,
        );
        t.deepEqual(
          await arrivals(atMr, addresses.homeAgent, back.order.length),
          back.order,
          `from the home agent, ${run} run`,
        );
        t.deepEqual(report, { toHomeAgent: there.report, fromHomeAgent: back.report });
      });
    }
  });
}

test.serial('whatever stands before a mobility header it is impaired, and nothing else is', async (t) => {
  await impaired(t, { seed: 1, loss: 1 }, async (site, impairment) => {
    const [mr, ha, core] = [site.node('mr'), site.node('ha'), site.node('core')];
    const captures = await Promise.all([Capture.start(ha, 'core0'), Capture.start(mr, 'wa')]);
    const [atHa, atMr] = captures;

    const sink = await Sink.start(ha, { ports: [UDP_PORT], echo: true });
    const to = { to: addresses.homeAgent, port: UDP_PORT, source: addresses.careOfA };
    const stream = await Stream.start(mr, { ...to, rate: 200, count: 400 });
    await stream.sent();
    t.like(await sink.received(400), { received: 400, lost: 0, duplicates: 0 });
    const echoed = await until(
      async () => {
        const report = await stream.echoes();
        return report.received === 400 && report;
      },
      { what: 'all echoes', timeout: PATIENCE },
    );
    t.like(echoed, { lost: 0, duplicates: 0 });
    await sink.end();
    t.deepEqual(await impairment.report(), { toHomeAgent: NOTHING, fromHomeAgent: NOTHING });

    const both = { homeAddress: home, routedTo: Address.parse(addresses.home2) };
    await sendPackets(mr, [
      encodeMobilityPacket(outward, refreshRequest),
      update(1),
      encodeMobilityPacket({ ...outward, ...both }, refreshRequest),
      padded(encodeMobilityPacket(outward, refreshRequest)),
      padded(padded(encodeMobilityPacket(outward, refreshRequest))),
      ...fragments(encodeMobilityPacket(outward, otherMessage)),
      // Only to be let through:
      encodeMobilityPacket({ source: careOf, destination: Address.parse(addresses.core) }, refreshRequest),
      tunnelled(update(2)),
      padded(udp('options')),
      udp('last'),
    ]);
    await sendPackets(ha, [
      acknowledgement(1),
      encodeMobilityPacket(inward, refreshRequest),
      tunnelled(acknowledgement(2)),
    ]);
    await atHa.waitFor(({ payload }) => Buffer.from(payload).toString() === 'last', {
      what: 'the last packet',
    });
    await atMr.waitFor(({ inner }) => inner !== undefined, { what: 'the tunnelled acknowledgement' });
    await until(
      async () => {
        const { toHomeAgent, fromHomeAgent } = await impairment.report();
        return toHomeAgent.seen >= 7 && fromHomeAgent.seen >= 2;
      },
      { what: 'the mobility packets to be seen', timeout: PATIENCE },
    );
    t.deepEqual(await impairment.stop(), {
      toHomeAgent: { ...NOTHING, seen: 7, lost: 7 },
      fromHomeAgent: { ...NOTHING, seen: 2, lost: 2 },
    });

    await Promise.all(captures.map((capture) => capture.flush()));
    const ofMr = atHa.packets(({ outer }) => outer.source === addresses.careOfA);
    const plain = ofMr.filter(({ inner }) => inner === undefined);
    t.deepEqual(
      plain.filter(({ transport }) => transport?.protocol === MOBILITY_HEADER),
      [],
      'a mobility packet reached the home agent',
    );
    t.is(ofMr.filter(({ inner }) => inner !== undefined).length, 1, 'the tunnelled update passed');
    t.true(ofMr.some(({ payload }) => Buffer.from(payload).toString() === 'options'));
    t.deepEqual(
      atMr.packets(
        ({ outer, inner, transport }) =>
          outer.source === addresses.homeAgent &&
          inner === undefined &&
          transport?.protocol === MOBILITY_HEADER,
      ),
      [],
      'a mobility packet reached the mobile router',
    );
    const hops = (packet: CapturedPacket): number => packet.outer.hopLimit;
    t.deepEqual(
      [...new Set(ofMr.map(hops))],
      [62],
      'what is let alone has the hops of ra and core behind it',
    );
    const ofCore = new Set(
      (JSON.parse(await core.ip('-j -6 address show')) as { addr_info: { local: string }[] }[]).flatMap(
        ({ addr_info }) => addr_info.map(({ local }) => local),
      ),
    );
    const errors = captures.flatMap((capture) =>
      capture.packets(({ outer, transport }) => ofCore.has(outer.source) && isComplaint(transport?.icmpType)),
    );
    // Core says that it has no use for the one mobility packet that was for core itself: the capture would see errors.
    t.deepEqual(
      errors.map(({ transport }) => transport?.icmpType),
      [4],
      'core answered to what it forwards',
    );
  });
});

test.serial(
  'a delayed packet comes after a later one that is let alone, and all come at the end',
  async (t) => {
    await impaired(t, { seed: 1, delayMs: LONG }, async (site, impairment) => {
      const capture = await Capture.start(site.node('ha'), 'core0');
      await sendPackets(site.node('mr'), [update(1), update(2), udp('later')]);
      await capture.waitFor(({ payload }) => Buffer.from(payload).toString() === 'later');
      await until(async () => (await impairment.report()).toHomeAgent.waiting === 2, { what: 'two to wait' });
      await capture.flush();
      t.deepEqual(await arrivals(capture, addresses.careOfA, 0), []);
      t.deepEqual((await impairment.stop()).toHomeAgent, { ...NOTHING, seen: 2, passed: 2 });
      t.deepEqual(await arrivals(capture, addresses.careOfA, 2), [1, 2]);
      const hops = signalling(capture, addresses.careOfA).map(({ outer }) => outer.hopLimit);
      t.deepEqual(hops, [61, 61], 'one hop more than what is let alone');
    });
  },
);

test.serial('only the access networks that are named are impaired', async (t) => {
  await impaired(t, { seed: 1, loss: 1, access: ['rb0'] }, async (site, impairment) => {
    const mr = site.node('mr');
    const capture = await Capture.start(site.node('ha'), 'core0');
    await sendPackets(mr, [update(1)]);
    await sendPackets(site.node('ha'), [acknowledgement(1)]);
    t.deepEqual(await arrivals(capture, addresses.careOfA, 1), [1]);
    await site.lab.uplinkDown('a');
    const source = Address.parse(addresses.careOfB);
    await sendPackets(mr, [encodeMobilityPacket({ ...outward, source }, refreshRequest)]);
    await until(async () => (await impairment.report()).toHomeAgent.seen === 1, { what: 'a loss on B' });
    await sendPackets(site.node('ha'), [
      encodeMobilityPacket({ ...inward, destination: source }, refreshRequest),
    ]);
    await until(async () => (await impairment.report()).fromHomeAgent.seen === 1, { what: 'a loss to B' });
    const lost = { ...NOTHING, seen: 1, lost: 1 };
    t.deepEqual(await impairment.stop(), { toHomeAgent: lost, fromHomeAgent: lost });
  });
});

test.serial('a packet that is held goes without another one when its time is up', async (t) => {
  await impaired(t, { seed: 1, reorder: 1, holdMs: 50 }, async (site, impairment) => {
    const capture = await Capture.start(site.node('ha'), 'core0');
    await sendPackets(site.node('mr'), [update(1)]);
    t.deepEqual(await arrivals(capture, addresses.careOfA, 1), [1]);
    const { toHomeAgent } = await impairment.report();
    t.deepEqual(toHomeAgent, { ...NOTHING, seen: 1, passed: 1, heldInVain: 1 });
  });
});

test.serial('what waits is bounded', async (t) => {
  const count = IMPAIRMENT_WAITING_MOST + 40;
  const numbers = Array.from({ length: count }, (_, number) => number);
  const all = async (impairment: Impairment): Promise<DirectionReport> => {
    await until(async () => (await impairment.report()).toHomeAgent.seen === count, {
      what: `${count} packets to be seen`,
      timeout: PATIENCE,
    });
    return (await impairment.report()).toHomeAgent;
  };
  await impaired(t, { seed: 1, delayMs: LONG }, async (site, impairment) => {
    await sendPackets(site.node('mr'), numbers.map(update));
    const delayed = { ...NOTHING, seen: count, overflowed: 40, waiting: IMPAIRMENT_WAITING_MOST };
    t.deepEqual(await all(impairment), delayed);
  });
  await impaired(t, { seed: 1, reorder: 1, holdMs: LONG }, async (site, impairment) => {
    await sendPackets(site.node('mr'), numbers.map(update));
    // The first that finds no room passes, and all that were held behind it: then they are held again.
    const held = {
      ...NOTHING,
      seen: count,
      passed: IMPAIRMENT_WAITING_MOST + 1,
      reordered: IMPAIRMENT_WAITING_MOST,
      waiting: 39,
    };
    t.deepEqual(await all(impairment), held);
  });
});

test.serial('a program that is killed leaves nothing, and core forwards as before', async (t) => {
  await impaired(t, { seed: 1, loss: 1 }, async (site, impairment) => {
    const capture = await Capture.start(site.node('ha'), 'core0');
    await sendPackets(site.node('mr'), [update(1)]);
    await until(async () => (await impairment.report()).toHomeAgent.lost === 1, { what: 'a loss' });
    process.kill(impairment.pid, 'SIGKILL');
    await t.throwsAsync(impairment.stop(), { instanceOf: ImpairmentError, code: 'IMPAIRMENT_FAILED' });
    await sendPackets(site.node('mr'), [update(2)]);
    t.deepEqual(await arrivals(capture, addresses.careOfA, 1), [2]);
  });
});

test.serial('a second impairment of a node and numbers out of bounds are refused', async (t) => {
  await impaired(t, { seed: 1, loss: 1 }, async (site, impairment) => {
    const core = site.node('core');
    const refused = { instanceOf: ImpairmentError, code: 'IMPAIRMENT_FAILED' };
    await t.throwsAsync(Impairment.start(core, { only: 'mobility', seed: 2 }), {
      ...refused,
      message: /busy: end the impairment that runs on this node first/,
    });
    const wrong = [
      { seed: -1 },
      { seed: 0.5 },
      { seed: Number.NaN },
      { seed: 1, loss: 1.1 },
      { seed: 1, holdMs: -1 },
    ];
    for (const one of wrong) {
      await t.throwsAsync(Impairment.start(core, { only: 'mobility', ...one }), {
        ...refused,
        message: /is not (an integer|a number from 0 to)/,
      });
    }
    await sendPackets(site.node('mr'), [update(1)]);
    await until(async () => (await impairment.report()).toHomeAgent.lost === 1, {
      what: 'the first to go on as before',
    });
  });
});

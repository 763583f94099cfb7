// What strangers, and a router with a key of its own, can do to a home agent: they are refused and counted, and the
// routers that it serves notice nothing.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { LabDaemon } from '../../../lab/daemon.js';
import { fillUp } from '../../../lab/faults.js';
import { PcapStream } from '../../../lab/pcap.js';
import { Random } from '../../../lab/random.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { AuthenticationKey } from '../../../src/mobility/index.js';
import { Flood } from '../../support/flood.js';
import { seedOf } from '../../support/mobility-messages.js';
import { sendPackets } from '../../support/raw-packets.js';
import { BID, down, homeAgent, PATIENCE, type Site, withSite } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';
import { behind, bindingUpdate, cut, type Forged, identifier, mobilityHeader, network } from './forgery.js';
import { droppedByProcessors, residentMemory } from './machine.js';
import {
  flows,
  keyFile,
  keyIn,
  recordingOf,
  registered,
  routerConfig,
  withKey,
  withRegistration,
} from './registration-site.js';

const STRANGER = '2001:db8:99::2';
/** A key that nobody has told the home agent. */
const NO_KEY: AuthenticationKey = { spi: 0x4321, key: new Uint8Array(32).fill(1) };

/** What the home agent has of the first router, without what changes by itself. */
async function held(site: Site): Promise<unknown> {
  const [bindings, policies] = [await site.bindings(site.ha), await site.policies(site.ha)];
  return {
    bindings: bindings
      .filter(({ router }) => router === 'mr1')
      .map(({ bid, careOf, state, priority }) => ({ bid, careOf, state, priority })),
    policies: policies.filter(({ router }) => router === 'mr1').map(({ fid, name }) => ({ fid, name })),
  };
}

/** Outcomes that the home agent's log tells of messages, a line each. */
async function outcomes(daemon: LabDaemon): Promise<string[]> {
  return [...(await daemon.log()).matchAll(/"outcome":"([\w-]+)"/g)].map(([, outcome = '']) => outcome);
}

async function refusedAs(site: Site, ...names: readonly string[]): Promise<void> {
  for (const name of names) await site.logged(site.ha, new RegExp(`"outcome":"${name}"`));
}

/** A router's care-of address change, as it is done where the old one stays valid. @returns milliseconds */
async function move(site: Site, from: string, to: string): Promise<number> {
  const mr = site.node('mr');
  const start = performance.now();
  await mr.batch([`address add ${to}/64 dev wb nodad`, `address change ${from}/64 dev wb preferred_lft 0`]);
  await site.state(BID.b, 'usable', { daemon: site.ha, careOf: to });
  const took = performance.now() - start;
  await site.state(BID.b, 'usable', { careOf: to });
  await mr.ip(`address del ${from}/64 dev wb`);
  return took;
}

test.serial('a router that has a key gets nothing of another router', async (t) => {
  const files = [keyFile(t), keyFile(t)] as const;
  const [first, second] = [keyIn(files[0]), keyIn(files[1])];
  const routers = [
    { name: 'mr1', address: addresses.home, prefixes: [prefixes.mobile], key: files[0] },
    { name: 'mr2', address: addresses.home2, prefixes: [prefixes.mobile2], key: files[1] },
  ];
  const ends = { mr: routerConfig(files[0]), ha: homeAgent(2, { registration: {}, routers }) };
  await withSite(t, { routers: 2, ...ends }, async (site) => {
    await registered(site);
    await flows(site);
    const traffic = await Traffic.start(site, 'to-b');
    const before = await held(site);
    const own = (forged: Partial<Forged>): Uint8Array =>
      bindingUpdate({ source: addresses.careOf2, homeAddress: addresses.home2, key: second, ...forged });
    // The access router is what the wire of the second router is plugged into; that one has nothing to do with it.
    const send = async (...packets: Uint8Array[]) => sendPackets(site.node('ra'), packets);

    await send(own({ options: [identifier(1, addresses.careOf2)] }));
    await site.state(1, 'usable', { daemon: site.ha, router: 'mr2', careOf: addresses.careOf2 });

    await send(
      own({ homeAddress: addresses.home }),
      own({ homeAddress: addresses.home, lifetime: 0 }),
      own({ homeAddress: addresses.home, key: { ...second, spi: first.spi } }),
      own({ homeAddress: '2001:db8:79::1' }),
    );
    await refusedAs(site, 'key-unknown', 'authentication-wrong', 'unknown-router');
    await send(
      own({ options: [identifier(1, addresses.careOf2), network(prefixes.mobile)] }),
      own({ options: [identifier(2, addresses.careOfA)] }),
      own({ options: [identifier(2, addresses.home)] }),
    );
    await refusedAs(site, 'prefix-unauthorised', 'prohibited', 'identifier-malformed');
    // As if it came from there: the access routers of the lab would not let it pass.
    await sendPackets(site.node('core'), [own({ source: addresses.careOfA })]);

    // Nothing of that is still on its way when the next one has been handled.
    const other = '2001:db8:a2::22';
    await send(own({ options: [identifier(3, other)] }));
    await site.state(3, 'usable', { daemon: site.ha, router: 'mr2', careOf: other });
    t.deepEqual(
      (await site.bindings(site.ha)).flatMap(({ router, careOf }) => (router === 'mr2' ? [careOf] : [])),
      [addresses.careOf2, other],
    );
    await traffic.more();
    t.deepEqual(await held(site), before);
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a care-of address of a router that does not register is nobody else’s', async (t) => {
  const file = keyFile(t);
  const [first] = (homeAgent().routers as object[]) ?? [];
  const second = { name: 'mr2', address: addresses.home2, prefixes: [prefixes.mobile2], key: file };
  const ha = homeAgent(2, { registration: {}, routers: [second, first] });
  await withSite(t, { routers: 2, ha }, async (site) => {
    await site.state(BID.a, 'usable', { daemon: site.ha, router: 'mr1' });
    const traffic = await Traffic.start(site);
    const update = bindingUpdate({
      source: addresses.careOf2,
      homeAddress: addresses.home2,
      key: keyIn(file),
      options: [identifier(1, addresses.careOf2), identifier(2, addresses.careOfA)],
    });
    await sendPackets(site.node('ra'), [update]);
    await refusedAs(site, 'partly-registered');
    await site.state(1, 'usable', { daemon: site.ha, router: 'mr2', careOf: addresses.careOf2 });
    await traffic.more();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('Binding Updates that were recorded do nothing when they come again', async (t) => {
  await withRegistration(t, {}, async (site, key) => {
    await registered(site);
    await flows(site);
    const traffic = await Traffic.start(site, 'to-b');
    const next = '2001:db8:b::61';
    await move(site, addresses.careOfB, '2001:db8:b::60');
    await move(site, '2001:db8:b::60', next);
    await traffic.more();
    const before = await held(site);
    const recorded = new PcapStream()
      .push(readFileSync(recordingOf(key)))
      .map(({ bytes }) => bytes.slice(14))
      .filter((packet) => packet.subarray(24, 40).every((byte, at) => byte === HOME_AGENT[at]));
    t.true(recorded.length >= 2);
    const core = site.node('core');
    await sendPackets(core, recorded.slice(-1));
    await sendPackets(core, recorded.toReversed());
    await refusedAs(site, 'replayed');
    // From elsewhere: the checksum holds, as it is made of the home address.
    const moved = recorded.map((packet) => {
      packet.set(addressBytes(STRANGER), 8);
      return packet;
    });
    await sendPackets(site.node('cn'), moved);
    await refusedAs(site, 'authentication-wrong');
    const last = '2001:db8:b::62';
    await move(site, next, last);
    await traffic.more();
    t.deepEqual(await held(site), JSON.parse(JSON.stringify(before).replaceAll(next, last)));
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

function addressBytes(text: string): Uint8Array {
  return bindingUpdate({ source: text }).slice(8, 24);
}
const HOME_AGENT = bindingUpdate({ source: STRANGER }).slice(24, 40);

/** Extension headers: nothing but padding. */
const HOP_BY_HOP = [0, [0, 1, 4, 0, 0, 0, 0]] as const;
const DESTINATION = [60, [0, 1, 4, 0, 0, 0, 0]] as const;
/** Type 0, which is no longer in use, nothing left. */
const ROUTING = [43, [0, 0, 0, 0, 0, 0, 0]] as const;
const FIRST_FRAGMENT = [44, [0, 0, 1, 0, 0, 0, 7]] as const;
const LATER_FRAGMENT = [44, [0, 0, 16, 0, 0, 0, 7]] as const;
const ATOMIC_FRAGMENT = [44, [0, 0, 0, 0, 0, 0, 7]] as const;
const UPDATE = [59, 1, 5, 0, 0, 0, 0, 9, 0xc0, 0, 0, 15];

/** What nobody should send, each from elsewhere. */
function oddPackets(random: Random): Uint8Array[] {
  const odd = (forged: Partial<Forged>): Uint8Array =>
    bindingUpdate({ source: somewhere(random), ...forged });
  const header = (...bytes: number[]): Uint8Array =>
    mobilityHeader(somewhere(random), Uint8Array.from(bytes));
  const good = (): Uint8Array => odd({ key: NO_KEY });
  const wrongSum = good();
  wrongSum[68] = (wrongSum[68] ?? 0) ^ 0x55;
  return [
    wrongSum,
    // Without anything, with half a header, with one that says that it is longer.
    header(),
    header(59, 1, 5, 0),
    header(59, 0, 5, 0, 0, 0, 0, 9),
    header(59, 200, 5, 0, 0, 0, 0, 9, 0xc0, 0, 0, 15),
    // Options of no length, of too great a length, of which the second is cut; nothing but padding.
    header(...UPDATE, 9, 0, 35, 0),
    header(...UPDATE, 6, 0, 10, 0),
    header(...UPDATE, 45, 0, 44, 0),
    header(...UPDATE, 45, 255, 0, 0),
    header(...UPDATE, 1, 1, 0, 9),
    header(...UPDATE, 0, 0, 0, 0),
    // An answer and a refusal; a type that there is not; one that may come later.
    header(59, 1, 6, 0, 0, 0, 0, 0, 0, 9, 0, 15, 1, 2, 0, 0),
    header(59, 2, 7, 0, 0, 0, 1, 0, ...new Array<number>(16).fill(0)),
    header(59, 0, 99, 0, 0, 0, 0, 0),
    header(59, 0, 0, 0, 0, 0, 0, 0),
    odd({ routedTo: addresses.homeAgent }),
    odd({ homeAddress: addresses.homeAgent }),
    odd({ homeAddress: STRANGER }),
    odd({ homeAddress: '::' }),
    odd({ homeAddress: 'ff02::1' }),
    odd({}),
    behind(good(), [HOP_BY_HOP, DESTINATION, ROUTING]),
    behind(good(), [DESTINATION, HOP_BY_HOP]),
    behind(good(), [ROUTING, ROUTING, DESTINATION, DESTINATION]),
    behind(good(), [DESTINATION, DESTINATION, DESTINATION, DESTINATION, DESTINATION, DESTINATION]),
    behind(good(), new Array(12).fill(DESTINATION)),
    behind(good(), [FIRST_FRAGMENT]),
    behind(good(), [LATER_FRAGMENT]),
    behind(good(), [ATOMIC_FRAGMENT]),
    behind(good(), [ATOMIC_FRAGMENT, HOP_BY_HOP]),
    ...[41, 44, 48, 63, 64, 65, 66, 72, 76].map((length) => cut(good(), length)),
  ];
}

/** Networks of nobody, each with a budget of its own. */
function somewhere(random: Random): string {
  const group = (): string => random.below(0x1_0000).toString(16);
  return `2a0${random.below(16).toString(16)}:${group()}:${group()}:${group()}::${group()}`;
}

function mutated(packet: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(packet);
  for (let count = 0; count <= random.below(4); count++) {
    // Not the version, the hop limit and the addresses: the kernel would not forward it.
    const at = random.chance(0.1) ? 6 : 40 + random.below(bytes.length - 40);
    bytes[at] = random.below(256);
  }
  return random.chance(0.3) ? cut(bytes, 41 + random.below(bytes.length - 41)) : bytes;
}

test.serial(
  'what is broken, out of place or garbage is refused, counted and not told each time',
  async (t) => {
    const random = new Random(seedOf((text) => t.log(text)));
    await withKey(t, {}, async (site) => {
      await registered(site);
      await flows(site);
      const before = await held(site);
      const pid = site.ha.pid;
      const traffic = await Traffic.start(site, 'to-b');
      const taken = await site.reason('to-daemon', site.ha);
      const packets = [1, 2, 3].flatMap(() => oddPackets(random));
      for (let count = 0; count < 600; count++) {
        const source = somewhere(random);
        packets.push(
          mutated(bindingUpdate({ source, key: NO_KEY, options: [identifier(1, source)] }), random),
        );
      }
      await sendPackets(site.node('core'), random.shuffled(packets));
      await refusedAs(site, 'checksum', 'malformed', 'other-message', 'unknown-type');
      await refusedAs(site, 'unknown-router', 'authentication-missing', 'key-unknown');
      const next = '2001:db8:b::71';
      await move(site, addresses.careOfB, next);
      await traffic.more();
      t.true((await site.reason('to-daemon', site.ha)) - taken > 500, 'the daemon has looked at them');
      const told = (await outcomes(site.ha)).length;
      t.log(`${packets.length} packets, ${told} lines`);
      t.true(told < 60);
      t.is(site.ha.exit, undefined);
      t.is(site.ha.pid, pid);
      t.deepEqual(await held(site), JSON.parse(JSON.stringify(before).replaceAll(addresses.careOfB, next)));
      t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    });
  },
);

const RATE = 100_000;
/** Packets that differ; more than budgets there are. */
const DIFFERENT = 4096;

/** Floods by what they forge. */
function floods(random: Random, spi: number): Record<string, () => Forged> {
  const forged = (more: Partial<Forged>): Forged => ({ source: STRANGER, key: NO_KEY, ...more });
  return {
    'one source, a home address that is known': () => forged({}),
    'one source, home addresses that are not known': () => forged({ homeAddress: somewhere(random) }),
    'sources everywhere, a home address that is known': () => forged({ source: somewhere(random) }),
    'sources everywhere, home addresses that are not known': () =>
      forged({ source: somewhere(random), homeAddress: somewhere(random) }),
    'all addresses of one network': () =>
      forged({ source: `2001:db8:66:1::${random.below(0x1_0000).toString(16)}` }),
    'the router’s own care-of address and everywhere': () =>
      forged({ source: random.chance(0.5) ? addresses.careOfA : somewhere(random) }),
    'sources everywhere, the SPI of the router': () =>
      forged({ source: somewhere(random), key: { ...NO_KEY, spi } }),
  };
}

test.serial('a flood of forged Binding Updates delays nobody and costs no packet', async (t) => {
  const random = new Random(seedOf((text) => t.log(text)));
  const lifetime = 12;
  await withKey(t, { router: { lifetime: `${lifetime}s` } }, async (site, key) => {
    await registered(site);
    await flows(site);
    const { mac } = await site.node('ha').link('core0');
    let last: string = addresses.careOfB;
    let changes = 0;
    const change = async (): Promise<number> => {
      const next = `2001:db8:b::8:${++changes}`;
      const took = await move(site, last, next);
      last = next;
      return took;
    };
    const usual = median([await change(), await change(), await change()]);
    t.log(`a care-of address change takes ${usual.toFixed(0)} ms`);
    const memory = residentMemory(site.ha.pid);
    const lost = droppedByProcessors();
    const start = performance.now();
    const traffic = await Traffic.start(site, 'to-a');
    for (const [title, forge] of Object.entries(floods(random, keyIn(key).spi))) {
      const packets = Array.from({ length: DIFFERENT }, () => bindingUpdate(forge()));
      const counted = await Promise.all(REASONS.map((reason) => site.reason(reason, site.ha)));
      const flood = await Flood.start(site.node('core'), { interface: 'ha0', to: mac, packets, rate: RATE });
      const took = median([await change(), await change(), await change()]);
      t.is((await site.status(site.ha)).role, 'home-agent', 'the API answers');
      await traffic.more();
      const { sent, refused, seconds } = await flood.stop();
      const after = await Promise.all(REASONS.map((reason) => site.reason(reason, site.ha)));
      const parts = REASONS.map((reason, at) => {
        const rate = ((after[at] ?? 0) - (counted[at] ?? 0)) / seconds;
        return `${reason} ${rate.toFixed(0)}/s`;
      });
      t.log(
        `${title}: ${(sent / seconds).toFixed(0)}/s for ${seconds.toFixed(1)} s, ${refused} refused; ${parts.join(', ')}; ` +
          `a change takes ${(took / usual).toFixed(2)} times as long`,
      );
      t.true(sent > 0);
    }
    // Each binding was refreshed meanwhile, as its lifetime is shorter.
    await until(() => performance.now() - start > lifetime * 1000, {
      what: 'a lifetime to go by',
      timeout: 2 * lifetime * 1000,
    });
    await registered(site, last);
    t.notRegex(await site.ha.log(), /a binding has ended/);
    const grown = residentMemory(site.ha.pid) - memory;
    t.log(`memory: ${memory.toFixed(0)} MiB, ${grown.toFixed(0)} MiB more afterwards`);
    t.true(grown < 100);
    t.true((await outcomes(site.ha)).length < 60);
    const { up, down: back } = await traffic.lost();
    const elsewhere = droppedByProcessors() - lost;
    t.log(`lost: ${up} up, ${back} down; ${elsewhere} before any program`);
    t.true(up + back <= elsewhere);
  });
});

const REASONS = ['to-daemon', 'drop-signal-limit', 'drop-signals-full'] as const;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Where the home agent writes registrations down. */
function journalOf({ socket, instance }: LabDaemon): string {
  return join(dirname(socket), 'state', `${instance}-registrations.jsonl`);
}

/** The power went while a line was being written. */
function tear(journal: string): void {
  const text = readFileSync(journal, 'utf8');
  writeFileSync(journal, `${text}${text.trimEnd().split('\n').at(-1)?.slice(0, 40)}`);
}

test.serial(
  'a home agent whose machine was started again carries traffic before any router speaks',
  async (t) => {
    await withRegistration(t, {}, async (site) => {
      await registered(site);
      await flows(site);
      const before = await held(site);
      const journal = journalOf(site.ha);
      await site.mr.stop();
      await site.ha.kill('SIGKILL');
      await down(site.ha);
      tear(journal);
      await site.ha.start();
      await site.state(BID.a, 'usable', { daemon: site.ha, careOf: addresses.careOfA });
      await site.state(BID.b, 'usable', { daemon: site.ha, careOf: addresses.careOfB });
      await until(async () => (await site.bindings(site.ha)).every(({ nextHopMac }) => nextHopMac !== null), {
        what: 'the next hops',
        timeout: PATIENCE,
      });
      t.deepEqual(await held(site), before);
      const traffic = await Traffic.start(site, 'to-b');
      t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
      await site.mr.start();
      await registered(site);
      t.false(existsSync(`${journal}.unusable`));
    });
  },
);

test.serial('a journal that is garbage is put aside, and routers register again', async (t) => {
  await withKey(t, { router: { lifetime: '8s' } }, async (site) => {
    await registered(site);
    const journal = journalOf(site.ha);
    for (const garbage of ['{"version":1}\n{"homeAddress"\nnothing\n', '{"version":7}\n']) {
      await site.ha.kill('SIGKILL');
      await down(site.ha);
      writeFileSync(journal, garbage);
      const from = (await site.ha.log()).length;
      await site.ha.start();
      const log = (await site.ha.log()).slice(from);
      t.regex(log, /"code":"(JOURNAL_UNREADABLE|REGISTRATION_STATE_INVALID)"/);
      t.true(log.includes(`"aside":"${journal}.unusable"`));
      t.is(readFileSync(`${journal}.unusable`, 'utf8'), garbage);
      await registered(site);
    }
  });
});

test.serial('where nothing can be written down, registrations go on, and the status says so', async (t) => {
  await withKey(t, {}, async (site) => {
    await registered(site);
    const journal = journalOf(site.ha);
    const traffic = await Traffic.start(site, 'to-b');
    const said = async (): Promise<boolean> =>
      (await site.status(site.ha)).problems.some(({ code }) => code === 'JOURNAL_NOT_WRITTEN');
    let last: string = addresses.careOfB;
    const change = async (next: string): Promise<void> => {
      await move(site, last, next);
      last = next;
    };

    const relieve = await fillUp(site.lab.runtime);
    await until(
      async () => {
        await change(`2001:db8:b::9:${Math.trunc(performance.now() % 0x1_0000).toString(16)}`);
        return said();
      },
      { what: 'the status to say that nothing is written down', timeout: PATIENCE },
    );
    await refusedAs(site, 'not-written');
    await relieve();
    await until(async () => !(await said()), { what: 'it to be written down', timeout: PATIENCE });

    // Half a line was written, and nothing goes behind it.
    await site.ha.kill('SIGKILL');
    tear(journal);
    const folder = dirname(journal);
    chmodSync(folder, 0o555);
    await site.ha.start();
    await registered(site, last);
    await change('2001:db8:b::a1');
    t.true(await said());
    chmodSync(folder, 0o750);
    await change('2001:db8:b::a2');
    await until(async () => !(await said()), { what: 'it to be written down', timeout: PATIENCE });

    await site.mr.kill('SIGKILL');
    await site.ha.kill('SIGKILL');
    await site.ha.start();
    await site.state(BID.b, 'usable', { daemon: site.ha, careOf: last });
    await site.mr.start();
    await registered(site, last);
    t.false(existsSync(`${journal}.unusable`));
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

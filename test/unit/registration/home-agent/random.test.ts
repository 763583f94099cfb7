/** Messages that nobody meant, and some that were: what must hold whatever comes. */
import test from 'ava';
import { Random } from '../../../../lab/random.js';
import {
  Address,
  type MobilityOption,
  type MobilityPacket,
  type Prefix,
  type TrafficSelector,
  type UpdateFlag,
} from '../../../../src/mobility/index.js';
import {
  type Binding,
  type CacheChange,
  PLAIN,
  type Registration,
} from '../../../../src/registration/home-agent/index.js';
import {
  A,
  B,
  bid,
  C,
  HOME,
  KEY,
  NETWORK,
  network,
  ROUTER,
  TestAgent,
} from '../../../support/home-registration.js';
import { seedOf } from '../../../support/mobility-messages.js';

const WRONG = { spi: 0x1000, key: new Uint8Array(16) };
const ROUNDS = 4000;
const CARE_OF = [A, B, C, HOME, Address.parse('fe80::1'), Address.parse('2001:db8:77::5')];
const POSSIBLE = new Set([A, B, C, HOME].map(String));
const SELECTORS: readonly TrafficSelector[] = [
  { type: 'other', format: 3, data: new Uint8Array(2) },
  {
    type: 'ipv4',
    source: undefined,
    destination: undefined,
    spi: undefined,
    sourcePort: undefined,
    destinationPort: { low: 53, high: 53 },
    dscp: undefined,
    protocol: undefined,
  },
];
const STRANGER = Address.parse('2001:db8:ffff::99');
const SETTINGS = { mostFlows: 3, longestLifetime: 40, replayProtection: 'optional' } as const;

function anyOptions(random: Random): MobilityOption[] {
  const options: MobilityOption[] = [];
  for (let count = random.below(4); count > 0; count--) {
    const careOf = random.chance(0.6) ? random.of(CARE_OF) : undefined;
    options.push(bid(1 + random.below(5), careOf, { home: random.chance(0.1), priority: random.below(3) }));
  }
  if (random.chance(0.3))
    options.push(network(random.of(['2001:db8:77:1::/64', '2001:db8:78::/64', '::/0'])));
  for (let count = random.chance(0.4) ? random.below(4) : 0; count > 0; count--) {
    options.push({
      type: 'flow-identification',
      fid: 1 + random.below(5),
      priority: random.below(5),
      status: 0,
      bids: random.chance(0.7) ? [1 + random.below(5)] : undefined,
      selector: random.chance(0.7) ? random.of(SELECTORS) : undefined,
      others: [],
    });
  }
  if (random.chance(0.3))
    options.push({ type: 'flow-summary', fids: [1 + random.below(5), 1 + random.below(5)] });
  return options;
}

function anyPacket(random: Random, agent: TestAgent, isTimed: boolean): MobilityPacket {
  const options = anyOptions(random);
  const flags: UpdateFlag[] = ['acknowledge', 'home', 'mobile-router'];
  if (random.chance(0.2) && options.some(({ type }) => type === 'binding-identifier'))
    flags.push('overwrite');
  return agent.packet({
    options,
    flags: random.chance(0.1)
      ? flags.filter(() => random.chance(0.6)).filter((flag) => flag !== 'overwrite')
      : flags,
    source: random.of(CARE_OF.slice(0, 4)),
    homeAddress: random.chance(0.02) ? STRANGER : HOME,
    lifetime: random.chance(0.2) ? 0 : 4 + 4 * random.below(30),
    ...(isTimed ? {} : { timestamp: null }),
    ...(random.chance(0.1) ? { sequence: random.below(0x1_0000) } : {}),
    key: random.chance(0.15) ? random.of([null, WRONG]) : KEY,
  });
}

function damaged(random: Random, packet: MobilityPacket): MobilityPacket {
  const header = Uint8Array.from(packet.header);
  for (let count = 1 + random.below(3); count > 0; count--)
    header[random.below(header.length)] = random.below(256);
  return { ...packet, header: random.chance(0.2) ? header.subarray(0, random.below(header.length)) : header };
}

/** The kernel's part: it knows of bindings only what changes say. */
function applyTo(kernel: Map<number, Binding>, changes: readonly CacheChange[]): boolean {
  return changes.every((change) => {
    if (change.type === 'prefixes-changed' || change.type === 'flows-changed') return true;
    const { bid: number } = change.binding;
    const isThere = kernel.has(number);
    if (change.type === 'binding-removed') kernel.delete(number);
    else kernel.set(number, change.binding);
    return isThere === (change.type !== 'binding-added');
  });
}

test('random messages: only what is authentic and accepted is registered, and never more than may be', (t) => {
  const seed = seedOf((text) => t.log(text));
  const random = new Random(seed);
  const agent = new TestAgent(SETTINGS);
  const sent: MobilityPacket[] = [];
  const timed = new Set<MobilityPacket>();
  const accepted = new Set<MobilityPacket>();
  const kernel = new Map<number, Binding>();
  let mostFlows = 0;
  const counts = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    agent.wait(random.below(2000) / 1000);
    const replayed = sent.length > 0 && random.chance(0.15);
    const isTimed = random.chance(0.8);
    const made = replayed ? random.of(sent.slice(-6)) : anyPacket(random, agent, isTimed);
    if (isTimed && !replayed) timed.add(made);
    const isDamaged = random.chance(0.1);
    const packet = isDamaged ? damaged(random, made) : made;
    const before = agent.bindings();
    const { changes, router, outcome, recorded, answer } = agent.registrar.receive(packet, agent.now);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    // As a router does that is answered with 135.
    if (outcome === 'sequence') agent.sequence = agent.registrar.record(HOME, agent.now).sequence ?? 0;
    const at = `round ${round}, ${outcome}`;
    // Once is enough, also when what it made is gone. Numbers alone come again after 2^16.
    if (recorded && !isDamaged) {
      t.false(timed.has(packet) && accepted.has(packet), at);
      accepted.add(packet);
    }
    if (router === undefined) {
      t.deepEqual(changes, [], at);
      t.deepEqual(agent.bindings(), before, at);
    }
    if (!recorded)
      t.true(
        changes.every(({ type }) => !type.startsWith('binding-a') && !type.startsWith('binding-c')),
        at,
      );
    t.true(applyTo(kernel, changes), at);
    if (answer) t.true(answer.packet.length <= 2048 + 64, at);
    const { bindings, prefixes, flows } = agent.registrar.registration(HOME) ?? NONE;
    t.deepEqual([...kernel.values()].map(shape).sort(), bindings.map(shape).sort(), at);
    t.true(bindings.length <= ROUTER.mostBindings && flows.length <= SETTINGS.mostFlows, at);
    mostFlows = Math.max(mostFlows, flows.length);
    t.is(new Set(flows.map(({ priority }) => priority)).size, flows.length, at);
    t.true(
      bindings.every(({ careOf }) => POSSIBLE.has(String(careOf))),
      at,
    );
    t.true(
      bindings.every(({ end }) => end <= agent.now.monotonic + SETTINGS.longestLifetime * 1000),
      at,
    );
    t.true(bindings.length === 1 || bindings.every((one) => one.bid !== PLAIN), at);
    t.true(
      prefixes.every((prefix: Prefix) => NETWORK.contains(prefix)),
      at,
    );
    t.true(bindings.length > 0 || (prefixes.length === 0 && flows.length === 0), at);
    if (!isDamaged && !replayed) sent.push(packet);
    if (random.chance(0.2)) t.true(applyTo(kernel, agent.registrar.expire(agent.now).changes), at);
    if (random.chance(0.01)) {
      const saved: unknown = JSON.parse(JSON.stringify(agent.registrar.save(agent.now)));
      t.true(applyTo(kernel, agent.registrar.expire(agent.now).changes), at);
      const was = agent.bindings();
      agent.restart(saved, SETTINGS);
      t.deepEqual(agent.bindings(), was, at);
    }
  }
  t.log(Object.fromEntries(counts), { flows: mostFlows });
  t.true(mostFlows > 0);
  for (const outcome of [
    'registered',
    'deregistered',
    'partly-registered',
    'replayed',
    'sequence',
    'malformed',
  ]) {
    t.true((counts.get(outcome) ?? 0) > 5, outcome);
  }
});
const NONE: Registration = { bindings: [], mobileRouter: false, prefixes: [], implicit: false, flows: [] };

function shape({ bid: number, careOf, priority }: Binding): string {
  return `${number} ${careOf} ${priority}`;
}

test('damaged messages of a router that needs no key: never an exception', (t) => {
  const seed = seedOf((text) => t.log(text));
  const random = new Random(seed);
  const agent = new TestAgent({ ...SETTINGS, unauthenticated: 'accepted' }, [{ ...ROUTER, key: undefined }]);
  const counts = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    agent.wait(0.2);
    const packet = agent.packet({ key: null, options: anyOptions(random) });
    const { outcome, answer } = agent.registrar.receive(damaged(random, packet), agent.now);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (outcome === 'sequence') agent.sequence = agent.registrar.record(HOME, agent.now).sequence ?? 0;
    if (answer) t.true(answer.packet.length <= 2048 + 64);
    t.true(agent.bindings().length <= ROUTER.mostBindings);
  }
  t.log(Object.fromEntries(counts));
  for (const outcome of ['registered', 'malformed', 'sequence', 'identifier-malformed']) {
    t.true((counts.get(outcome) ?? 0) > 5, outcome);
  }
});

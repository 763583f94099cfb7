/** Random loss, duplicates, delays, dead uplinks and new addresses; afterwards everything has to be as it is wanted. */
import test, { type ExecutionContext } from 'ava';
import { Random } from '../../../../lab/random.js';
import type { Address } from '../../../../src/mobility/index.js';
import { IGNORED_TEXTS, type WantedBinding } from '../../../../src/registration/mobile-router/index.js';
import { seedOf } from '../../../support/mobility-messages.js';
import { atHome, careOf, Desk, type Sent, wanted } from '../../../support/registration-desk.js';
import { type HomeAgentHabits, ScriptedHomeAgent } from '../../../support/scripted-home-agent.js';

interface Flight {
  readonly at: number;
  readonly to: 'agent' | 'router';
  /** The address at the router's end. */
  readonly careOf: Address;
  readonly packet: Uint8Array;
}

/** So long after the disturbances everything has to be registered. */
const BOUND = 120_000;

class World {
  readonly desk: Desk;
  readonly agent: ScriptedHomeAgent;
  readonly random: Random;
  readonly #t: ExecutionContext;
  readonly #bulk: boolean;
  bindings: WantedBinding[] = [];
  dead = new Set<string>();
  loss = 0;
  /** The last one that left may have its answer still. */
  #waiting: Sent | undefined;
  #flights: Flight[] = [];
  #host = 2;

  /** With a long lifetime nothing ends by itself before the check. */
  readonly #restarts: boolean;

  constructor(t: ExecutionContext, random: Random, bulk: boolean, habits: HomeAgentHabits) {
    this.#t = t;
    this.random = random;
    this.#bulk = bulk;
    this.#restarts = random.chance(0.5);
    this.desk = new Desk(t, {
      bulk,
      firstSequence: random.below(0x10000),
      lifetime: this.#restarts ? 120 : 600,
    });
    this.agent = new ScriptedHomeAgent(habits);
  }

  disturb(): void {
    const { random } = this;
    const place = random.below(4) + 1;
    switch (random.below(7)) {
      case 0:
      case 1: {
        const others = this.bindings.filter(({ bid }) => bid !== place);
        this.#host += 1;
        this.bindings = [...others, wanted(place, { careOf: careOf((9 + place).toString(16), this.#host) })];
        break;
      }
      case 2:
        this.bindings = this.bindings.filter(({ bid }) => bid !== place);
        break;
      case 3:
        if (!this.bindings.some(({ home }) => home)) this.bindings = [...this.bindings, atHome(9, 50)];
        break;
      case 4:
        this.dead = new Set(random.chance(0.5) ? [] : [random.of(this.bindings)?.careOf.toString() ?? '']);
        break;
      case 5:
        if (this.#restarts && random.chance(0.3)) this.agent.restart();
        break;
      default:
        this.bindings = this.bindings.filter(({ home }) => !home);
    }
    if (this.bindings.length === 0) this.bindings = [wanted(1)];
    this.desk.want(...this.bindings);
  }

  /** @param until monotonic, milliseconds */
  run(until: number): void {
    const { desk } = this;
    for (let count = 0; ; count++) {
      if (count > 100_000) throw new Error('it does not come to rest');
      const sent = desk.poll();
      if (sent) {
        this.#checkTurn(sent);
        this.#launch('agent', sent.packet.source, sent.bytes);
      }
      const due = desk.registrar.nextEvent() ?? Number.POSITIVE_INFINITY;
      const flight = this.#flights.sort((a, b) => a.at - b.at)[0];
      const at = Math.min(due, flight?.at ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      desk.time = Math.max(desk.time, at);
      if (flight && flight.at <= desk.time) {
        this.#flights.shift();
        this.#land(flight);
      }
    }
    desk.time = until;
  }

  #launch(to: Flight['to'], address: Address, packet: Uint8Array): void {
    const copies = this.loss > 0 && this.random.chance(0.1) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.random.chance(this.loss)) continue;
      const delay = 10 + this.random.below(this.loss > 0 && this.random.chance(0.1) ? 4000 : 200);
      this.#flights.push({ at: this.desk.time + delay, to, careOf: address, packet });
    }
  }

  #land({ to, careOf: address, packet }: Flight): void {
    if (this.dead.has(address.toString())) return;
    if (to === 'agent') {
      const answer = this.agent.receive(packet, this.desk.time);
      this.#launch('router', answer.destination, answer.packet);
    } else if (this.bindings.some((one) => one.careOf.equals(address))) {
      const { outcome } = this.desk.receive(packet);
      if (!(outcome in IGNORED_TEXTS)) this.#waiting = undefined;
    }
  }

  /** One after the other: the one before was answered, had its turn, or its address is gone. */
  #checkTurn(sent: Sent): void {
    const before = this.#waiting;
    const isThere = this.bindings.some(({ careOf: address }) => before?.packet.source.equals(address));
    if (before && isThere) this.#t.true(sent.at - before.at >= 500, `${before.at} and ${sent.at}`);
    this.#waiting = sent;
  }

  check(what: string, habits: HomeAgentHabits): void {
    this.agent.expire(this.desk.time);
    const has = [...this.agent.cache]
      .map(([bid, one]) => `${bid} ${one.careOf}${one.home ? ' home' : ''}`)
      .sort();
    const sorted = [...this.bindings].sort((a, b) => a.priority - b.priority);
    const single = sorted[0];
    const all = habits.plain
      ? single && !single.home
        ? [`0 ${single.careOf}`]
        : []
      : this.bindings.map((one) => `${one.bid} ${one.careOf}${one.home ? ' home' : ''}`).sort();
    this.#t.deepEqual(has, all, `${what}: at the home agent; router: ${this.desk.words.join(', ')}`);
    const states = this.desk.registrar.view(this.desk.now).bindings;
    for (const { bid, state } of states) {
      const isRight = state === 'registered' || (habits.plain && state === 'standby');
      this.#t.true(isRight, `${what}: BID ${bid} is ${state}`);
    }
    this.#t.is(states.length, this.bindings.length, what);
    this.#checkWire(what);
  }

  /** Of all that was ever sent. */
  #checkWire(what: string): void {
    const { sent } = this.desk;
    for (const [at, one] of sent.entries()) {
      const fourth = sent[at + 3];
      if (fourth) this.#t.true(fourth.at - one.at >= 1000, `${what}: four within a second at ${one.at}`);
      const next = sent[at + 1];
      if (!next) continue;
      const step = (next.update.sequence - one.update.sequence + 0x10000) % 0x10000;
      this.#t.true(step >= 1 && step <= 0x8001, `${what}: ${one.update.sequence}, ${next.update.sequence}`);
    }
    if (!this.#bulk) {
      this.#t.true(
        sent.every(
          ({ update }) => update.options.filter(({ type }) => type === 'binding-identifier').length <= 1,
        ),
      );
    }
  }
}

const HABITS: readonly { what: string; bulk: boolean; habits: HomeAgentHabits }[] = [
  { what: 'one by one', bulk: false, habits: { plain: false, bulk: false } },
  { what: 'in bulk', bulk: true, habits: { plain: false, bulk: true } },
  { what: 'in bulk, which is prohibited', bulk: true, habits: { plain: false, bulk: false } },
  { what: 'a home agent of RFC 3963 alone', bulk: true, habits: { plain: true, bulk: false } },
];

for (const { what, bulk, habits } of HABITS) {
  test(`${what}: after loss, duplicates, reordering, dead uplinks and new addresses all is registered`, (t) => {
    const seed = seedOf((text) => t.log(text));
    let sent = 0;
    for (let round = 0; round < 25; round++) {
      const random = new Random(seed + round);
      const world = new World(t, random, bulk, habits);
      world.bindings = [wanted(1), wanted(2), wanted(3)].slice(0, 1 + random.below(3));
      world.desk.want(...world.bindings);
      world.loss = random.of([0.05, 0.2, 0.5]);
      for (let step = 0; step < 20; step++) {
        world.run(world.desk.time + random.below(random.chance(0.2) ? 90_000 : 4000));
        world.disturb();
      }
      world.loss = 0;
      world.dead = new Set();
      world.run(world.desk.time + BOUND);
      world.check(`SEED=${seed} round ${round}`, habits);
      sent += world.desk.sent.length;
    }
    t.true(sent > 200, `${sent} sent`);
  });
}

// `make soak MINUTES=5`: constant traffic both ways while daemons are killed, care-of addresses change, policies
// are reloaded and the kernel says more than a daemon can read. Nothing of it may cost a packet.
//
//   SEED=n        the same order of events again
//   ONLY=killed   only events whose name has this in it
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LabDaemon } from './daemon.js';
import { homeAgentConfig, mobileRouterConfig, ports, ROUTER } from './demo/config.js';
import { Lab, type Uplink } from './lab.js';
import { Leftovers } from './leftovers.js';
import { Random } from './random.js';
import { Sink, Stream } from './stream.js';
import { addresses } from './topology.js';
import { until } from './wait.js';

const RATE = 500;
const LAN_PORT = 6_001;
/** Old care-of addresses stay accepted this long; an old address is removed after it. */
const GRACE = '2s';
const BID: Readonly<Record<Uplink, number>> = { a: 1, b: 2 };
/** What a daemon may hold in memory at any time, bytes; a fresh one holds about a third. */
const MEMORY_LIMIT = 256 * 1024 * 1024;
/** Descriptors that come and go: connections to the API. */
const PASSING_DESCRIPTORS = 4;

export interface SoakResult {
  readonly minutes: number;
  readonly seed: number;
  kills: number;
  flaps: number;
  upgrades: number;
  reloads: number;
  overruns: number;
  packets: number;
  lost: number;
  /** Packets that the access routers' source filters refused: a source on a link that is not its own. */
  torn: number;
  leaks: string[];
}

/** `soak: 1 min, 9 kills, ...`, the line that a run ends with. */
export function describeSoak(result: SoakResult): string {
  const { minutes, kills, flaps, upgrades, packets, lost, torn, leaks } = result;
  const found = leaks.length === 0 ? 'none' : leaks.join('; ');
  return (
    `soak: ${minutes} min, ${kills} kills, ${flaps} flaps, ${upgrades} upgrades, ` +
    `${packets} packets, ${lost} lost, ${torn} torn, leaks ${found}`
  );
}

class Soak {
  readonly result: SoakResult;
  readonly #lab: Lab;
  readonly #mr: LabDaemon;
  readonly #ha: LabDaemon;
  readonly #random: Random;
  readonly #careOf: Record<Uplink, string> = { a: addresses.careOfA, b: addresses.careOfB };
  #nextAddress = 0x100;

  private constructor(lab: Lab, mr: LabDaemon, ha: LabDaemon, minutes: number, seed: number) {
    this.#lab = lab;
    this.#mr = mr;
    this.#ha = ha;
    this.#random = new Random(seed);
    this.result = {
      minutes,
      seed,
      kills: 0,
      flaps: 0,
      upgrades: 0,
      reloads: 0,
      overruns: 0,
      packets: 0,
      lost: 0,
      torn: 0,
      leaks: [],
    };
  }

  static async start(lab: Lab, minutes: number, seed: number): Promise<Soak> {
    const [mr, ha] = await Promise.all([
      lab.startDaemon('mr', { ...mobileRouterConfig('bpf'), 'grace-time': GRACE }),
      lab.startDaemon('ha', {
        ...homeAgentConfig('bpf', { a: addresses.careOfA, b: addresses.careOfB }),
        'grace-time': GRACE,
      }),
    ]);
    const soak = new Soak(lab, mr, ha, minutes, seed);
    await soak.#ready();
    return soak;
  }

  /** Streams, events until the time is over, and the account. */
  async run(say: (text: string) => void, only: string): Promise<SoakResult> {
    const { lan, cn } = { lan: this.#lab.node('lan'), cn: this.#lab.node('cn') };
    const up = await Sink.start(cn, { ports: [ports.a.stream, ports.b.stream] });
    const down = await Sink.start(lan, { ports: [LAN_PORT] });
    const to = addresses.correspondent;
    const streams = [
      {
        sink: up,
        port: ports.a.stream,
        stream: await Stream.start(lan, { to, port: ports.a.stream, rate: RATE }),
      },
      {
        sink: up,
        port: ports.b.stream,
        stream: await Stream.start(lan, { to, port: ports.b.stream, rate: RATE }),
      },
      {
        sink: down,
        port: LAN_PORT,
        stream: await Stream.start(cn, {
          to: addresses.lan,
          port: LAN_PORT,
          sourcePort: ports.a.back,
          rate: RATE,
        }),
      },
    ];
    const before = this.#holdings();
    const end = performance.now() + this.result.minutes * 60_000;
    const events = this.#events().filter(({ name }) => name.includes(only));
    if (events.length === 0) throw new Error(`no event is called ${only}`);
    while (performance.now() < end) {
      const event = this.#random.of(events);
      await event.happen();
      await this.#ready();
      const left = Math.max(0, Math.round((end - performance.now()) / 1_000));
      say(`${event.name}, ${left} s left`);
    }
    for (const { sink, port, stream } of streams) {
      const { sent } = await stream.stop();
      // What is under way arrives; what is lost is counted, not waited for.
      const { received } = await sink.received(sent, port, 3_000).catch(async () => sink.report(port));
      this.result.packets += sent;
      this.result.lost += sent - received;
      await stream.end();
    }
    await Promise.all([up.end(), down.end()]);
    this.result.torn = (await this.#lab.refused('ra')) + (await this.#lab.refused('rb'));
    this.#compare(before, this.#holdings());
    return this.result;
  }

  #events(): readonly { name: string; happen: () => Promise<void> }[] {
    const kill = (daemon: LabDaemon) => async (): Promise<void> => {
      await daemon.kill('SIGKILL');
      await daemon.start();
      this.result.kills += 1;
    };
    const upgrade = (daemon: LabDaemon) => async (): Promise<void> => {
      // The next process loads its programs anew and exchanges those that run.
      await daemon.restart();
      this.result.upgrades += 1;
    };
    return [
      { name: 'mobile router killed', happen: kill(this.#mr) },
      { name: 'home agent killed', happen: kill(this.#ha) },
      { name: 'mobile router upgraded', happen: upgrade(this.#mr) },
      { name: 'home agent upgraded', happen: upgrade(this.#ha) },
      { name: 'care-of address of uplink A changed', happen: () => this.#changeCareOf('a') },
      { name: 'care-of address of uplink B changed', happen: () => this.#changeCareOf('b') },
      { name: 'policies reloaded', happen: () => this.#reload() },
      { name: 'binding taken out and given back', happen: () => this.#takeOut() },
      { name: 'neighbours flushed', happen: () => this.#flush() },
      { name: 'netlink overrun', happen: () => this.#overrun() },
    ];
  }

  /** The four steps of a change, the home agent first. */
  async #changeCareOf(uplink: Uplink): Promise<void> {
    const mr = this.#lab.node('mr');
    const device = uplink === 'a' ? 'wa' : 'wb';
    const old = this.#careOf[uplink];
    const next = `2001:db8:${uplink}::${(this.#nextAddress++).toString(16)}`;
    const binding = ['binding', 'set', '--router', ROUTER, '--bid', String(BID[uplink]), '--care-of', next];
    await this.#ha.coax([...binding, '--accept-only']);
    await mr.batch([
      `address change ${old}/64 dev ${device} preferred_lft 0`,
      `address add ${next}/64 dev ${device} nodad`,
    ]);
    await this.#uses(this.#mr, uplink, next);
    await this.#ha.coax(binding);
    await this.#uses(this.#ha, uplink, next);
    // What was sent to the old address has arrived after a round trip; the access links are empty by then.
    await this.#roundTrip();
    await mr.ip(`address del ${old}/64 dev ${device}`);
    this.#careOf[uplink] = next;
    this.result.flaps += 1;
  }

  async #reload(): Promise<void> {
    const base = mobileRouterConfig('bpf');
    const extra = {
      name: `extra-${this.#random.below(1_000)}`,
      match: { protocol: 'udp', 'destination-port': 7000 },
      use: ['wifi-b'],
    };
    const policies = [...(base.policies as object[]), extra];
    await this.#mr.reload({ ...base, 'grace-time': GRACE, policies });
    this.result.reloads += 1;
  }

  async #takeOut(): Promise<void> {
    const bid = String(this.#random.of([BID.a, BID.b]));
    for (const state of ['--down', '--up']) {
      await this.#mr.coax(['binding', 'set', '--bid', bid, state]);
      await this.#ha.coax(['binding', 'set', '--router', ROUTER, '--bid', bid, state]);
    }
    this.result.flaps += 1;
  }

  async #flush(): Promise<void> {
    await this.#lab.node('mr').ip(`-6 neigh flush dev ${this.#random.of(['wa', 'wb'])}`);
    this.result.flaps += 1;
  }

  /** More changes at once than a receive buffer holds, while the daemon may not read. */
  async #overrun(): Promise<void> {
    const lines: string[] = [];
    for (let i = 0; i < 2_000; i++) {
      lines.push(`address add 2001:db8:5000::${i.toString(16)}/128 dev lo nodad`);
      lines.push(`address del 2001:db8:5000::${i.toString(16)}/128 dev lo`);
    }
    await this.#mr.kill('SIGSTOP');
    try {
      await this.#lab.node('mr').batch(lines);
    } finally {
      await this.#mr.kill('SIGCONT');
    }
    this.result.overruns += 1;
  }

  async #roundTrip(): Promise<void> {
    await this.#lab
      .node('lan')
      .exec('ping', ['-n', '-c', '2', '-i', '0.2', '-W', '2', addresses.correspondent]);
  }

  async #ready(): Promise<void> {
    for (const daemon of [this.#mr, this.#ha]) {
      await this.#bindings(daemon, (bindings) => bindings.every(({ state }) => state === 'usable'));
    }
  }

  async #uses(daemon: LabDaemon, uplink: Uplink, careOf: string): Promise<void> {
    await this.#bindings(daemon, (bindings) =>
      bindings.some((binding) => binding.bid === BID[uplink] && binding.careOf === careOf),
    );
  }

  async #bindings(
    daemon: LabDaemon,
    fits: (bindings: { bid: number; state: string; careOf: string }[]) => boolean,
  ): Promise<void> {
    await until(
      async () => {
        const { body, status } = await daemon.api('GET', '/v1/bindings');
        return status === 200 && fits(body as { bid: number; state: string; careOf: string }[]);
      },
      { what: `the bindings of ${daemon.node.name}`, timeout: 20_000 },
    );
  }

  /** What the daemons hold: descriptors and memory by process, pins by place. */
  #holdings(): Map<string, number> {
    const holdings = new Map<string, number>();
    for (const daemon of [this.#mr, this.#ha]) {
      const { pid } = daemon;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const name = daemon.node.name;
      holdings.set(`descriptors of ${name}`, readdirSync(`/proc/${pid}/fd`).length);
      holdings.set(`memory of ${name}`, Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
    }
    const pins = readdirSync(this.#lab.bpffs, { recursive: true, withFileTypes: true });
    holdings.set('pins', pins.filter((entry) => entry.isFile()).length);
    return holdings;
  }

  #compare(before: Map<string, number>, after: Map<string, number>): void {
    for (const [what, count] of after) {
      const was = before.get(what) ?? 0;
      const limit = what.startsWith('memory')
        ? MEMORY_LIMIT
        : was + (what.startsWith('descriptors') ? PASSING_DESCRIPTORS : 0);
      if (count > limit) {
        this.result.leaks.push(`${what} went from ${was} to ${count}`);
      }
    }
  }
}

/** One run in a lab of its own, of which nothing may be left. */
export async function soak(
  minutes: number,
  options: { seed?: number; only?: string; say?: (text: string) => void } = {},
): Promise<SoakResult> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const leftovers = await Leftovers.before();
  const lab = await Lab.create();
  let result: SoakResult;
  try {
    const running = await Soak.start(lab, minutes, seed);
    result = await running.run(options.say ?? (() => undefined), options.only ?? '');
  } finally {
    await lab.destroy();
  }
  result.leaks.push(...(await leftovers.of(lab)));
  return result;
}

async function main(): Promise<number> {
  const minutes = Number(process.env.MINUTES || '5');
  const seed = process.env.SEED ? Number(process.env.SEED) : undefined;
  if (!(minutes > 0 && minutes <= 24 * 60) || Number.isNaN(seed)) {
    console.error('soak: error: MINUTES is a number of minutes up to a day, SEED a number');
    return 2;
  }
  const result = await soak(minutes, {
    ...(seed === undefined ? {} : { seed }),
    only: process.env.ONLY ?? '',
    say: (text) => console.log(`soak: ${text}`),
  });
  console.log(`soak: seed ${result.seed}, ${result.reloads} reloads, ${result.overruns} netlink overruns`);
  console.log(describeSoak(result));
  return result.lost === 0 && result.torn === 0 && result.leaks.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`soak: error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

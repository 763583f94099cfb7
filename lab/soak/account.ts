// Constant traffic both ways, every datagram numbered, and what became of each.
import { ports } from '../demo/config.js';
import type { Lab, Uplink } from '../lab.js';
import { Sink, Stream } from '../stream.js';
import { addresses, type NodeName } from '../topology.js';

/** Datagrams a second of each flow. */
const RATE = 500;

/**
 * What one cut may cost each flow of its binding, in datagrams: one second's worth. Until the kernel has told the
 * daemon, the daemon has switched, and the home agent was told by the lab, packets go to a link that is no more: some
 * 10 ms on an idle machine, some 100 ms on a busy one. A daemon that waits for anything else takes longer than this.
 */
const CUT_LIMIT = RATE;

/** One way of traffic: the policies of both ends put it on one binding. */
interface Flow {
  readonly uplink: Uplink;
  readonly from: NodeName;
  readonly to: NodeName;
  readonly address: string;
  readonly port: number;
  /** What the home agent's policies go by. */
  readonly sourcePort?: number;
}

const UP = { from: 'lan', to: 'cn', address: addresses.correspondent } as const;
const DOWN = { from: 'cn', to: 'lan', address: addresses.lan } as const;
const FLOWS: readonly Flow[] = [
  { ...UP, uplink: 'a', port: ports.a.stream },
  { ...UP, uplink: 'b', port: ports.b.stream },
  { ...DOWN, uplink: 'a', port: 6_001, sourcePort: ports.a.back },
  { ...DOWN, uplink: 'b', port: 6_002, sourcePort: ports.b.back },
];

/** Datagrams of a flow from one number to below another. */
type Span = readonly [from: number, to: number];

interface RunningFlow {
  readonly flow: Flow;
  readonly stream: Stream;
  readonly sink: Sink;
  /** Sent while its link was being cut. */
  readonly cuts: Span[];
  /** Sent during each event. */
  readonly events: { readonly name: string; readonly span: Span }[];
}

/** What a run has to answer for. */
export interface Balance {
  readonly packets: number;
  readonly lost: number;
  /** Lost while the lab cut the link that they were to take; not in `lost`. */
  readonly lostOnCutLinks: number;
  /** Where `lost` is from, one line each. */
  readonly losses: readonly string[];
}

export class Account {
  readonly #flows: readonly RunningFlow[];
  readonly #sinks: readonly Sink[];

  private constructor(flows: readonly RunningFlow[], sinks: readonly Sink[]) {
    this.#flows = flows;
    this.#sinks = sinks;
  }

  /** Starts all flows; resolves when each has its first datagram through. */
  static async start(lab: Lab): Promise<Account> {
    const sinks = new Map<NodeName, Sink>();
    for (const node of ['cn', 'lan'] as const) {
      const [first = 0, ...more] = FLOWS.filter(({ to }) => to === node).map(({ port }) => port);
      sinks.set(node, await Sink.start(lab.node(node), { ports: [first, ...more] }));
    }
    const flows: RunningFlow[] = [];
    for (const flow of FLOWS) {
      const { address, port, sourcePort } = flow;
      const source = sourcePort === undefined ? {} : { sourcePort };
      const stream = await Stream.start(lab.node(flow.from), { to: address, port, rate: RATE, ...source });
      const sink = sinks.get(flow.to) as Sink;
      await sink.received(1, port);
      flows.push({ flow, stream, sink, cuts: [], events: [] });
    }
    return new Account(flows, [...sinks.values()]);
  }

  /**
   * Runs what cuts a link and ends when both ends have left it. What flows of that binding send from the moment
   * before to the moment after is on a cut link, and nothing else is: numbers say it, so no clock has to be right.
   */
  async cut(uplink: Uplink, action: () => Promise<void>): Promise<void> {
    const concerned = this.#flows.filter(({ flow }) => flow.uplink === uplink);
    const positions = async (): Promise<number[]> =>
      Promise.all(concerned.map(({ stream }) => stream.progress()));
    const before = await positions();
    await action();
    const after = await positions();
    for (const [i, { cuts }] of concerned.entries()) cuts.push([before[i] ?? 0, after[i] ?? 0]);
  }

  /** Ends an event: what has been sent since the last one was sent during it. */
  async mark(name: string): Promise<void> {
    await Promise.all(
      this.#flows.map(async ({ stream, events }) => {
        const from = events.at(-1)?.span[1] ?? 0;
        events.push({ name, span: [from, await stream.progress()] });
      }),
    );
  }

  /** Stops all flows and counts. What is under way arrives first; what is lost is not waited for. */
  async close(): Promise<Balance> {
    let [packets, lost, lostOnCutLinks] = [0, 0, 0];
    const losses: string[] = [];
    for (const { flow, stream, sink, cuts, events } of this.#flows) {
      const { sent } = await stream.stop();
      await sink.received(sent, flow.port, 3_000).catch(() => undefined);
      const missing = await sink.missing(sent, flow.port);
      const all = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0);
      const excused = cuts
        .map((cut) => Math.min(countWithin(missing, cut), CUT_LIMIT))
        .reduce((sum, count) => sum + count, 0);
      if (all > excused) losses.push(...explain(flow, missing, cuts, events));
      packets += sent;
      lost += all - excused;
      lostOnCutLinks += excused;
      await stream.end();
    }
    await Promise.all(this.#sinks.map((sink) => sink.end()));
    return { packets, lost, lostOnCutLinks, losses };
  }
}

/** What a flow lost in each event, with what of it was on a cut link. */
function explain(
  { from, port }: Flow,
  missing: Ranges,
  cuts: readonly Span[],
  events: RunningFlow['events'],
): string[] {
  return events.flatMap(({ name, span }, i) => {
    const count = countWithin(missing, span);
    if (count === 0) return [];
    const within = missing.filter((range) => countWithin([range], span) > 0);
    const cut = cuts.filter(([first]) => first >= span[0] && first < span[1]);
    const numbers = within.map(([first, last]) => `${first - span[0]}-${last - span[0]}`).join(' ');
    const excused = cut.map(([first, end]) => `${first - span[0]}-${end - span[0]}`).join(' ');
    return [
      `event ${i + 1}, ${name}: ${count} of ${span[1] - span[0]} from ${from} to port ${port} (${numbers}` +
        `${excused === '' ? '' : `; cut ${excused}`})`,
    ];
  });
}

type Ranges = readonly (readonly [first: number, last: number])[];

/** How many numbers of the ranges are in a span. */
export function countWithin(ranges: Ranges, [from, to]: Span): number {
  return ranges.reduce(
    (sum, [first, last]) => sum + Math.max(0, Math.min(last + 1, to) - Math.max(first, from)),
    0,
  );
}

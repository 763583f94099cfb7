// Packets to classify: at random places inside and beside the policies, none twice, in random order.
import { Random } from '../../lab/random.js';
import type { Address } from '../../src/net/index.js';
import type { AddressMatch, Policy, Range } from '../../src/policy/index.js';

/** Packets in columns; addresses are four words each, the first one on the wire first. */
export interface Flows {
  readonly count: number;
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  readonly protocol: Uint32Array;
  /** 65536 where there are none. */
  readonly sourcePort: Uint32Array;
  readonly destinationPort: Uint32Array;
  readonly dscp: Uint32Array;
  readonly mark: Uint32Array;
  readonly router: Uint32Array;
}

const NO_PORT = 65_536;
const WITH_PORTS = [6, 17];
/** Part of the packets that belong to no policy in particular. */
const STRAY = 0.1;

export function emptyFlows(count: number): Flows {
  return {
    count,
    source: new Uint32Array(4 * count),
    destination: new Uint32Array(4 * count),
    protocol: new Uint32Array(count),
    sourcePort: new Uint32Array(count),
    destinationPort: new Uint32Array(count),
    dscp: new Uint32Array(count),
    mark: new Uint32Array(count),
    router: new Uint32Array(count).fill(1),
  };
}

export function makeFlows(policies: readonly Policy[], count: number, seed: number): Flows {
  const random = new Random(seed);
  const flows = emptyFlows(count);
  for (let at = 0; at < count; at++) fill(flows, at, random.of(policies), random);
  return flows;
}

/** Makes packet `at` one that a policy is about, but for the priority of others. */
export function fill(flows: Flows, at: number, { selector }: Policy, random: Random): void {
  const stray = random.chance(STRAY);
  const wantsPorts = selector.sourcePort !== undefined || selector.destinationPort !== undefined;
  const protocol =
    within(selector.protocol, random) ??
    (wantsPorts ? random.of(WITH_PORTS) : random.of([...WITH_PORTS, 58, 50]));
  const hasPorts = WITH_PORTS.includes(protocol);
  const port = (ranges: readonly Range[] | undefined): number =>
    hasPorts ? ((stray ? undefined : within(ranges, random)) ?? random.below(65_536)) : NO_PORT;
  address(flows.source, at, selector.source, random);
  address(flows.destination, at, selector.destination, random);
  flows.protocol[at] = protocol;
  flows.sourcePort[at] = port(selector.sourcePort);
  flows.destinationPort[at] = port(selector.destinationPort);
  flows.dscp[at] = within(selector.dscp, random) ?? random.of([0, 0, 46]);
  flows.mark[at] = selector.mark?.value ?? random.of([0, 0, random.below(256)]);
}

function within(ranges: readonly Range[] | undefined, random: Random): number | undefined {
  if (ranges === undefined) return undefined;
  const { low, high } = random.of(ranges);
  return low + random.below(high - low + 1);
}

function address(words: Uint32Array, at: number, match: AddressMatch | undefined, random: Random): void {
  if (match === undefined) {
    words.set([0x20010db8 + random.below(0x1000), random.word(), random.word(), random.word()], 4 * at);
    return;
  }
  const { low, high } = random.of(match.ranges);
  const [from, to] = [wordsOf(low), wordsOf(high)];
  // Prefixes: every bit that is free.
  for (let word = 0; word < 4; word++) {
    const free = ((from[word] as number) ^ (to[word] as number)) >>> 0;
    words[4 * at + word] = ((from[word] as number) | (random.word() & free)) >>> 0;
  }
}

export function wordsOf(value: Address): Uint32Array {
  const bytes = value.toBytes();
  const view = new DataView(bytes.buffer);
  return Uint32Array.from([0, 4, 8, 12], (offset) => view.getUint32(offset));
}

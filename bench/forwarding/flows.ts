// The flows that are sent: 65,536 of them in random order, each one row of the generator's map.
import { Random } from '../../lab/random.js';
import { Address } from '../../src/net/index.js';
import type { Policy } from '../../src/policy/index.js';
import { emptyFlows, type Flows, fill, makeFlows } from '../classify/flows.js';

/** Rows of a flow set. */
export const FLOWS = 65_536;
/** struct bench_flow */
const ROW_BYTES = 64;
const UDP = 17;

/** Rows as the generator's map has them. */
export interface FlowSet {
  readonly name: string;
  readonly rows: Uint8Array;
}

/** Where the packets of a flow set come from and go to: what is not said is drawn. */
export interface Ends {
  /** Sources are drawn from here when the policy of a flow does not name others. */
  readonly sources: readonly string[];
  /** Destinations likewise; anywhere when left out. */
  readonly destinations?: readonly string[];
  /** Flow number n has the source with that number, and begins again when there are no more. */
  readonly inOrder?: boolean;
  /** Outer source of flow number n. */
  readonly outerSource?: (flow: number) => string;
}

/** Flows between addresses drawn below the given prefixes of 64 bits or addresses. */
export function plainFlows(name: string, ends: Ends, seed = 5): FlowSet {
  const random = new Random(seed);
  const flows = emptyFlows(FLOWS);
  const any = { selector: {} } as Policy;
  for (let at = 0; at < FLOWS; at++) {
    fill(flows, at, any, random);
    const own = ends.inOrder === true ? [ends.sources[at % ends.sources.length] ?? '::'] : ends.sources;
    place(flows.source, at, own, random);
    if (ends.destinations !== undefined) place(flows.destination, at, ends.destinations, random);
  }
  return { name, rows: rowsOf(flows, ends) };
}

/** Nine of ten flows are what one of the policies is about, as far as UDP packets of our sources can be. */
export function policyFlows(name: string, policies: readonly Policy[], ends: Ends, seed = 7): FlowSet {
  const random = new Random(seed);
  const flows = makeFlows(
    policies.filter(({ selector: { protocol } }) => takesUdp(protocol)),
    FLOWS,
    seed,
  );
  const own = ends.sources.map((text) => wordsOfPrefix(text));
  for (let at = 0; at < FLOWS; at++) {
    const source = flows.source.subarray(4 * at, 4 * at + 4);
    if (
      !own.some(({ words, mask }) =>
        words.every((word, n) => ((source[n] ?? 0) & (mask[n] ?? 0)) >>> 0 === word),
      )
    ) {
      place(flows.source, at, ends.sources, random);
    }
    if (flows.sourcePort[at] === 65_536) flows.sourcePort[at] = random.below(65_536);
    if (flows.destinationPort[at] === 65_536) flows.destinationPort[at] = random.below(65_536);
  }
  return { name, rows: rowsOf(flows, ends) };
}

/** Can a UDP packet match? */
function takesUdp(protocol: Policy['selector']['protocol']): boolean {
  return protocol === undefined || protocol.some(({ low, high }) => low <= UDP && UDP <= high);
}

interface PrefixWords {
  readonly words: readonly number[];
  readonly mask: readonly number[];
}

/** `address/length`, or an address alone. */
function wordsOfPrefix(text: string): PrefixWords {
  const [address = '::', length = '128'] = text.split('/');
  const view = new DataView(Address.parse(address).toBytes().slice().buffer);
  const mask = [0, 32, 64, 96].map((from) => {
    const bits = Math.min(32, Math.max(0, Number(length) - from));
    return bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
  });
  return { words: mask.map((each, at) => (view.getUint32(4 * at) & each) >>> 0), mask };
}

/** Draws an address below one of some prefixes. */
function place(column: Uint32Array, at: number, prefixes: readonly string[], random: Random): void {
  const { words, mask } = known(random.of(prefixes));
  for (let n = 0; n < 4; n++) {
    column[4 * at + n] = ((words[n] ?? 0) | (random.word() & ~(mask[n] ?? 0))) >>> 0;
  }
}

const prefixes = new Map<string, PrefixWords>();

function known(text: string): PrefixWords {
  const found = prefixes.get(text) ?? wordsOfPrefix(text);
  prefixes.set(text, found);
  return found;
}

function rowsOf(flows: Flows, ends: Ends): Uint8Array {
  const rows = new Uint8Array(FLOWS * ROW_BYTES);
  const view = new DataView(rows.buffer);
  for (let flow = 0; flow < FLOWS; flow++) {
    const at = flow * ROW_BYTES;
    let sum = UDP;
    for (let word = 0; word < 4; word++) {
      for (const [column, offset] of [
        [flows.source, 0],
        [flows.destination, 16],
      ] as const) {
        const value = column[4 * flow + word] ?? 0;
        view.setUint32(at + offset + 4 * word, value);
        sum += (value >>> 16) + (value & 0xffff);
      }
    }
    const [from = 0, to = 0] = [flows.sourcePort[flow], flows.destinationPort[flow]].map(
      (port) => (port ?? 0) & 0xffff,
    );
    if (ends.outerSource !== undefined) rows.set(Address.parse(ends.outerSource(flow)).toBytes(), at + 32);
    view.setUint16(at + 48, from);
    view.setUint16(at + 50, to);
    view.setUint32(at + 52, sum + from + to, LITTLE_ENDIAN);
    view.setUint8(at + 56, (flows.dscp[flow] ?? 0) << 2);
  }
  return rows;
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

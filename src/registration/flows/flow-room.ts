/** How much of a Binding Update flows take. */
import type { Ipv6Selector } from '../../mobility/index.js';

/** What a mobility header can have at most (RFC 6275 section 6.1.1), without the fixed fields of a Binding Update. */
const MOST_ROOM = 8 * 256 - 12;

/** What a flow is without its numbers. */
export interface UnnumberedFlow {
  readonly bids: readonly number[];
  readonly selector: Ipv6Selector;
}

/** FID, FID-PRI, reserved, status, with type and length (RFC 6089 section 4.2). */
const FIXED = 8;
const SUB_OPTION = 2;
/** Format, reserved, flags (RFC 6088 section 3.2). */
const SELECTOR_FIXED = 6;

const WIDTHS: Readonly<Record<Exclude<keyof Ipv6Selector, 'type'>, number>> = {
  source: 16,
  destination: 16,
  spi: 4,
  flowLabel: 4,
  sourcePort: 2,
  destinationPort: 2,
  dscp: 1,
  protocol: 1,
};

/** The offsets at which flows may begin, modulo the widest alignment. */
const STARTS = [0, 2, 4, 6];

/** What is left of a Binding Update, and of FIDs. Once something did not fit, nothing does. */
export class FlowRoom {
  #bytes: number;
  #fids: number;
  /** Where the next flow would start, had the first one started at each of {@link STARTS}. */
  #offsets: readonly number[] = STARTS;

  /**
   * @param bytes wherever the first flow starts
   * @param fids that no policy has
   */
  constructor(bytes: number, fids: number) {
    this.#bytes = Math.min(bytes, MOST_ROOM);
    this.#fids = fids;
  }

  /** Whether these flows of one policy fit, of which the first has the policy's FID; if so, they are in. */
  take(flows: readonly UnnumberedFlow[]): boolean {
    const offsets = this.#offsets.map((offset) => flows.reduce(endOfFlow, offset));
    const used = Math.max(...offsets.map((offset, at) => offset - (STARTS[at] as number)));
    const fids = this.#fids - (flows.length - 1);
    if (used > this.#bytes || fids < 0) {
      this.#bytes = -1;
      return false;
    }
    this.#offsets = offsets;
    this.#fids = fids;
    return true;
  }
}

/**
 * Where the next option may start behind a Flow Identification option that starts at an even offset of the message. With
 * 8 BIDs at most it is always shorter than the 255 bytes of an option.
 */
export function endOfFlow(start: number, { bids, selector }: UnnumberedFlow): number {
  const keys = Object.keys(WIDTHS) as (keyof typeof WIDTHS)[];
  const present = keys.filter((key) => selector[key] !== undefined);
  const fields = present.reduce((sum, key) => sum + WIDTHS[key] * endsOf(selector, key), 0);
  // A selector starts where its widest field is aligned, and an option at an even offset.
  const alignment = Math.min(8, Math.max(1, ...present.map((key) => WIDTHS[key])));
  const reference = start + FIXED + SUB_OPTION + 2 * bids.length;
  return roundUp(roundUp(reference, alignment) + SUB_OPTION + SELECTOR_FIXED + fields, 2);
}

function endsOf(selector: Ipv6Selector, key: keyof typeof WIDTHS): 1 | 2 {
  if (key === 'source' || key === 'destination') {
    const range = selector[key];
    return range === undefined || range.low.equals(range.high) ? 1 : 2;
  }
  return selector[key]?.low === selector[key]?.high ? 1 : 2;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** What policies ask of packets, and traffic selectors (RFC 6088 section 3.2). */
import type { AddressRange, Ipv6Selector, Range } from '../../mobility/index.js';
import {
  ANY,
  canMatchSame,
  isExtensionHeader,
  RANGE_FIELDS,
  type RangeKey,
  type Selector,
} from '../../policy/index.js';

/** Combinations of ranges that are looked at; more are too many flows whatever the protocols among them rule out. */
const MOST_COMBINATIONS = 64;

/** Why a field has no meaning for packets of the other direction, or no place in a traffic selector. */
const STAYING = {
  mark: 'it asks for a mark, which packets towards the router do not have yet',
  interface: 'it asks for an interface of this router, which the home agent does not see',
  cgroup: 'it asks for a cgroup, which only this machine knows',
  icmpType: 'it asks for an ICMPv6 type, for which a traffic selector has no field',
  icmpCode: 'it asks for an ICMPv6 code, for which a traffic selector has no field',
  flowLabel: 'it asks for a flow label, and the other end chooses those of its packets by itself',
  spi: 'it asks for an SPI, and packets the other way belong to another security association',
} as const satisfies Partial<Record<keyof Selector, string>>;

/**
 * The selectors of the packets that answer those of a policy, as the home agent sees them: addresses and ports the
 * other way round. A packet is matched by one of them at most. Or why that cannot be said, in words.
 *
 * Protocol and DSCP are the same in both directions; that the other end sets the same DSCP is the operator's claim. A
 * flow label and an SPI are of one direction (RFC 6437 section 2, RFC 4301 section 4.1), so that only "any at all" can
 * be said of them.
 */
export function mirroredSelectors(
  selector: Selector,
):
  | { readonly selectors: readonly Ipv6Selector[] }
  | { readonly combinations: number }
  | { readonly reasons: readonly string[] } {
  const reasons = reasonsToStay(selector);
  if (reasons.length > 0) return { reasons };
  const fields: readonly Field[] = [
    field('source', addresses(selector.destination?.ranges)),
    field('destination', addresses(selector.source?.ranges)),
    field('spi', selector.spi),
    field('sourcePort', selector.destinationPort),
    field('destinationPort', selector.sourcePort),
    field('dscp', unlessWhole(selector, 'dscp')),
    field('protocol', unlessWhole(selector, 'protocol')),
  ];
  const combinations = fields.reduce((product, { count }) => product * count, 1);
  if (combinations > MOST_COMBINATIONS) return { combinations };
  const selectors = fields
    .reduce<readonly Ipv6Selector[]>((all, { spread }) => all.flatMap(spread), [EVERYTHING])
    .filter(canMatchAny);
  return selectors.length > 0 ? { selectors } : { reasons: ['no packet can match it'] };
}

/** What a traffic selector asks, in the direction in which it is written; `wire.spi` is not 0 alone. */
export function selectorOfWire(wire: Ipv6Selector): Selector {
  return Object.freeze({
    ...ANY,
    source: wire.source && Object.freeze({ set: undefined, ranges: Object.freeze([wire.source]) }),
    destination:
      wire.destination && Object.freeze({ set: undefined, ranges: Object.freeze([wire.destination]) }),
    protocol: listed(wire.protocol),
    sourcePort: listed(wire.sourcePort),
    destinationPort: listed(wire.destinationPort),
    dscp: listed(wire.dscp),
    flowLabel: listed(wire.flowLabel),
    // 0 is never on the wire (RFC 4303 section 2.1), and a policy does not have it.
    spi: listed(wire.spi && { low: Math.max(wire.spi.low, RANGE_FIELDS.spi.low), high: wire.spi.high }),
  });
}

/** Packets are known by the protocol behind all extension headers. */
export function asksForExtensionHeader({ protocol }: Ipv6Selector): boolean {
  return protocol !== undefined && protocol.low === protocol.high && isExtensionHeader(protocol.low);
}

const EVERYTHING: Ipv6Selector = Object.freeze({
  type: 'ipv6',
  source: undefined,
  destination: undefined,
  spi: undefined,
  flowLabel: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  protocol: undefined,
});

/** One field of the selectors to be: how many ranges it has, and how one selector becomes that many. */
interface Field {
  readonly count: number;
  readonly spread: (one: Ipv6Selector) => readonly Ipv6Selector[];
}

type FieldKey = Exclude<keyof Ipv6Selector, 'type'>;

function field<K extends FieldKey>(
  key: K,
  ranges: readonly NonNullable<Ipv6Selector[K]>[] | undefined,
): Field {
  if (ranges === undefined) return { count: 1, spread: (one) => [one] };
  return {
    count: ranges.length,
    spread: (one) => ranges.map((range) => ({ ...one, [key]: range })),
  };
}

function reasonsToStay(selector: Selector): string[] {
  const keys = Object.keys(STAYING) as (keyof typeof STAYING)[];
  return keys.flatMap((key) => {
    if (selector[key] === undefined) return [];
    // All labels are every packet; all SPIs are every packet with AH or ESP, which holds for the answers, too.
    if ((key === 'flowLabel' || key === 'spi') && isWhole(selector, key)) return [];
    return [STAYING[key]];
  });
}

/** Every packet has a DSCP and a protocol, so that all of them need not be said; ports are not in every packet. */
function unlessWhole(selector: Selector, key: 'dscp' | 'protocol'): readonly Range[] | undefined {
  return isWhole(selector, key) ? undefined : selector[key];
}

function isWhole(selector: Selector, key: RangeKey): boolean {
  const { low, high } = RANGE_FIELDS[key];
  return selector[key]?.some((range) => range.low <= low && range.high >= high) ?? false;
}

/** `::/0` need not be said either. */
function addresses(ranges: readonly AddressRange[] | undefined): readonly AddressRange[] | undefined {
  const whole = ranges?.some(({ low, high }) => low.isUnspecified && high.toBigInt() === HIGHEST_ADDRESS);
  return whole ? undefined : ranges;
}

const HIGHEST_ADDRESS = (1n << 128n) - 1n;

/** Ports with a protocol that has none match nothing (lists of both can have such pairs), nor do extension headers. */
function canMatchAny(wire: Ipv6Selector): boolean {
  const selector = selectorOfWire(wire);
  return !asksForExtensionHeader(wire) && canMatchSame(selector, selector);
}

function listed(range: Range | undefined): readonly Range[] | undefined {
  return range && Object.freeze([Object.freeze(range)]);
}

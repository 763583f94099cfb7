// Policies as OpenFlow flows, which know values below a mask and no ranges.
import type { AddressMatch, AddressRange, Policy, Range } from '../../../src/policy/index.js';

/** A set cannot be written as flows. */
class OpenFlowError extends Error {
  readonly code = 'BENCH_OPENFLOW_UNFIT';
}

/** What matches where `(x & mask) === value`. */
export interface Masked {
  readonly value: bigint;
  readonly mask: bigint;
}

/** Port of a tunnel, and its two ends for each binding. */
export interface TunnelPorts {
  readonly ingress: number;
  readonly tunnel: number;
  readonly homeAgent: string;
  /** Care-of address of binding 1, 2, ... */
  readonly careOf: readonly string[];
}

const PORT_BITS = 16;
const ADDRESS_BITS = 128;
/** Flows have 16 bits of priority; the lowest is for what no policy decides. */
const MOST_PRIORITY = 65_535;
/** More flows than that are not a table that anybody would load. */
const MOST_FLOWS = 200_000;
const TRANSPORTS: Readonly<Record<number, string>> = { 6: 'tcp6', 17: 'udp6' };

/**
 * The fewest values below masks of leading ones that cover a range, in order: the largest aligned power of two that
 * fits is taken off its beginning, again and again; at most 2 * bits - 2 of them.
 * @param low the first of the range, `high` the last
 */
export function maskedRange(low: bigint, high: bigint, bits: number): Masked[] {
  const all = (1n << BigInt(bits)) - 1n;
  if (low < 0n || low > high || high > all)
    throw new OpenFlowError(`${low}-${high} is no range of ${bits} bits`);
  const masked: Masked[] = [];
  for (let at = low; at <= high; ) {
    let size = 1n;
    while ((at & size) === 0n && size <= all && at + 2n * size - 1n <= high) size *= 2n;
    masked.push({ value: at, mask: all - (size - 1n) });
    at += size;
  }
  return masked;
}

/**
 * One flow for each combination of what the fields of a policy expand to, and one for what no policy decides, by the
 * first binding.
 * @throws OpenFlowError when the set asks for what flows cannot say, or takes too many
 */
export function openFlows(policies: readonly Policy[], ports: TunnelPorts): string[] {
  const flows = [flow(0, ['ipv6'], 1, ports)];
  for (const policy of policies) {
    const priority = MOST_PRIORITY - policy.priority;
    if (priority < 1)
      throw new OpenFlowError(`policy ${policy.fid}: flows have ${MOST_PRIORITY - 1} priorities and no more`);
    const binding = policy.action.kind === 'use' ? policy.action.bindings[0] : undefined;
    if (binding === undefined) throw new OpenFlowError(`policy ${policy.fid} is not one that uses a binding`);
    for (const match of matches(policy)) flows.push(flow(priority, match, binding, ports));
    if (flows.length > MOST_FLOWS)
      throw new OpenFlowError(
        `${policies.length} policies are more than ${MOST_FLOWS} flows: leave them out`,
      );
  }
  return flows;
}

/** The mark of a packet is its binding: it chooses the route of the outer header. */
function flow(priority: number, match: readonly string[], binding: number, ports: TunnelPorts): string {
  const source = ports.careOf[binding - 1];
  if (source === undefined) throw new OpenFlowError(`binding ${binding} has no care-of address`);
  const actions = [
    'dec_ttl',
    `set_field:${binding}->pkt_mark`,
    `set_field:${source}->tun_ipv6_src`,
    `set_field:${ports.homeAgent}->tun_ipv6_dst`,
    `output:${ports.tunnel}`,
  ];
  return `priority=${priority},in_port=${ports.ingress},${match.join(',')},actions=${actions.join(',')}`;
}

function matches({ fid, selector }: Policy): string[][] {
  const { source, destination, protocol, sourcePort, destinationPort, dscp, ...others } = selector;
  const unknown = Object.entries(others).find(([, value]) => value !== undefined);
  if (unknown !== undefined) throw new OpenFlowError(`policy ${fid}: no field of a flow is '${unknown[0]}'`);
  const hasPorts = sourcePort !== undefined || destinationPort !== undefined;
  const fields = [
    hasPorts ? transports(fid, protocol) : protocols(protocol),
    addresses('ipv6_src', source),
    addresses('ipv6_dst', destination),
    ports('tp_src', sourcePort),
    ports('tp_dst', destinationPort),
    eachOf('ip_dscp', dscp),
  ];
  return fields.reduce<string[][]>(
    (combined, words) =>
      words === undefined ? combined : combined.flatMap((line) => words.map((word) => [...line, word])),
    [[]],
  );
}

function transports(fid: number, protocol: readonly Range[] | undefined): string[] {
  const taken = Object.entries(TRANSPORTS).filter(([number]) => includes(protocol, Number(number)));
  if (taken.length === 0) throw new OpenFlowError(`policy ${fid} asks for ports of what has none`);
  return taken.map(([, name]) => name);
}

const includes = (ranges: readonly Range[] | undefined, value: number): boolean =>
  ranges?.some(({ low, high }) => low <= value && value <= high) ?? true;

/** The word that makes it IPv6 comes first: fields of a header are only known behind it. */
const protocols = (ranges: readonly Range[] | undefined): string[] =>
  eachOf('ipv6,nw_proto', ranges) ?? ['ipv6'];

/** Fields without masks. */
const eachOf = (field: string, ranges: readonly Range[] | undefined): string[] | undefined =>
  ranges?.flatMap(({ low, high }) =>
    Array.from({ length: high - low + 1 }, (_, at) => `${field}=${low + at}`),
  );

const ports = (field: string, ranges: readonly Range[] | undefined): string[] | undefined =>
  ranges?.flatMap(({ low, high }) =>
    maskedRange(BigInt(low), BigInt(high), PORT_BITS).map(
      ({ value, mask }) => `${field}=${value}/0x${mask.toString(16)}`,
    ),
  );

const addresses = (field: string, match: AddressMatch | undefined): string[] | undefined =>
  match?.ranges.flatMap(({ low, high }: AddressRange) =>
    maskedRange(low.toBigInt(), high.toBigInt(), ADDRESS_BITS).map(
      ({ value, mask }) => `${field}=${words(value)}/${words(mask)}`,
    ),
  );

/** Eight groups, as addresses and their masks are written. */
const words = (value: bigint): string =>
  (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join(':');

import { Prefix } from '../net/index.js';
import { formatXfrmPolicy, type InterfaceAddress, type Link, type XfrmPolicy } from '../netlink/index.js';
import type { IpsecPolicies } from './policies.js';

/** The packets that skip the stack on the fast path, and what this machine has. */
export interface FastTraffic {
  /** Each packet is from or to one of these: home addresses and mobile network prefixes. */
  prefixes: readonly Prefix[];
  /** The interfaces between which the stack would forward, by name. */
  interfaces: readonly string[];
  links: readonly Link[];
  addresses: readonly InterfaceAddress[];
}

/** Packets from or to these are left to the stack in any case. */
const LINK_LOCAL = Prefix.parse('fe80::/10');
const MULTICAST = Prefix.parse('ff00::/8');

/** The directions that a forwarded packet meets (ip6_forward(), net/ipv6/ip6_output.c). */
const DIRECTIONS = ['out', 'fwd'] as const;

/**
 * The policies that the fast path would bypass, in the words of iproute2: those that would encrypt or block a packet
 * that the stack forwards, or let it through only if it came encrypted. What cannot be known for certain counts.
 */
export function bypassedPolicies({ policies, defaults }: IpsecPolicies, traffic: FastTraffic): string[] {
  const ifindexes = ifindexesOf(traffic);
  const own = ownAddresses(traffic);
  return [
    ...policies.filter((policy) => counts(policy, traffic, ifindexes, own)).map(formatXfrmPolicy),
    ...DIRECTIONS.filter((direction) => defaults[direction] === 'block').map(
      (direction) => `default dir ${direction} action block`,
    ),
  ];
}

function counts(
  policy: XfrmPolicy,
  { prefixes }: FastTraffic,
  ifindexes: ReadonlySet<number>,
  own: ReadonlySet<string>,
): boolean {
  const { direction, selector, action, templates, ifId } = policy;
  const { source, destination, ifindex } = selector;
  // Packets meet it at an xfrm interface, to which the routes have to lead them.
  if (ifId !== undefined) return false;
  // Nobody meets it while being forwarded.
  if (direction === 'in') return false;
  // Lets through what matches, as if it was not there.
  if (action === 'allow' && templates.length === 0) return false;
  if (ifindex !== undefined && !ifindexes.has(ifindex)) return false;
  const isOwn = (prefix: Prefix): boolean => prefix.isHost && own.has(prefix.address.toString());
  // Delivered or sent from here, but never forwarded: its destination is this machine.
  if (isOwn(destination)) return false;
  // Protects what this machine sends. Others have no business with its address.
  if (direction === 'out' && action === 'allow' && isOwn(source)) return false;
  if (LINK_LOCAL.contains(source)) return false;
  if (LINK_LOCAL.contains(destination) || MULTICAST.contains(destination)) return false;
  return prefixes.some((prefix) => prefix.overlaps(source) || prefix.overlaps(destination));
}

/** Those of the interfaces, and of the bridges and VRFs that they belong to: a selector may name either. */
function ifindexesOf({ interfaces, links }: FastTraffic): Set<number> {
  const named = links.filter(({ name, altNames }) =>
    interfaces.some((one) => one === name || altNames.includes(one)),
  );
  return new Set(
    named.flatMap(({ ifindex, master }) => (master === undefined ? [ifindex] : [ifindex, master])),
  );
}

/** Addresses that the kernel takes packets for. One that is not this machine's yet, or no longer, is none. */
function ownAddresses({ addresses }: FastTraffic): Set<string> {
  const valid = addresses.filter(({ tentative, dadFailed }) => !tentative && !dadFailed);
  return new Set(valid.map(({ address }) => address.toString()));
}

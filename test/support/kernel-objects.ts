// Kernel objects with the fields that matter said, the others as they usually are.
import { Address, MacAddress, Prefix } from '../../src/net/index.js';
import type {
  InterfaceAddress,
  Link,
  Neighbour,
  NetlinkSnapshot,
  NextHop,
  Route,
  Rule,
} from '../../src/netlink/index.js';
import { ARPHRD } from '../../src/netlink/index.js';

export const at = (text: string): Address => Address.parse(text);
export const prefix = (text: string): Prefix => Prefix.parse(text);
export const mac = (text: string): MacAddress => MacAddress.parse(text);

export function link(ifindex: number, name: string, change: Partial<Link> = {}): Link {
  return {
    ifindex,
    name,
    altNames: [],
    alias: undefined,
    kind: 'veth',
    type: ARPHRD.ETHER,
    flags: 0,
    up: true,
    running: true,
    lowerUp: true,
    noArp: false,
    loopback: false,
    pointToPoint: false,
    carrier: true,
    operState: 'up',
    mtu: 1500,
    mac: mac(`02:00:00:00:00:${ifindex.toString(16).padStart(2, '0')}`),
    master: undefined,
    link: undefined,
    linkNetnsId: undefined,
    addrGenMode: 'eui64',
    tunnel: undefined,
    ...change,
  };
}

export function address(
  ifindex: number,
  text: string,
  change: Partial<InterfaceAddress> = {},
): InterfaceAddress {
  const [host = '', length = '64'] = text.split('/');
  return {
    ifindex,
    family: 6,
    address: at(host),
    peer: undefined,
    prefixLength: Number(length),
    prefix: Prefix.covering(at(host), Number(length)),
    scope: 0,
    flags: 0,
    tentative: false,
    dadFailed: false,
    deprecated: false,
    permanent: true,
    temporary: false,
    noDad: false,
    optimistic: false,
    noPrefixRoute: false,
    preferredLifetime: Number.POSITIVE_INFINITY,
    validLifetime: Number.POSITIVE_INFINITY,
    protocol: 0,
    ...change,
  };
}

export function route(destination: string, change: Partial<Route> = {}): Route {
  return {
    family: 6,
    table: 254,
    type: 'unicast',
    destination: prefix(destination),
    source: undefined,
    gateway: undefined,
    ifindex: undefined,
    metric: 1024,
    prefsrc: undefined,
    protocol: 3,
    scope: 0,
    tos: 0,
    mtu: undefined,
    mtuLocked: false,
    nextHops: [],
    flags: 0,
    dead: false,
    linkDown: false,
    onlink: false,
    cloned: false,
    nexthopId: undefined,
    encapType: undefined,
    ...change,
  };
}

export function hop(ifindex: number, gateway: string): NextHop {
  return { gateway: at(gateway), ifindex, weight: 1, flags: 0, dead: false, linkDown: false, onlink: false };
}

export function rule(priority: number, change: Partial<Rule> = {}): Rule {
  return {
    family: 6,
    priority,
    action: 'table',
    source: undefined,
    destination: undefined,
    fwmark: undefined,
    fwmask: undefined,
    table: 254,
    iif: undefined,
    oif: undefined,
    protocol: 2,
    l3mdev: false,
    invert: false,
    suppressPrefixLength: undefined,
    goto: undefined,
    ipProto: undefined,
    tos: 0,
    ...change,
  };
}

export function neighbour(ifindex: number, text: string, change: Partial<Neighbour> = {}): Neighbour {
  return {
    ifindex,
    family: 6,
    address: at(text),
    mac: mac('02:00:00:00:aa:01'),
    state: 2,
    states: ['reachable'],
    usable: true,
    flags: 0,
    extFlags: 0,
    managed: false,
    proxy: false,
    router: false,
    extLearned: false,
    protocol: 0,
    type: 1,
    ...change,
  };
}

export function snapshot(part: Partial<NetlinkSnapshot> = {}): NetlinkSnapshot {
  return { links: [], addresses: [], routes: [], neighbours: [], rules: [], ...part };
}

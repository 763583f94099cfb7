import { IFA_F, Netlink, RT_TABLE } from '../../../src/netlink/index.js';
import { ip, ipJson } from './namespace.js';

const sorted = (rows: unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

function furnish(): void {
  ip(
    'link',
    'add',
    'va',
    'mtu',
    '1400',
    'address',
    '02:00:00:00:00:0a',
    'type',
    'veth',
    'peer',
    'name',
    'vb',
  );
  ip('link', 'add', 'br0', 'type', 'bridge');
  ip('link', 'property', 'add', 'dev', 'vb', 'altname', 'a-second-name-that-is-long');
  ip('link', 'set', 'vb', 'arp', 'off', 'addrgenmode', 'none', 'master', 'br0');
  ip('link', 'set', 'va', 'up');
  ip('link', 'set', 'vb', 'up');
  ip('addr', 'add', '2001:db8:1::1/64', 'dev', 'va', 'nodad');
  ip(
    'addr',
    'add',
    '2001:db8:2::1/64',
    'dev',
    'va',
    'nodad',
    'noprefixroute',
    'valid_lft',
    '4000',
    'preferred_lft',
    '0',
  );
  ip('addr', 'add', '2001:db8:3::1', 'peer', '2001:db8:3::2/128', 'dev', 'va', 'nodad');
  ip('-6', 'route', 'add', 'default', 'via', '2001:db8:1::fe', 'metric', '7', 'src', '2001:db8:2::1');
  ip(
    '-6',
    'route',
    'add',
    '2001:db8:a::/48',
    'from',
    '2001:db8:1::/64',
    'dev',
    'va',
    'table',
    '1000',
    'mtu',
    '1300',
  );
  ip('-6', 'route', 'add', 'unreachable', '2001:db8:b::/48', 'proto', '200');
  ip('-6', 'route', 'add', 'blackhole', '2001:db8:c::/48', 'table', '5');
  ip(
    ...['-6', 'route', 'add', '2001:db8:d::/48'],
    ...['nexthop', 'via', '2001:db8:1::2', 'weight', '3', 'nexthop', 'via', '2001:db8:1::3'],
  );
  ip('-6', 'rule', 'add', 'from', '2001:db8:1::/64', 'lookup', '1000', 'pref', '100', 'protocol', '42');
  ip('-6', 'rule', 'add', 'fwmark', '0x10/0xf0', 'iif', 'va', 'unreachable', 'pref', '200');
  ip('-6', 'rule', 'add', 'not', 'to', '2001:db8:9::/48', 'oif', 'nosuch', 'lookup', 'main', 'pref', '300');
  ip('-6', 'rule', 'add', 'lookup', 'main', 'suppress_prefixlength', '0', 'pref', '400');
  ip('-6', 'neigh', 'add', '2001:db8:1::5', 'lladdr', '02:00:00:00:00:05', 'dev', 'va', 'router');
  ip('-6', 'neigh', 'add', '2001:db8:1::6', 'lladdr', '02:00:00:00:00:06', 'dev', 'va', 'nud', 'stale');
  ip('-6', 'neigh', 'add', 'proxy', '2001:db8:1::7', 'dev', 'va');
}

interface IpLink {
  ifindex: number;
  ifname: string;
  mtu: number;
  flags: string[];
  operstate: string;
  address: string;
  master?: string;
  altnames?: string[];
  linkinfo?: { info_kind?: string };
  inet6_addr_gen_mode?: string;
}

/** Both views of links, as comparable rows. */
export async function links(): Promise<[string[], string[]]> {
  furnish();
  using netlink = Netlink.open();
  const own = await netlink.dumpLinks();
  const nameOf = (index: number | undefined): string | undefined =>
    own.find((l) => l.ifindex === index)?.name;

  const ours = own.map((link) => ({
    index: link.ifindex,
    name: link.name,
    mtu: link.mtu,
    up: link.up,
    lowerUp: link.lowerUp,
    noArp: link.noArp,
    state: link.operState.toUpperCase(),
    mac: link.mac?.toString(),
    master: nameOf(link.master),
    alt: link.altNames,
    kind: link.kind,
    mode: link.addrGenMode,
  }));
  const theirs = ipJson<IpLink>('-details', 'link', 'show').map((link) => ({
    index: link.ifindex,
    name: link.ifname,
    mtu: link.mtu,
    up: link.flags.includes('UP'),
    lowerUp: link.flags.includes('LOWER_UP'),
    noArp: link.flags.includes('NOARP'),
    state: link.operstate,
    mac: link.address,
    master: link.master,
    alt: link.altnames ?? [],
    kind: link.linkinfo?.info_kind,
    mode: link.inet6_addr_gen_mode,
  }));
  return [sorted(ours), sorted(theirs)];
}

interface IpAddress {
  ifindex: number;
  addr_info: {
    local: string;
    address?: string;
    prefixlen: number;
    scope: string;
    valid_life_time: number;
    preferred_life_time: number;
    tentative?: boolean;
    deprecated?: boolean;
    nodad?: boolean;
    dynamic?: boolean;
    noprefixroute?: boolean;
  }[];
}

export async function addresses(): Promise<[string[], string[]]> {
  furnish();
  using netlink = Netlink.open();
  // Seconds may pass between the two.
  const life = (seconds: number): string =>
    seconds === 0xffffffff || seconds === Number.POSITIVE_INFINITY
      ? 'forever'
      : seconds === 0
        ? 'over'
        : 'limited';
  const scopes: Record<number, string> = { 0: 'global', 253: 'link', 254: 'host' };
  const ours = (await netlink.dumpAddresses()).map((entry) => ({
    index: entry.ifindex,
    local: entry.address.toString(),
    peer: entry.peer?.toString(),
    length: entry.prefixLength,
    scope: scopes[entry.scope],
    valid: life(entry.validLifetime),
    preferred: life(entry.preferredLifetime),
    tentative: entry.tentative,
    deprecated: entry.deprecated,
    noDad: entry.noDad,
    permanent: entry.permanent,
    noPrefixRoute: (entry.flags & IFA_F.NOPREFIXROUTE) !== 0,
  }));
  const theirs = ipJson<IpAddress>('-6', 'addr', 'show').flatMap(({ ifindex, addr_info }) =>
    addr_info.map((entry) => ({
      index: ifindex,
      local: entry.local,
      peer: entry.address,
      length: entry.prefixlen,
      scope: entry.scope,
      valid: life(entry.valid_life_time),
      preferred: life(entry.preferred_life_time),
      tentative: entry.tentative ?? false,
      deprecated: entry.deprecated ?? false,
      noDad: entry.nodad ?? false,
      permanent: entry.dynamic !== true,
      noPrefixRoute: entry.noprefixroute ?? false,
    })),
  );
  return [sorted(ours), sorted(theirs)];
}

interface IpRoute {
  type?: string;
  dst: string;
  from?: string;
  gateway?: string;
  dev?: string;
  table?: string;
  metric: number;
  prefsrc?: string;
  protocol: string;
  metrics?: { mtu?: number }[];
  nexthops?: { gateway: string; dev: string; weight: number }[];
}

export async function routes(): Promise<[string[], string[]]> {
  furnish();
  using netlink = Netlink.open();
  const names = new Map((await netlink.dumpLinks()).map((link) => [link.ifindex, link.name]));
  const nameOf = (index: number | undefined): string | undefined =>
    index === undefined ? undefined : names.get(index);
  const ours = (await netlink.dumpRoutes()).map((route) => ({
    type: route.type,
    dst: route.destination.toString(),
    from: route.source?.toString(),
    via: route.gateway?.toString(),
    dev: nameOf(route.ifindex),
    table: String(route.table),
    metric: route.metric,
    src: route.prefsrc?.toString(),
    protocol: String(route.protocol),
    mtu: route.mtu,
    hops: route.nextHops.map((hop) => [hop.gateway?.toString(), nameOf(hop.ifindex), hop.weight]),
  }));
  const prefix = (text: string): string =>
    text === 'default' ? '::/0' : text.includes('/') ? text : `${text}/128`;
  const theirs = ipJson<IpRoute>('-6', '-N', '-details', 'route', 'show', 'table', 'all').map((route) => ({
    type: route.type === undefined ? 'unicast' : (TYPES[route.type] ?? route.type),
    dst: prefix(route.dst),
    from: route.from === undefined ? undefined : prefix(route.from),
    via: route.gateway,
    dev: route.dev,
    table: route.table ?? String(RT_TABLE.MAIN),
    metric: route.metric,
    src: route.prefsrc,
    protocol: route.protocol,
    mtu: route.metrics?.[0]?.mtu,
    hops: (route.nexthops ?? []).map((hop) => [hop.gateway, hop.dev, hop.weight]),
  }));
  return [sorted(ours), sorted(theirs)];
}

/** With -N `ip` may print the types as numbers. */
const TYPES: Record<string, string> = {
  '1': 'unicast',
  '2': 'local',
  '4': 'anycast',
  '5': 'multicast',
  '6': 'blackhole',
  '7': 'unreachable',
};

interface IpNeighbour {
  dst: string;
  dev: string;
  lladdr?: string;
  router?: null;
  proxy?: null;
  state?: string[];
}

export async function neighbours(): Promise<[string[], string[]]> {
  furnish();
  using netlink = Netlink.open();
  const names = new Map((await netlink.dumpLinks()).map((link) => [link.ifindex, link.name]));
  const all = [...(await netlink.dumpNeighbours()), ...(await netlink.dumpNeighbours({ proxy: true }))];
  const ours = all.map((entry) => ({
    dst: entry.address.toString(),
    dev: names.get(entry.ifindex),
    mac: entry.mac?.toString(),
    router: entry.router,
    proxy: entry.proxy,
    state: entry.states.map((state) => state.toUpperCase()),
  }));
  const theirs = [
    ...ipJson<IpNeighbour>('-6', 'neigh', 'show', 'nud', 'all'),
    ...ipJson<IpNeighbour>('-6', 'neigh', 'show', 'proxy'),
  ].map((entry) => ({
    dst: entry.dst,
    dev: entry.dev,
    mac: entry.lladdr,
    router: 'router' in entry,
    proxy: 'proxy' in entry,
    state: (entry.state ?? []).filter((state) => state !== 'NONE'),
  }));
  return [sorted(ours), sorted(theirs)];
}

interface IpRule {
  priority: number;
  not?: null;
  src: string;
  srclen?: number;
  dst?: string;
  dstlen?: number;
  fwmark?: string;
  fwmask?: string;
  iif?: string;
  oif?: string;
  table?: string;
  action?: string;
  protocol?: string;
  suppress_prefixlen?: number;
}

export async function rules(): Promise<[string[], string[]]> {
  furnish();
  using netlink = Netlink.open();
  const hex = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : `0x${value.toString(16)}`;
  const ours = (await netlink.dumpRules()).map((rule) => ({
    priority: rule.priority,
    not: rule.invert,
    from: rule.source?.toString(),
    to: rule.destination?.toString(),
    fwmark: hex(rule.fwmark),
    fwmask: hex(rule.fwmask),
    iif: rule.iif,
    oif: rule.oif,
    table: rule.table === 0 ? undefined : String(rule.table),
    action: rule.action === 'table' ? undefined : rule.action,
    protocol: String(rule.protocol),
    suppress: rule.suppressPrefixLength,
  }));
  const theirs = ipJson<IpRule>('-6', '-N', '-details', 'rule', 'show').map((rule) => ({
    priority: rule.priority,
    not: 'not' in rule,
    from: rule.src === 'all' ? undefined : `${rule.src}/${rule.srclen ?? 128}`,
    to: rule.dst === undefined ? undefined : `${rule.dst}/${rule.dstlen ?? 128}`,
    fwmark: rule.fwmark,
    fwmask: rule.fwmask,
    iif: rule.iif,
    oif: rule.oif,
    table: rule.table,
    action: rule.action === undefined ? undefined : (TYPES[rule.action] ?? rule.action),
    protocol: rule.protocol,
    suppress: rule.suppress_prefixlen,
  }));
  return [sorted(ours), sorted(theirs)];
}

/** How many counters of a link are, for `ip`, between what we read before and after. */
async function countersBetween(netlink: Netlink, ifindex: number): Promise<number> {
  type Counters = Record<'packets' | 'bytes' | 'errors' | 'dropped', number>;
  const before = await netlink.getLinkStats(ifindex);
  const [link] = ipJson<{ stats64: { rx: Counters; tx: Counters } }>('-s', 'link', 'show', 'dev', 'va');
  const after = await netlink.getLinkStats(ifindex);
  if (!before || !after || !link) return -1;
  const { rx, tx } = link.stats64;
  const pairs = [
    ['rxPackets', rx.packets],
    ['txPackets', tx.packets],
    ['rxBytes', rx.bytes],
    ['txBytes', tx.bytes],
    ['rxErrors', rx.errors],
    ['txErrors', tx.errors],
    ['rxDropped', rx.dropped],
    ['txDropped', tx.dropped],
  ] as const;
  return pairs.filter(([name, value]) => before[name] <= value && value <= after[name]).length;
}

/** Filters give the part of the whole that they name. */
export async function filters(): Promise<Record<string, number[]>> {
  furnish();
  using netlink = Netlink.open();
  const va = (await netlink.getLink('va'))?.ifindex ?? 0;
  const all = await netlink.dumpRoutes();
  const addresses = await netlink.dumpAddresses();
  const count = async (promise: Promise<unknown[]>): Promise<number> => (await promise).length;
  return {
    table: [await count(netlink.dumpRoutes({ table: 1000 })), all.filter((r) => r.table === 1000).length],
    missingTable: [await count(netlink.dumpRoutes({ table: 4242 })), 0],
    protocol: [await count(netlink.dumpRoutes({ protocol: 200 })), 1],
    type: [await count(netlink.dumpRoutes({ type: 'local' })), all.filter((r) => r.type === 'local').length],
    address: [
      await count(netlink.dumpAddresses({ ifindex: va })),
      addresses.filter((a) => a.ifindex === va).length,
    ],
    noInterface: [await count(netlink.dumpAddresses({ ifindex: 4242 })), 0],
    both: [await count(netlink.dumpAddresses({ family: 0 })), addresses.length + 1],
    neighbours: [await count(netlink.dumpNeighbours({ ifindex: 1 })), 0],
    altName: [
      (await netlink.getLink('a-second-name-that-is-long'))?.ifindex ?? 0,
      (await netlink.getLink('vb'))?.ifindex ?? -1,
    ],
    counters: [await countersBetween(netlink, va), 8],
    noCounters: [(await netlink.getLinkStats(4242)) === undefined ? 0 : 1, 0],
    concurrent: await Promise.all([count(netlink.dumpRoutes()), count(netlink.dumpRoutes())]),
  };
}

// Who is where in the lab: nodes, links, addresses, routes. See the picture in lab.ts.

/** Addresses with a meaning of their own. */
export const addresses = {
  lan: '2001:db8:1::2',
  mobileRouter: '2001:db8:1::1',
  home: '2001:db8:77::1',
  careOfA: '2001:db8:a::2',
  careOfB: '2001:db8:b::2',
  careOfC: '2001:db8:c::2',
  accessA: '2001:db8:a::1',
  accessB: '2001:db8:b::1',
  accessC: '2001:db8:c::1',
  core: '2001:db8:ffff::ff',
  homeAgent: '2001:db8:ffff::1',
  correspondent: '2001:db8:99::2',
  lan2: '2001:db8:2::2',
  home2: '2001:db8:78::1',
  careOf2: '2001:db8:a2::2',
  homeLinkAgent: '2001:db8:77::ff',
  homeLinkRouter: '2001:db8:77::2',
  homeLinkHost: '2001:db8:77::3',
} as const;

/** Mobile network prefixes of the first and the second mobile router. */
export const prefixes = { mobile: '2001:db8:1::/64', mobile2: '2001:db8:2::/64' } as const;

export type NodeName = 'lan' | 'mr' | 'ra' | 'rb' | 'rc' | 'core' | 'ha' | 'cn' | 'lan2' | 'mr2' | 'hl';

interface End {
  readonly node: NodeName;
  readonly interface: string;
  /** Empty: the interface is a port of the node's bridge. */
  readonly address: string;
}

/** A veth pair with a /64. */
interface Link {
  readonly ends: readonly [End, End];
}

export interface Topology {
  readonly nodes: readonly NodeName[];
  readonly links: readonly Link[];
  readonly routes: Readonly<Partial<Record<NodeName, readonly string[]>>>;
  readonly forwarding: readonly NodeName[];
  /** A bridge of the ports of a node, and its address. */
  readonly bridges: Readonly<Partial<Record<NodeName, { interface: string; address: string }>>>;
  /** What an access router lets in: by node, the interface and its only sources. */
  readonly sourceFilters: Readonly<
    Partial<Record<NodeName, readonly { interface: string; prefix: string }[]>>
  >;
}

type EndWords = [NodeName, string, string?];

function link(a: EndWords, b: EndWords): Link {
  const end = ([node, name, address = '']: EndWords): End => ({
    node,
    interface: name,
    address,
  });
  return { ends: [end(a), end(b)] };
}

/** What a lab with one mobile router may have more. */
export interface Extras {
  /** The home link beside the uplinks. */
  readonly homeLink?: boolean;
  /** A third access network. */
  readonly thirdUplink?: boolean;
}

/** The lab with one mobile router or with two. */
export function topology(routers: 1 | 2, { homeLink = false, thirdUplink = false }: Extras = {}): Topology {
  const one: Topology = {
    nodes: ['lan', 'mr', 'ra', 'rb', 'core', 'ha', 'cn'],
    links: [
      link(['lan', 'eth0', addresses.lan], ['mr', 'lan0', addresses.mobileRouter]),
      link(['mr', 'wa', addresses.careOfA], ['ra', 'mr0', addresses.accessA]),
      link(['mr', 'wb', addresses.careOfB], ['rb', 'mr0', addresses.accessB]),
      link(['ra', 'core0', '2001:db8:fa::2'], ['core', 'ra0', '2001:db8:fa::1']),
      link(['rb', 'core0', '2001:db8:fb::2'], ['core', 'rb0', '2001:db8:fb::1']),
      link(['core', 'ha0', addresses.core], ['ha', 'core0', addresses.homeAgent]),
      link(['ha', 'cn0', '2001:db8:99::1'], ['cn', 'eth0', addresses.correspondent]),
    ],
    routes: {
      lan: [`default via ${addresses.mobileRouter} dev eth0`],
      mr: [
        `default via ${addresses.accessA} dev wa metric 1024`,
        `default via ${addresses.accessB} dev wb metric 1025`,
      ],
      ra: ['default via 2001:db8:fa::1 dev core0'],
      rb: ['default via 2001:db8:fb::1 dev core0'],
      core: [
        '2001:db8:a::/64 via 2001:db8:fa::2 dev ra0',
        '2001:db8:b::/64 via 2001:db8:fb::2 dev rb0',
        `${prefixes.mobile} via ${addresses.homeAgent} dev ha0`,
        `${addresses.home} via ${addresses.homeAgent} dev ha0`,
      ],
      ha: [`default via ${addresses.core} dev core0`],
      cn: ['default via 2001:db8:99::1 dev eth0'],
    },
    forwarding: ['mr', 'ra', 'rb', 'core', 'ha'],
    bridges: {},
    sourceFilters: {
      ra: [{ interface: 'mr0', prefix: '2001:db8:a::/64' }],
      rb: [{ interface: 'mr0', prefix: '2001:db8:b::/64' }],
    },
  };
  if (routers === 1) {
    const uplinks = thirdUplink ? withThirdUplink(one) : one;
    return homeLink ? withHomeLink(uplinks) : uplinks;
  }
  return {
    bridges: {},
    nodes: [...one.nodes, 'lan2', 'mr2'],
    links: [
      ...one.links,
      link(['lan2', 'eth0', addresses.lan2], ['mr2', 'lan0', '2001:db8:2::1']),
      link(['mr2', 'wa', addresses.careOf2], ['ra', 'mr2', '2001:db8:a2::1']),
    ],
    routes: {
      ...one.routes,
      lan2: ['default via 2001:db8:2::1 dev eth0'],
      mr2: ['default via 2001:db8:a2::1 dev wa metric 1024'],
      core: [
        ...(one.routes.core ?? []),
        '2001:db8:a2::/64 via 2001:db8:fa::2 dev ra0',
        `${prefixes.mobile2} via ${addresses.homeAgent} dev ha0`,
        `${addresses.home2} via ${addresses.homeAgent} dev ha0`,
      ],
    },
    forwarding: [...one.forwarding, 'mr2'],
    sourceFilters: {
      ...one.sourceFilters,
      ra: [...(one.sourceFilters.ra ?? []), { interface: 'mr2', prefix: '2001:db8:a2::/64' }],
    },
  };
}

function withThirdUplink(one: Topology): Topology {
  const prefix = '2001:db8:c::/64';
  return {
    ...one,
    nodes: [...one.nodes, 'rc'],
    links: [
      ...one.links,
      link(['mr', 'wc', addresses.careOfC], ['rc', 'mr0', addresses.accessC]),
      link(['rc', 'core0', '2001:db8:fc::2'], ['core', 'rc0', '2001:db8:fc::1']),
    ],
    routes: {
      ...one.routes,
      mr: [...(one.routes.mr ?? []), `default via ${addresses.accessC} dev wc metric 1026`],
      rc: ['default via 2001:db8:fc::1 dev core0'],
      core: [...(one.routes.core ?? []), `${prefix} via 2001:db8:fc::2 dev rc0`],
    },
    forwarding: [...one.forwarding, 'rc'],
    sourceFilters: { ...one.sourceFilters, rc: [{ interface: 'mr0', prefix }] },
  };
}

/** The home link is a switch that is a host on it, too, so that the ends go down one by one. */
function withHomeLink(one: Topology): Topology {
  const { homeAgent, home, homeLinkAgent, homeLinkRouter, homeLinkHost } = addresses;
  const toHome = `${home} via ${homeAgent} dev ha0`;
  return {
    ...one,
    nodes: [...one.nodes, 'hl'],
    links: [
      ...one.links,
      link(['mr', 'wh', homeLinkRouter], ['hl', 'mr0']),
      link(['ha', 'home0', homeLinkAgent], ['hl', 'ha0']),
    ],
    routes: {
      ...one.routes,
      core: [
        ...(one.routes.core ?? []).filter((route) => route !== toHome),
        `2001:db8:77::/64 via ${homeAgent} dev ha0`,
      ],
      hl: [`default via ${homeLinkAgent} dev home0`],
    },
    bridges: { hl: { interface: 'home0', address: homeLinkHost } },
  };
}

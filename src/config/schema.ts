/** The configuration file, setting by setting: form, default and description are here and nowhere else. */
import * as z from 'zod';
import { BINDINGS_PER_POLICY, parseMark } from '../policy/index.js';
import { addresses, cgroups, interfaces, numbers } from './selector-values.js';
import { DEVICE_KINDS, EXTERNAL_KINDS, type ExternalKind } from './tunnel.js';
import {
  absolutePath,
  autoOrGateway,
  autoOrGlobalAddress,
  duration,
  globalAddress,
  globalPrefix,
  group,
  integer,
  interfaceName,
  list,
  notA,
  oneOf,
  parsed,
  text,
} from './values.js';

const U32_MAX = 0xffff_ffff;

/** Default of `socket`. */
export function defaultSocket(instance: string): string {
  return `/run/coaxial/${instance === 'default' ? 'coaxial' : instance}.sock`;
}

/** Default of `external.device`. */
export function defaultExternalDevice(kind: ExternalKind): string {
  return EXTERNAL_DEVICES[kind];
}

const EXTERNAL_DEVICES: Readonly<Record<ExternalKind, string>> = {
  vxlan: 'coax-vx0',
  ip6tnl: 'coax-ip0',
  xfrm: 'coax-esp0',
};

/** Default of a binding's `name`. */
export function defaultBindingName(bid: number): string {
  return `bid${bid}`;
}

/** Default of a policy's `name`. */
export function defaultPolicyName(fid: number): string {
  return `fid${fid}`;
}

/** Default of a policy's `priority`: by position, with room in between as long as that fits 16 bits. */
export function defaultPolicyPriority(position: number, count: number): number {
  const step = count * 10 <= 0xffff ? 10 : 1;
  return (position + 1) * step;
}

const name = (what: string) =>
  text(what, /^[A-Za-z][\w.-]{0,63}$/, "write a letter, then up to 63 letters, digits, '-', '_' or '.'");

const bid = integer('a Binding ID', 1, 0xffff).describe('Binding ID, unique within the router');

const homeInterface = interfaceName(1)
  .prefault('coax0')
  .describe('Home interface, created by the daemon (a veth; its peer has this name and a p)');

const tunnel = oneOf('a tunnel kind', ['bpf', 'device', 'external'])
  .default('bpf')
  .describe(
    'How the outer header is made: bpf (by the datapath), device (by a tunnel device of this binding) or external (by the device of the external section)',
  );

const mobileRouterTunnel = oneOf('a tunnel kind', ['bpf', 'device', 'external', 'home'])
  .default('bpf')
  .describe(
    'How the outer header is made: bpf (by the datapath), device (by a tunnel device of this binding), external (by the device of the external section) or home (there is none: interface is on the home link, beside the home agent)',
  );

const device = group('a tunnel device', {
  kind: oneOf('a kind of tunnel device', DEVICE_KINDS)
    .optional()
    .describe('Kind of the device that the daemon makes; xfrm is ESP'),
  adopt: interfaceName()
    .optional()
    .describe('Name of a tunnel interface that is there, instead of kind; it is not removed'),
  name: interfaceName(1)
    .optional()
    .describe('Name of the device that the daemon makes; default coax-<BID>; a second one has a b behind it'),
  key: integer('a key', 0, U32_MAX).optional().describe('ip6gre: key, the same at both ends'),
  vni: integer('a VNI', 0, 0xff_ffff)
    .optional()
    .describe('vxlan: network identifier, the same at both ends; default the BID'),
  port: integer('a UDP port', 1, 0xffff)
    .optional()
    .describe("vxlan: UDP port of both ends, default 4789; wireguard: the home agent's, default 51820"),
  peer: text('a public key', /^[A-Za-z0-9+/]{43}=$/, "write the other end's public key, as wg pubkey says it")
    .optional()
    .describe('wireguard: public key of the other end'),
  'private-key': absolutePath('the path of a key file')
    .optional()
    .describe('wireguard: file with the private key of this end, readable by its owner only'),
  'preshared-key': absolutePath('the path of a key file')
    .optional()
    .describe('wireguard: file with a key that both ends know, readable by its owner only'),
  keys: absolutePath('the path of a key file')
    .optional()
    .describe('xfrm: file with the keys of this binding, the same at both ends, readable by its owner only'),
})
  .optional()
  .describe('The tunnel device of a binding with tunnel: device');

const keys = absolutePath('the path of a key file')
  .optional()
  .describe(
    'File with the keys of this binding where the external device is an xfrm interface, the same at both ends, readable by its owner only',
  );

const bindingPriority = integer('a binding priority', 1, 127)
  .default(10)
  .describe('BID-PRI: of the usable bindings the lowest carries what no policy decides');

const bindingMtu = integer('an MTU', 1, 0xffff)
  .optional()
  .describe("Path MTU of the outer packet, bytes; default: the uplink's MTU");

const match = group('a selector', {
  mark: parsed(
    z
      .union([z.number(), z.string()], {
        error: notA('a mark', 'write VALUE or VALUE/MASK, for example 0x10/0xff'),
      })
      .meta({ form: 'VALUE or VALUE/MASK' }),
    parseMark,
  )
    .optional()
    .describe('Packet mark as VALUE or VALUE/MASK, for example 0x10/0xff'),
  source: addresses()
    .optional()
    .describe('Source addresses: address, prefix, range, or "@" and the name of a set'),
  destination: addresses().optional().describe('Destination addresses, as source'),
  protocol: numbers('protocol').optional().describe('Upper-layer protocol, the one behind extension headers'),
  'source-port': numbers('sourcePort').optional().describe('Source port; needs a protocol that has ports'),
  'destination-port': numbers('destinationPort')
    .optional()
    .describe('Destination port, for example [5060, 16384-32767]; needs a protocol that has ports'),
  dscp: numbers('dscp').optional().describe('Differentiated services code point; the ECN bits do not matter'),
  'flow-label': numbers('flowLabel').optional().describe('Flow label of the IPv6 header'),
  spi: numbers('spi').optional().describe('Security Parameters Index of the first AH or ESP header'),
  'icmp-type': numbers('icmpType').optional().describe('Type of an ICMPv6 message'),
  'icmp-code': numbers('icmpCode').optional().describe('Code of an ICMPv6 message'),
  interface: interfaces()
    .optional()
    .describe(
      'Interface the packet came in by, one of ingress (home agent: interfaces); local traffic has none',
    ),
  cgroup: cgroups()
    .optional()
    .describe(
      'Control group (v2) of the sending process of this machine, for example /system.slice/x.service; processes in groups below match too',
    ),
})
  .prefault({})
  .describe('What to match; all settings must match, without any every packet does');

const bindingReference = z
  .union([bid, z.string()], { error: notA('a binding', 'write the name or the BID of a binding') })
  .meta({ form: 'a binding by name or BID' });

const bindingList = (example: string) => {
  const error = {
    error: notA(
      `a list of 1 to ${BINDINGS_PER_POLICY} bindings`,
      `write names or BIDs, for example ${example}`,
    ),
  };
  return z.array(bindingReference, error).min(1, error).max(BINDINGS_PER_POLICY, error);
};

const sharesError = notA(
  `1 to ${BINDINGS_PER_POLICY} bindings with their weights`,
  'write names or BIDs with weights, for example {lte: 3, wifi: 1}',
);

const shares = z
  .record(z.string(), integer('a weight', 1, 255), { error: sharesError })
  .refine((given) => Object.keys(given).length >= 1 && Object.keys(given).length <= BINDINGS_PER_POLICY, {
    error: sharesError,
  })
  .meta({ form: 'group: a binding by name or BID, its weight (1..255)' });

const yes = (action: string) =>
  z.literal(true, { error: notA('true', `write ${action}: true, or leave it out`) });

export const policySchema = group('a policy', {
  fid: integer('a flow identifier', 1, 0xffff)
    .optional()
    .describe('Flow identifier, unique within the router; default: the next free one in order'),
  name: name('a policy name').optional().describe('Name in reports; default fid<FID>'),
  priority: integer('a policy priority', 1, 0xffff)
    .optional()
    .describe('FID-PRI, unique within the router, lower is asked first; default by position: 10, 20, ...'),
  match,
  use: bindingList('[lte-a, 2]')
    .optional()
    .describe(
      'Action: bindings by name or BID in order of preference; the first usable one carries the packet',
    ),
  balance: shares
    .optional()
    .describe('Action: the usable ones of these bindings share the flows by their weights'),
  copy: bindingList('[lte-a, 2]')
    .optional()
    .describe('Action: every usable one of these bindings carries a copy'),
  drop: yes('drop').optional().describe('Action: the packet is dropped'),
  bypass: yes('bypass')
    .optional()
    .describe('Action: the route the kernel has without ours; needs interface or cgroup in match'),
  otherwise: oneOf('what to do without a usable binding', ['next', 'drop', 'default'])
    .optional()
    .describe(
      'When no binding of the action is usable: next policy (the default), drop the packet, or the default binding by BID-PRI',
    ),
});

export const mobileRouterBindingSchema = group('a binding', {
  bid,
  name: name('a binding name').optional().describe('Name that policies may use; default bid<BID>'),
  priority: bindingPriority,
  interface: interfaceName().describe('Uplink: the interface that has the care-of address'),
  'care-of': autoOrGlobalAddress()
    .prefault('auto')
    .describe('Care-of address; auto: the usable global address the uplink has'),
  gateway: autoOrGateway()
    .prefault('auto')
    .describe("The uplink's router; auto: from the routes and router advertisements of the uplink"),
  tunnel: mobileRouterTunnel,
  device,
  keys,
  mtu: bindingMtu,
});

const homeAgentBindingSchema = group('a binding', {
  bid,
  name: name('a binding name').optional().describe('Name that policies may use; default bid<BID>'),
  priority: bindingPriority,
  'care-of': globalAddress()
    .optional()
    .describe('Care-of address; without it the binding is unusable until one is registered'),
  tunnel,
  device,
  keys,
  mtu: bindingMtu,
});

export const ingressSchema = group('an ingress interface', {
  interface: interfaceName().describe('Interface towards the mobile network'),
  forwarding: oneOf('a way of forwarding', ['auto', 'fast', 'stack'])
    .default('auto')
    .describe(
      'fast: packets for home skip the network stack; stack: they go through it, so that firewall rules and IPsec policies see them; auto: stack while there are such that would see them, else fast',
    ),
});

const prefixes = list('a list of prefixes', globalPrefix()).default([]).describe('Mobile network prefixes');

const policies = list('a list of policies', policySchema)
  .default([])
  .describe('Policies in order of priority, unless they have a priority of their own');

const registrationKey = absolutePath('the path of a key file')
  .optional()
  .describe(
    'File with the key that mobile router and home agent share for registration (coax keys --registration FILE), readable by its owner only',
  );

/** Lifetimes are multiples of 4 seconds in 16 bits (RFC 6275 section 6.1.7). */
const registrationLifetime = duration('a lifetime', 0xffff * 4000, 4000).prefault('10m');

const unauthenticated = (what: string) =>
  oneOf('what to do with unauthenticated messages', ['refuse', 'accept']).default('refuse').describe(what);

const homeAgentRegistration = group('the registration settings', {
  unauthenticated: unauthenticated(
    'accept: Binding Updates of routers without a key are believed, whoever sends them',
  ),
  lifetime: registrationLifetime.describe('Longest lifetime of a registration'),
  bulk: oneOf('what to do with bulk registration', ['accept', 'refuse'])
    .default('accept')
    .describe('Binding Updates with several bindings'),
  'home-and-foreign': oneOf('what to do with routers at home and abroad', ['accept', 'refuse'])
    .default('accept')
    .describe('Registrations of a mobile router that is at home and has uplinks elsewhere at the same time'),
})
  .optional()
  .describe(
    'Mobile routers register their care-of addresses themselves (RFC 5648): those with a key, or all when unauthenticated is accept',
  );

const mobileRouterRegistration = group('the registration settings', {
  key: registrationKey,
  unauthenticated: unauthenticated(
    'accept: without a key, Binding Acknowledgements are believed, whoever sends them',
  ),
  lifetime: registrationLifetime.describe('Lifetime that is asked for'),
  mode: oneOf('a way of registration', ['bulk', 'individual'])
    .default('bulk')
    .describe('bulk: all bindings in one Binding Update; individual: each by itself, from its own uplink'),
  prefixes: oneOf('a way of registering prefixes', ['explicit', 'implicit'])
    .default('explicit')
    .describe(
      'explicit: Binding Updates name the mobile network prefixes; implicit: the home agent knows them',
    ),
})
  .optional()
  .describe(
    'The care-of addresses are registered with the home agent (RFC 5648); without it they are set there by hand',
  );

export const routerSchema = group('a mobile router', {
  name: name('a router name').describe('Name of the mobile router, unique'),
  address: globalAddress().describe('Home address of the mobile router'),
  prefixes,
  key: registrationKey,
  bindings: list('a list of bindings', homeAgentBindingSchema)
    .default([])
    .describe(
      'Tunnels to the mobile router; a registered binding that is not listed has tunnel: bpf and the priority that the router gives it',
    ),
  policies: policies.describe(
    'Policies of the packets towards this router, written as the home agent sees them; in order of priority',
  ),
});

const xdpMode = () => oneOf('an XDP mode', ['auto', 'native', 'generic', 'off']);

const common = {
  instance: text('an instance name', /^[a-z0-9-]{1,32}$/, "write 1 to 32 of a-z, 0-9 and '-'")
    .default('default')
    .describe('Name of this daemon among those of the machine'),
  socket: absolutePath('the path of a socket')
    // sun_path has 108 bytes and ends with a zero.
    .refine((path) => Buffer.byteLength(path) <= 107, {
      error: notA('short enough for a socket', 'write a path of at most 107 bytes'),
    })
    .optional()
    .describe(
      'Unix socket of the API; default /run/coaxial/<instance>.sock, coaxial.sock for instance default',
    ),
  bpffs: absolutePath('the path of a BPF file system')
    .default('/sys/fs/bpf')
    .describe('Where the BPF file system is mounted'),
  state: absolutePath('the path of a folder')
    .default('/var/lib/coaxial')
    .describe('Where the daemon keeps what must survive a restart of the machine'),
  external: group('the external tunnel device', {
    kind: oneOf('a kind of tunnel device', EXTERNAL_KINDS)
      .default('vxlan')
      .describe(
        'Kind of the tunnel device; xfrm is ESP, and takes a kernel from 6.2 on and CAP_SYS_ADMIN for the daemon',
      ),
    device: interfaceName()
      .optional()
      .describe(
        'Name of the tunnel device, created by the daemon; default coax-vx0, of ip6tnl coax-ip0, of xfrm coax-esp0',
      ),
    port: integer('a UDP port', 1, 0xffff)
      .default(4789)
      .describe('vxlan: UDP port of the tunnel, the same at both ends'),
    vni: integer('a VNI', 0, 0xff_ffff)
      .default(1)
      .describe('vxlan: network identifier, the same at both ends'),
  })
    .optional()
    .describe('The one device of all bindings with tunnel: external'),
  sets: z
    .record(z.string(), addresses(), {
      error: notA('a group of sets', "write names with addresses, for example 'offices: [2001:db8:a::/48]'"),
    })
    .default({})
    .meta({ form: 'group: a name, its addresses' })
    .describe(
      'Named sets of addresses: address, prefix, range or "@" and the name of another set, or a list',
    ),
  routing: group('the routing settings', {
    table: integer('a routing table', 1, U32_MAX - 0xffff)
      .default(7600)
      .describe('The routing table of BID n is this number plus n'),
    'rule-priority': integer('a rule priority', 1, 32765)
      .default(100)
      .describe('Priority of the rules that send packets from a care-of address to its table'),
    metric: integer('a metric', 1, U32_MAX).default(64).describe('Metric of our routes in the main table'),
    protocol: integer('a route protocol', 5, 255)
      .default(191)
      .describe('rtnetlink protocol number by which our routes and rules are known'),
    'bypass-mark': integer('a mark', 1, U32_MAX)
      .refine((mark) => (mark & (mark - 1)) === 0, 'one bit of the mark, for example 0x40000000')
      .default(0x4000_0000)
      .describe(
        "Bit of the mark of packets that a policy lets bypass us; rules send them by the kernel's own routes",
      ),
  })
    .prefault({})
    .describe('Numbers of our routes and rules'),
  'grace-time': duration('a time', 3_600_000)
    .prefault('10s')
    .describe('How long packets to an old care-of address are still accepted'),
  silence: duration('a time', 3_600_000)
    .prefault('10s')
    .describe(
      'A binding that sends for so long while nothing comes back by it is named in status; 0s: never',
    ),
  xdp: group('the XDP settings', {
    mode: xdpMode()
      .default('auto')
      .describe(
        'native: a program in the driver is asked before the one at TC; generic: behind the driver, for trying; off: TC alone; auto: native where that is sure to win (docs/decisions/0019-xdp.md)',
      ),
    interfaces: z
      .record(z.string(), xdpMode(), {
        error: notA('a group of interfaces', "write names with modes, for example 'eth0: native'"),
      })
      .default({})
      .meta({ form: 'group: an interface of this file, its mode' })
      .describe('Modes of single interfaces'),
  })
    .prefault({})
    .describe('The XDP fast path, interface by interface; the answers are the same with and without'),
  limits: group('the limits', {
    bindings: integer('a limit', 1, 0x10_0000).default(64).describe('Bindings of all routers together'),
    routers: integer('a limit', 1, 0x10_0000).default(8).describe('Mobile routers'),
    policies: integer('a limit', 1, 0x10_0000).default(1024).describe('Policies of all routers together'),
    prefixes: integer('a limit', 1, 0x10_0000)
      .default(1024)
      .describe('Prefixes and home addresses of all routers'),
    routes: integer('a limit', 1, 0x100_0000).default(16384).describe('Routes copied from the kernel'),
    neighbours: integer('a limit', 1, 0x100_0000)
      .default(4096)
      .describe('Neighbours on the ingress interfaces'),
  })
    .prefault({})
    .describe('Sizes of the tables in the kernel; changing one needs a restart'),
};

export const mobileRouterSchema = group('a configuration', {
  role: z.literal('mobile-router').describe('What this machine is'),
  ...common,
  home: group('the home settings', {
    agent: globalAddress().describe("The home agent's address"),
    address: globalAddress().describe('Home address of this router'),
    prefixes,
    interface: homeInterface,
  }).describe('Home agent and home addresses'),
  ingress: list('a list of ingress interfaces', ingressSchema)
    .default([])
    .describe('Interfaces towards the mobile network'),
  registration: mobileRouterRegistration,
  bindings: list('a list of bindings', mobileRouterBindingSchema)
    .min(1, { error: notA('enough', 'write at least one binding') })
    .describe('Tunnels to the home agent, one for each uplink'),
  policies,
});

export const homeAgentSchema = group('a configuration', {
  role: z.literal('home-agent').describe('What this machine is'),
  ...common,
  home: group('the home settings', {
    agent: globalAddress().describe("The home agent's address, the end of all tunnels"),
    interface: homeInterface,
    link: interfaceName()
      .optional()
      .describe(
        'Interface of the home link, one of interfaces; without it no router may be at home and abroad at once',
      ),
  }).describe('The home agent itself'),
  interfaces: list('a list of interfaces', interfaceName())
    .min(1, { error: notA('enough', 'write at least one interface') })
    .describe('Every interface that packets of mobile routers come from or go to'),
  registration: homeAgentRegistration,
  routers: list('a list of mobile routers', routerSchema)
    .default([])
    .describe('Mobile routers this home agent serves'),
});

export type RawMobileRouter = z.output<typeof mobileRouterSchema>;
export type RawHomeAgent = z.output<typeof homeAgentSchema>;
export type RawDevice = NonNullable<z.output<typeof device>>;
export type RawExternal = NonNullable<RawMobileRouter['external']>;
export type RawSets = RawMobileRouter['sets'];
export type RawPolicy = z.output<typeof policySchema>;

/** JSON Schema of the configuration file, for editors and for the documentation. */
export function configJsonSchema(): object {
  return z.toJSONSchema(z.discriminatedUnion('role', [mobileRouterSchema, homeAgentSchema]), { io: 'input' });
}

/** The configuration file, setting by setting: form, default and description are here and nowhere else. */
import { z } from 'zod';
import {
  BINDINGS_PER_POLICY,
  PROTOCOL_NAMES,
  parseMark,
  parsePorts,
  parseProtocol,
  parseSelectorPrefix,
} from '../policy/index.js';
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

const tunnel = oneOf('a tunnel kind', ['bpf', 'external'])
  .default('bpf')
  .describe(
    'How the outer header is made: bpf (by the datapath) or external (by the device of the external section)',
  );

const bindingPriority = integer('a binding priority', 1, 127)
  .default(10)
  .describe('BID-PRI: of the usable bindings the lowest carries what no policy decides');

const bindingMtu = integer('an MTU', 1, 0xffff)
  .optional()
  .describe("Path MTU of the outer packet, bytes; default: the uplink's MTU");

const port = (which: string) =>
  parsed(
    z
      .union([z.number(), z.string()], {
        error: notA('a port or a range of ports', 'write PORT or LOW-HIGH, each from 0 to 65535'),
      })
      .meta({ form: 'PORT or LOW-HIGH' }),
    parsePorts,
  )
    .optional()
    .describe(`${which} port or range of ports, for example 5000-5010; needs a protocol that has ports`);

const selectorPrefix = (which: string) =>
  parsed(
    z
      .string({ error: notA('an IPv6 address or prefix', 'write ADDRESS or ADDRESS/LENGTH') })
      .meta({ form: 'an IPv6 address or prefix' }),
    parseSelectorPrefix,
  )
    .optional()
    .describe(`${which} address or prefix`);

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
  source: selectorPrefix('Source'),
  destination: selectorPrefix('Destination'),
  protocol: parsed(
    z
      .union([z.number(), z.string()], {
        error: notA('a protocol', `write ${[...PROTOCOL_NAMES.keys()].join(', ')} or a number from 0 to 255`),
      })
      .meta({ form: 'a name or a number' }),
    parseProtocol,
  )
    .optional()
    .describe(
      `Upper-layer protocol, the one behind extension headers: ${[...PROTOCOL_NAMES.keys()].join(', ')} or 0..255`,
    ),
  'source-port': port('Source'),
  'destination-port': port('Destination'),
})
  .prefault({})
  .describe('What to match; all settings must match, without any every packet does');

const bindingReference = z
  .union([bid, z.string()], { error: notA('a binding', 'write the name or the BID of a binding') })
  .meta({ form: 'a binding by name or BID' });

const useError = {
  error: notA(
    `a list of 1 to ${BINDINGS_PER_POLICY} bindings`,
    'write names or BIDs, for example [lte-a, 2]',
  ),
};

export const policySchema = group('a policy', {
  fid: integer('a flow identifier', 1, 0xffff)
    .optional()
    .describe('Flow identifier, unique within the router; default: the next free one in order'),
  name: name('a policy name').optional().describe('Name in reports; default fid<FID>'),
  priority: integer('a policy priority', 1, 0xffff)
    .optional()
    .describe('FID-PRI, unique within the router, lower is asked first; default by position: 10, 20, ...'),
  match,
  use: z
    .array(bindingReference, useError)
    .min(1, useError)
    .max(BINDINGS_PER_POLICY, useError)
    .describe('Bindings by name or BID in order of preference; the first usable one carries the packet'),
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
  tunnel,
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
  mtu: bindingMtu,
});

export const ingressSchema = group('an ingress interface', {
  interface: interfaceName().describe('Interface towards the mobile network'),
  forwarding: oneOf('a way of forwarding', ['auto', 'fast', 'stack'])
    .default('auto')
    .describe(
      'fast: packets for home skip the network stack; stack: they go through it, so that firewall rules see them; auto: stack while netfilter has rules that would see them, else fast',
    ),
});

const prefixes = list('a list of prefixes', globalPrefix()).default([]).describe('Mobile network prefixes');

const policies = list('a list of policies', policySchema)
  .default([])
  .describe('Policies in order of priority, unless they have a priority of their own');

export const routerSchema = group('a mobile router', {
  name: name('a router name').describe('Name of the mobile router, unique'),
  address: globalAddress().describe('Home address of the mobile router'),
  prefixes,
  bindings: list('a list of bindings', homeAgentBindingSchema)
    .default([])
    .describe('Tunnels to the mobile router'),
  policies: policies.describe(
    'Policies of the packets towards this router, written as the home agent sees them; in order of priority',
  ),
});

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
  external: group('the external tunnel device', {
    kind: oneOf('a kind of tunnel device', ['vxlan']).default('vxlan').describe('Kind of the tunnel device'),
    device: interfaceName().prefault('coax-vx0').describe('Name of the tunnel device, created by the daemon'),
    port: integer('a UDP port', 1, 0xffff)
      .default(4789)
      .describe('UDP port of the tunnel, the same at both ends'),
    vni: integer('a VNI', 0, 0xff_ffff)
      .default(1)
      .describe('VXLAN network identifier, the same at both ends'),
  })
    .optional()
    .describe('The one device of all bindings with tunnel: external'),
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
  }).describe('The home agent itself'),
  interfaces: list('a list of interfaces', interfaceName())
    .min(1, { error: notA('enough', 'write at least one interface') })
    .describe('Every interface that packets of mobile routers come from or go to'),
  routers: list('a list of mobile routers', routerSchema)
    .default([])
    .describe('Mobile routers this home agent serves'),
});

export type RawMobileRouter = z.output<typeof mobileRouterSchema>;
export type RawHomeAgent = z.output<typeof homeAgentSchema>;
export type RawPolicy = z.output<typeof policySchema>;

/** JSON Schema of the configuration file, for editors and for the documentation. */
export function configJsonSchema(): object {
  return z.toJSONSchema(z.discriminatedUnion('role', [mobileRouterSchema, homeAgentSchema]), { io: 'input' });
}

import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.js';
import { type Link, type Netlink, XdpFeatureReader, type XdpFeatures } from '../netlink/index.js';
import { mayLoad } from './capabilities.js';
import { type Check, fail, ok, reasonText, warn } from './check.js';

/** What an interface of the configuration is for. */
export interface NamedInterface {
  name: string;
  use: 'ingress' | 'uplink' | 'both';
  /** The care-of address or the gateway is to be found by itself, which needs router advertisements or routes. */
  auto: boolean;
}

/** Every interface that a configuration names, once. */
export function interfacesOf(config: Config): NamedInterface[] {
  if (config.role === 'home-agent') {
    return config.interfaces.map((name) => ({ name, use: 'both', auto: false }));
  }
  const ingress = config.ingress.map(
    (one): NamedInterface => ({ name: one.interface, use: 'ingress', auto: false }),
  );
  const uplinks = new Map<string, NamedInterface>();
  for (const binding of config.bindings) {
    const auto = binding.tunnel !== 'home' && (binding.careOf === 'auto' || binding.gateway === 'auto');
    const before = uplinks.get(binding.interface);
    uplinks.set(binding.interface, {
      name: binding.interface,
      use: 'uplink',
      auto: auto || before?.auto === true,
    });
  }
  return [...ingress, ...uplinks.values()];
}

/** Existence, state, forwarding and router advertisements of the interfaces, and who else sits on them. */
export async function checkInterfaces(
  config: Config,
  links: readonly Link[],
  netlink: Pick<Netlink, 'dumpFilters'>,
): Promise<Check[]> {
  const checks: Check[] = [];
  using reader = new XdpFeatureReader();
  const features = await reader.read();
  for (const wanted of interfacesOf(config)) {
    const link = links.find((one) => one.name === wanted.name || one.altNames.includes(wanted.name));
    checks.push(checkPresence(wanted, link));
    if (link === undefined) continue;
    checks.push(...checkSysctls(wanted, link));
    if (config.role === 'home-agent' && config.home.link === wanted.name) checks.push(checkProxy(link));
    checks.push(await checkPrograms(link, netlink));
    if (config.xdp.mode !== 'off' || config.xdp.interfaces.length > 0) {
      checks.push(checkXdp(config, wanted.name, features?.get(link.ifindex), features !== undefined));
    }
  }
  return checks;
}

/** What the driver does with XDP, and whether that is what is asked for. */
function checkXdp({ xdp }: Config, name: string, features: XdpFeatures | undefined, isTold: boolean): Check {
  const check = `xdp on ${name}`;
  const mode = xdp.interfaces.find((item) => item.interface === name)?.mode ?? xdp.mode;
  if (mode === 'off' || mode === 'generic') return ok(check, `${mode}, set by the configuration`);
  if (!isTold) return ok(check, `${mode}; the kernel does not tell what the driver does (before 6.3)`);
  const sends = features?.transmits ? 'takes frames from XDP' : 'takes no frames from XDP now';
  if (features?.native) return ok(check, `${mode}; the driver runs XDP programs and ${sends}`);
  const words = 'the driver does not run XDP programs';
  return mode === 'native'
    ? warn(check, words, `set xdp.interfaces.${name} to auto; TC carries its packets`)
    : ok(check, `auto; ${words}, TC carries its packets`);
}

function checkPresence(wanted: NamedInterface, link: Link | undefined): Check {
  const name = `interface ${wanted.name}`;
  if (link === undefined) {
    const advice = `create or plug it in, or correct its name; the daemon waits for it (${wanted.use})`;
    return wanted.use === 'uplink'
      ? warn(name, 'does not exist', advice)
      : fail(name, 'does not exist', advice);
  }
  if (!link.up)
    return warn(name, `exists (ifindex ${link.ifindex}) but is down`, `ip link set ${link.name} up`);
  if (link.carrier === false) return warn(name, 'is up without carrier', 'look at the cable or the modem');
  return ok(name, `up, ifindex ${link.ifindex}, MTU ${link.mtu}`);
}

function checkSysctls(wanted: NamedInterface, link: Link): Check[] {
  const checks: Check[] = [];
  const forwarding = readSysctl(link.name, 'forwarding');
  const key = `net.ipv6.conf.${link.name}.forwarding`;
  if (forwarding === undefined) {
    checks.push(
      fail(`IPv6 on ${link.name}`, 'is off', `sysctl -w net.ipv6.conf.${link.name}.disable_ipv6=0`),
    );
    return checks;
  }
  if (forwarding === 0) {
    checks.push(
      fail(
        `forwarding on ${link.name}`,
        `${key} is 0: the stack does not route`,
        'sysctl -w net.ipv6.conf.all.forwarding=1',
      ),
    );
  } else {
    checks.push(ok(`forwarding on ${link.name}`, `${key} is ${forwarding}`));
  }
  const acceptRa = readSysctl(link.name, 'accept_ra');
  if (wanted.use === 'uplink' && wanted.auto && forwarding !== 0 && acceptRa !== 2) {
    checks.push(
      warn(
        `advertisements on ${link.name}`,
        `accept_ra is ${acceptRa ?? 'unknown'}: a router that forwards ignores them`,
        `sysctl -w net.ipv6.conf.${link.name}.accept_ra=2, unless address and default route are set by hand`,
      ),
    );
  }
  return checks;
}

/** A home agent answers on the home link for routers that are abroad (RFC 6275 section 10.4.1). */
function checkProxy({ name }: Link): Check {
  const check = `proxy on ${name}`;
  const key = `net.ipv6.conf.${name}.proxy_ndp`;
  const answering = ['all', name].find((one) => readSysctl(one, 'proxy_ndp') === 1);
  if (answering !== undefined) return ok(check, `net.ipv6.conf.${answering}.proxy_ndp is 1`);
  return warn(check, `${key} is 0: hosts on the home link do not reach home addresses`, `sysctl -w ${key}=1`);
}

/** Programs of others run before or after ours and may take packets away. */
async function checkPrograms(link: Link, netlink: Pick<Netlink, 'dumpFilters'>): Promise<Check> {
  const name = `programs on ${link.name}`;
  if (!mayLoad()) return warn(name, 'not looked at: needs root', 'run `coax doctor` as root');
  try {
    const { queryTcx, queryXdp } = await import('../libbpf-ts/index.js');
    const tcx = (['ingress', 'egress'] as const).flatMap((direction) =>
      queryTcx(link.ifindex, direction).programs.map(({ programId }) => ({
        programId,
        at: `TCX ${direction}`,
      })),
    );
    const xdp = queryXdp(link.ifindex);
    const found = xdp.mode === 'none' ? tcx : [...tcx, { programId: xdp.programId, at: 'XDP' }];
    const named = await Promise.all(
      found.map(async (one) => ({ ...one, name: await programName(one.programId) })),
    );
    const all = [
      ...named.map((one) => ({ ...one, words: `id ${one.programId}, ${one.at}` })),
      ...(await clsactFilters(link, netlink)),
    ];
    const others = all.filter((one) => !one.name.startsWith('coax'));
    if (others.length === 0) return ok(name, all.length === 0 ? 'none' : 'only ours');
    const list = others.map((one) => `${one.name || 'unnamed'} (${one.words})`).join(', ');
    return warn(
      name,
      `others: ${list}`,
      'they see packets before or after ours: make sure that they let them pass',
    );
  } catch (error) {
    return warn(name, `could not be looked at: ${reasonText(error)}`, 'run `coax doctor` as root');
  }
}

/** Filters of traffic control at both hooks: programs, and whatever else may take packets away. */
async function clsactFilters(
  link: Link,
  netlink: Pick<Netlink, 'dumpFilters'>,
): Promise<{ name: string; words: string }[]> {
  const both = await Promise.all(
    (['ingress', 'egress'] as const).map(async (direction) =>
      (await netlink.dumpFilters(link.ifindex, direction)).map(({ kind, name, priority }) => ({
        name: name ?? '',
        words: `${kind} filter of priority ${priority}, clsact ${direction}`,
      })),
    ),
  );
  return both.flat();
}

/** Empty when the kernel does not let us see it (that needs CAP_SYS_ADMIN). */
async function programName(id: number): Promise<string> {
  const { BpfProgram } = await import('../libbpf-ts/index.js');
  try {
    const program = BpfProgram.fromId(id);
    try {
      return program.info.name;
    } finally {
      program.close();
    }
  } catch {
    return '';
  }
}

/** A setting of an interface; undefined when IPv6 is not there at all. */
function readSysctl(name: string, key: 'forwarding' | 'accept_ra' | 'proxy_ndp'): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv6/conf/${name}/${key}`, 'utf8'));
  } catch {
    return undefined;
  }
}

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { environment } from '../../../lab/command.js';
import {
  type LinkOptions,
  Netlink,
  NetlinkError,
  NetlinkMonitor,
  type RouteSpec,
  type Tunnel,
  type TunnelChange,
} from '../../../src/netlink/index.js';
import { ip, ipJson } from './namespace.js';

const A = '2001:db8::1';
const A2 = '2001:db8::11';
const HA = '2001:db8::2';
const HA2 = '2001:db8::22';

/** What `ip` says of a link's kind. */
interface Shown {
  info_kind: string;
  info_data?: Record<string, unknown>;
}

/** The code, or the errno's name where the kernel refused, and the message. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return `${error.errnoName ?? error.code}: ${error.message}`;
  }
}

function shown(name: string): Shown | undefined {
  return ipJson<{ linkinfo?: Shown }>('-details', 'link', 'show', 'dev', name)[0]?.linkinfo;
}

async function tunnelOf(netlink: Netlink, name: string): Promise<Tunnel | undefined> {
  return (await netlink.getLink(name))?.tunnel;
}

/** Whether it was made, and made again, and what `ip` and the library say of it. */
async function made(netlink: Netlink, name: string, make: () => Promise<boolean>): Promise<object> {
  const created = await make();
  const again = await make();
  const link = await netlink.getLink(name);
  const { mtu, up, addrGenMode } = link ?? {};
  return { created, again, mtu, up, addrGenMode, shown: shown(name), tunnel: link?.tunnel };
}

/** Changes the tunnel t0, and says what it was and is, by `ip`, by a dump and by the monitor's event. */
async function changed(netlink: Netlink, change: TunnelChange): Promise<object> {
  using monitor = new NetlinkMonitor();
  await monitor.start();
  const events: object[] = [];
  monitor.subscribe((event) => {
    if (event.kind !== 'link' || event.change !== 'changed' || event.value.name !== 't0') return;
    events.push({ before: event.previous?.tunnel, after: event.value.tunnel });
  });
  const before = shown('t0');
  const result = await netlink.changeTunnel('t0', change);
  const tunnel = await tunnelOf(netlink, 't0');
  const { links } = await monitor.waitFor((snapshot) =>
    snapshot.links.some(
      (link) => link.name === 't0' && JSON.stringify(link.tunnel) === JSON.stringify(tunnel),
    ),
  );
  const same = await netlink.changeTunnel('t0', change);
  return { result, same, before, after: shown('t0'), tunnel, events, links: links.length };
}

const COMMON = { name: 't0', mtu: 1400, up: true, addrGenMode: 'none' } satisfies LinkOptions;

export async function ip6tnl(): Promise<object> {
  using netlink = Netlink.open();
  const outer = { encapLimit: 'none', trafficClass: 'inherit', flowLabel: 0x12345, fwmark: 9 } as const;
  const options = { ...COMMON, ...outer, local: A, remote: HA, hopLimit: 17, protocol: 'any' } as const;
  const first = await made(netlink, 't0', () => netlink.createIp6Tunnel(options));
  const local = await changed(netlink, { local: A2 });
  const both = await changed(netlink, { local: A, remote: HA2 });
  const second = await made(netlink, 't1', () =>
    netlink.createIp6Tunnel({
      name: 't1',
      local: A,
      remote: HA,
      encapLimit: 3,
      trafficClass: 0x28,
      flowLabel: 'inherit',
    }),
  );
  ip(
    'link',
    'set',
    'dev',
    't1',
    'type',
    'ip6tnl',
    'mode',
    'ip6ip6',
    'local',
    A,
    'remote',
    HA,
    'hoplimit',
    '5',
  );
  const byOthers = await tunnelOf(netlink, 't1');
  const refusals = {
    taken: await refusal(netlink.changeTunnel('t1', { remote: HA2 })),
    family: await refusal(netlink.changeTunnel('t1', { local: '192.0.2.1' })),
    nowhere: await refusal(netlink.changeTunnel('nosuch', { local: A })),
    loopback: await refusal(netlink.changeTunnel('lo', { local: A })),
  };
  return { first, local, both, second, byOthers, refusals };
}

export async function externalIp6tnl(): Promise<object> {
  using netlink = Netlink.open();
  const first = await made(netlink, 't0', () => netlink.createIp6Tunnel({ ...COMMON, external: true }));
  const second = await refusal(netlink.createIp6Tunnel({ name: 't1', external: true }));
  const change = await refusal(netlink.changeTunnel('t0', { local: A }));
  return { first, second, change };
}

export async function ip6gre(): Promise<object> {
  using netlink = Netlink.open();
  const options = { ...COMMON, local: A, remote: HA, key: 0xc0a80001, hopLimit: 17 };
  const first = await made(netlink, 't0', () => netlink.createIp6Gre(options));
  const local = await changed(netlink, { local: A2 });
  const both = await changed(netlink, { local: A, remote: HA2 });
  const plain = await made(netlink, 't1', () => netlink.createIp6Gre({ name: 't1', local: A, remote: HA }));
  return { first, local, both, plain };
}

export async function vxlan(): Promise<object> {
  using netlink = Netlink.open();
  const options = { ...COMMON, local: A, remote: HA, vni: 42, dstPort: 4790, learning: false };
  const first = await made(netlink, 't0', () => netlink.createVxlan(options));
  const local = await changed(netlink, { local: A2 });
  const both = await changed(netlink, { local: A, remote: HA2 });
  const nowhere = await changed(netlink, { remote: '::' });
  const external = await made(netlink, 't1', () => netlink.createVxlan({ name: 't1', external: true }));
  const old = await made(netlink, 't2', () =>
    netlink.createVxlan({ name: 't2', vni: 7, local: '192.0.2.1', remote: '192.0.2.2', dstPort: 4791 }),
  );
  await netlink.changeTunnel('t2', { local: '192.0.2.11' });
  const oldChanged = await tunnelOf(netlink, 't2');
  return { first, local, both, nowhere, external, old, oldChanged };
}

export async function xfrm(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb' });
  const device = (await netlink.getLink('va'))?.ifindex;
  const first = await made(netlink, 't0', () => netlink.createXfrmInterface({ ...COMMON, ifId: 5, device }));
  const lower = (await netlink.getLink('t0'))?.link === device;
  const plain = await made(netlink, 't1', () =>
    netlink.createXfrmInterface({ name: 't1', ifId: 0xfffffffe }),
  );
  const change = await refusal(netlink.changeTunnel('t0', { local: A }));
  return { first, lower, plain, change };
}

export async function externalXfrm(): Promise<object> {
  using netlink = Netlink.open();
  return await made(netlink, 't0', () => netlink.createXfrmInterface({ ...COMMON, external: true }));
}

/** Packets that left the tunnel t0 with the old and the new source. */
function counted(): { old: number; new: number } {
  const text = execFileSync('nft', ['-j', 'list', 'counters'], { encoding: 'utf8', env: environment });
  const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] };
  const packets = (name: string): number =>
    nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? Number.NaN;
  return { old: packets('old'), new: packets('new') };
}

/** Sends ten datagrams by t0 from each processor: the kernel caches routes for each of them. */
function send(): void {
  cpus().forEach((_, cpu) => {
    const words = ['-c', String(cpu), 'bash', '-c', 'for i in {1..10}; do echo > /dev/udp/fd00::2/9; done'];
    execFileSync('taskset', words);
  });
}

/** Whose source outer packets have before and after the local address changes. */
async function sources(
  make: (netlink: Netlink) => Promise<unknown>,
  change: (netlink: Netlink, outside: number) => Promise<unknown> = (netlink) =>
    netlink.changeTunnel('t0', { local: A2 }),
): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true, addrGenMode: 'none' });
  const outside = (await netlink.getLink('va'))?.ifindex ?? 0;
  for (const address of [A, A2]) {
    await netlink.addAddress({ ifindex: outside, address, prefixLength: 64, noDad: true });
  }
  await netlink.addNeighbour({ ifindex: outside, address: HA, mac: '02:00:00:00:00:02' });
  await make(netlink);
  const { ifindex: inside = 0, noArp } = (await netlink.getLink('t0')) ?? {};
  await netlink.addAddress({ ifindex: inside, address: 'fd00::1', prefixLength: 64, noDad: true });
  if (!noArp) await netlink.addNeighbour({ ifindex: inside, address: 'fd00::2', mac: '02:00:00:00:00:03' });
  const rules = `table ip6 sources {
    counter old { }
    counter new { }
    chain out {
      type filter hook output priority 0
      ip6 saddr ${A} ip6 daddr ${HA} counter name old
      ip6 saddr ${A2} ip6 daddr ${HA} counter name new
    }
  }`;
  execFileSync('nft', ['-f', '-'], { input: rules, env: environment });
  send();
  const before = counted();
  await change(netlink, outside);
  send();
  const after = counted();
  return {
    sent: 10 * cpus().length,
    before,
    after: { old: after.old - before.old, new: after.new - before.new },
  };
}

export const ip6tnlSources = (): Promise<object> =>
  sources((netlink) => netlink.createIp6Tunnel({ ...COMMON, local: A, remote: HA }));

export const ip6greSources = (): Promise<object> =>
  sources((netlink) => netlink.createIp6Gre({ ...COMMON, local: A, remote: HA }));

export const vxlanSources = (): Promise<object> =>
  sources((netlink) =>
    netlink.createVxlan({ ...COMMON, vni: 42, local: A, remote: HA, dstPort: 4790, learning: false }),
  );

/** As before, without a moment in which it has no remote address. */
export const vxlanKeptSources = (): Promise<object> =>
  sources(
    async (netlink) => {
      await netlink.createVxlan({
        ...{ ...COMMON, vni: 42, local: A, remote: HA, dstPort: 4790, learning: false },
      });
      await netlink.addRoute(await routeToHome(netlink));
    },
    async (netlink) => {
      await netlink.changeTunnel('t0', { local: A2, keepCached: true });
      await netlink.addRoute({ ...(await routeToHome(netlink)), mode: 'replace' });
    },
  );

async function routeToHome(netlink: Netlink): Promise<RouteSpec> {
  return { destination: `${HA}/128`, ifindex: (await netlink.getLink('va'))?.ifindex, metric: 5 };
}

/** Kinds, and the words that make a link of each. */
const KINDS = {
  veth: '',
  vxlan: 'id 1 dstport 4790',
  ip6tnl: 'local ::1 remote ::2',
  ip6gre: 'local ::1 remote ::2',
  xfrm: 'if_id 1',
  wireguard: '',
  nosuchkind: '',
} as const;

/** What is said to be offered, what can be made, and which links came by asking twice. */
export async function offers(): Promise<object> {
  using netlink = Netlink.open();
  const names = async (): Promise<string[]> => (await netlink.dumpLinks()).map((link) => link.name);
  const before = await names();
  const offered: Record<string, boolean> = {};
  for (const kind in KINDS) offered[kind] = await netlink.offersLinkKind(kind);
  const once = await names();
  for (const kind in KINDS) await netlink.offersLinkKind(kind);
  const twice = await names();
  const makeable: Record<string, boolean> = {};
  for (const [kind, words] of Object.entries(KINDS)) {
    const all = `--net ip link add name probe type ${kind} ${words}`.trim().split(' ');
    try {
      execFileSync('unshare', all, { env: environment, stdio: 'ignore' });
      makeable[kind] = true;
    } catch {
      makeable[kind] = false;
    }
  }
  return { offered, makeable, before, once, twice };
}

/** Asks once more, as a process that may not. */
export async function offersUnprivileged(peer: string): Promise<string> {
  const runner = fileURLToPath(new URL('./scenario-runner.js', import.meta.url));
  const words = ['--bounding-set=-net_admin', process.execPath, runner, 'tunnels', 'offersHere', peer];
  return JSON.parse(execFileSync('setpriv', words, { encoding: 'utf8', env: environment }));
}

export async function offersHere(): Promise<string> {
  using netlink = Netlink.open();
  return await refusal(netlink.offersLinkKind('veth'));
}

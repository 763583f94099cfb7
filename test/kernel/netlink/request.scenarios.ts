import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import {
  Netlink,
  NetlinkError,
  NetlinkMonitor,
  NUD,
  RTPROT,
  turnOffFeatures,
} from '../../../src/netlink/index.js';
import { ip } from './namespace.js';

/** What a refusal says. */
async function refusal(promise: Promise<unknown>): Promise<object> {
  try {
    await promise;
    return {};
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    const { code, errnoName, extack, attempted, message } = error;
    return { code, errnoName, extack, attempted, message };
  }
}

async function indexOf(netlink: Netlink, name: string): Promise<number> {
  const link = await netlink.getLink(name);
  if (link === undefined) throw new Error(`no link ${name}`);
  return link.ifindex;
}

async function pair(netlink: Netlink): Promise<number> {
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true, addrGenMode: 'none' });
  return indexOf(netlink, 'va');
}

export async function veth(peer: string): Promise<object> {
  using netlink = Netlink.open();
  const options = {
    name: 'coax0',
    peer: 'coax0p',
    mac: '02:00:00:00:00:01',
    peerMac: '02:00:00:00:00:02',
    mtu: 1400,
    arp: false,
    addrGenMode: 'none',
    peerAddrGenMode: 'none',
    up: true,
    peerUp: true,
  } as const;
  const created = await netlink.createVeth(options);
  const links = [await netlink.getLink('coax0'), await netlink.getLink('coax0p')];
  const linkLocal = (await netlink.dumpAddresses()).filter((entry) => entry.address.isLinkLocal).length;
  const again = await netlink.createVeth(options);
  const exclusive = await refusal(netlink.createVeth({ ...options, mode: 'exclusive' }));
  const peerTaken = await refusal(netlink.createVeth({ ...options, name: 'other' }));
  const replaced = await netlink.createVeth({ ...options, mtu: 1300, mode: 'replace' });
  const newMtu = (await netlink.getLink('coax0'))?.mtu;

  await netlink.setLink('coax0', { up: false });
  await netlink.setLink('coax0', { name: 'coax9', mtu: 1280, mac: '02:00:00:00:00:09', arp: true });
  const changed = await netlink.getLink('coax9');
  const deleted = await netlink.deleteLink('coax9');
  const peerGone = (await netlink.getLink('coax0p')) === undefined;
  const deletedAgain = await netlink.deleteLink('coax9');

  const fd = openSync(`/run/netns/${peer}`, 'r');
  await netlink.createVeth({ name: 'here', peer: 'there', peerNamespaceFd: fd });
  closeSync(fd);
  const there = ip('-n', peer, '-o', 'link', 'show', 'there').includes('there');
  return {
    created,
    links,
    linkLocal,
    again,
    exclusive,
    peerTaken,
    replaced,
    newMtu,
    changed,
    deleted,
    peerGone,
    deletedAgain,
    there,
  };
}

export async function vxlan(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVxlan({
    name: 'vx0',
    external: true,
    dstPort: 4790,
    up: true,
    addrGenMode: 'none',
    udpZeroCsum6Rx: true,
  });
  const external = ip('-details', 'link', 'show', 'vx0');
  await netlink.createVxlan({
    name: 'vx1',
    vni: 42,
    local: '2001:db8::1',
    remote: '2001:db8::2',
    dstPort: 4791,
  });
  const plain = ip('-details', 'link', 'show', 'vx1');
  await netlink.createLink({ name: 'br0', kind: 'bridge', up: true });
  await netlink.setLink('vx1', { master: await indexOf(netlink, 'br0') });
  const master = (await netlink.getLink('vx1'))?.master === (await indexOf(netlink, 'br0'));
  return { external, plain, master };
}

export async function addresses(): Promise<object> {
  using netlink = Netlink.open();
  const ifindex = await pair(netlink);
  const spec = { ifindex, address: '2001:db8::1', prefixLength: 64, noDad: true };
  const added = await netlink.addAddress(spec);
  const again = await netlink.addAddress(spec);
  const exclusive = await refusal(netlink.addAddress({ ...spec, mode: 'exclusive' }));
  const first = ip('-6', '-o', 'addr', 'show', 'dev', 'va');
  await netlink.addAddress({ ...spec, mode: 'replace', preferredLifetime: 0, validLifetime: 1000 });
  const replaced = ip('-6', '-o', 'addr', 'show', 'dev', 'va');
  const deleted = await netlink.deleteAddress(spec);
  const deletedAgain = await netlink.deleteAddress(spec);
  return {
    added,
    again,
    exclusive,
    first,
    replaced,
    deleted,
    deletedAgain,
    left: ip('-6', '-o', 'addr', 'show', 'dev', 'va'),
  };
}

export async function routes(): Promise<object> {
  using netlink = Netlink.open();
  const ifindex = await pair(netlink);
  await netlink.addAddress({ ifindex, address: '2001:db8::1', prefixLength: 64, noDad: true });
  const home = {
    destination: '::/0',
    gateway: '2001:db8::fe',
    ifindex,
    metric: 50,
    table: 1000,
    prefsrc: '2001:db8::1',
    mtu: 1320,
    protocol: 77,
  };
  const added = await netlink.addRoute(home);
  const again = await netlink.addRoute(home);
  const exclusive = await refusal(netlink.addRoute({ ...home, mode: 'exclusive' }));
  await netlink.addRoute({ destination: '::/0', type: 'unreachable', metric: 60, table: 1000 });
  const shown = ip('-6', 'route', 'show', 'table', '1000');
  await netlink.addRoute({ ...home, gateway: '2001:db8::fd', mode: 'replace' });
  const replaced = ip('-6', 'route', 'show', 'table', '1000');
  await netlink.addRoute({ destination: '2001:db8:1::/48', source: '2001:db8::/64', ifindex });
  const hops = [{ gateway: '2001:db8::2' }, { gateway: '2001:db8::3', weight: 2 }];
  await netlink.addRoute({ destination: '2001:db8:2::/48', nextHops: hops });
  const main = ip('-6', 'route', 'show', 'table', 'main', 'proto', 'static');
  const badGateway = await refusal(
    netlink.addRoute({ destination: '2001:db8:3::/48', gateway: '2001:db8:ffff::1' }),
  );
  const deleted = await netlink.deleteRoute({ destination: '::/0', table: 1000, protocol: 77 });
  const reject = await netlink.deleteRoute({ destination: '::/0', table: 1000 });
  const deletedAgain = await netlink.deleteRoute(home);
  return { added, again, exclusive, shown, replaced, main, badGateway, deleted, reject, deletedAgain };
}

export async function rules(): Promise<object> {
  using netlink = Netlink.open();
  const spec = { priority: 100, source: '2001:db8::1/128', table: 1000, protocol: 77 };
  const added = await netlink.addRule(spec);
  const again = await netlink.addRule(spec);
  const exclusive = await refusal(netlink.addRule({ ...spec, mode: 'exclusive' }));
  await netlink.addRule({ priority: 101, fwmark: 0x10, fwmask: 0xf0, iif: 'lo', table: 254 });
  await netlink.addRule({ priority: 102, action: 'prohibit', oif: 'x' });
  const shown = ip('-6', 'rule', 'show');
  const protocol = (await netlink.dumpRules()).find((rule) => rule.priority === 100)?.protocol;
  const deleted = await netlink.deleteRule({ priority: 100 });
  const deletedAgain = await netlink.deleteRule(spec);
  await netlink.deleteRule({ priority: 101, fwmark: 0x10, fwmask: 0xf0, iif: 'lo', table: 254 });
  await netlink.deleteRule({ priority: 102, action: 'prohibit' });
  return {
    added,
    again,
    exclusive,
    shown,
    protocol,
    deleted,
    deletedAgain,
    left: (await netlink.dumpRules()).length,
  };
}

export async function neighbours(peer: string): Promise<object> {
  using netlink = Netlink.open();
  const fd = openSync(`/run/netns/${peer}`, 'r');
  await netlink.createVeth({
    name: 'va',
    peer: 'vb',
    up: true,
    peerMac: '02:00:00:00:00:0b',
    peerNamespaceFd: fd,
  });
  closeSync(fd);
  ip('-n', peer, 'link', 'set', 'vb', 'up');
  ip('-n', peer, 'addr', 'add', '2001:db8::2/64', 'dev', 'vb', 'nodad');
  const ifindex = await indexOf(netlink, 'va');
  await netlink.addAddress({ ifindex, address: '2001:db8::1', prefixLength: 64, noDad: true });
  using monitor = new NetlinkMonitor();
  await monitor.start();

  // The kernel itself resolves and keeps a managed neighbour.
  const added = await netlink.addNeighbour({ ifindex, address: '2001:db8::2', managed: true });
  const { neighbours: seen } = await monitor.waitFor(({ neighbours }) =>
    neighbours.some((entry) => entry.managed && entry.usable && entry.states.includes('reachable')),
  );
  const managed = seen.find((entry) => entry.managed);
  const managedText = ip('-6', '-details', 'neigh', 'show', 'dev', 'va', '2001:db8::2');

  await netlink.addNeighbour({ ifindex, address: '2001:db8::3', mac: '02:00:00:00:00:03' });
  await netlink.addNeighbour({
    ifindex,
    address: '2001:db8::3',
    mac: '02:00:00:00:00:33',
    state: NUD.STALE,
    protocol: 77,
  });
  const replaced = ip('-6', '-details', 'neigh', 'show', 'dev', 'va', '2001:db8::3');
  const exclusive = await refusal(
    netlink.addNeighbour({ ifindex, address: '2001:db8::3', mac: '02:00:00:00:00:03', mode: 'exclusive' }),
  );
  await netlink.addNeighbour({ ifindex, address: '2001:db8::4', proxy: true });
  const proxies = (await netlink.dumpNeighbours({ proxy: true })).map((entry) => entry.address);
  const deleted = await netlink.deleteNeighbour({ ifindex, address: '2001:db8::3' });
  const deletedAgain = await netlink.deleteNeighbour({ ifindex, address: '2001:db8::33' });
  await netlink.deleteNeighbour({ ifindex, address: '2001:db8::4', proxy: true });
  const left = (await netlink.dumpNeighbours({ proxy: true })).length;
  return { added, managed, managedText, replaced, exclusive, proxies, deleted, deletedAgain, left };
}

export async function lookups(): Promise<object> {
  using netlink = Netlink.open();
  const ifindex = await pair(netlink);
  await netlink.addAddress({ ifindex, address: '2001:db8::1', prefixLength: 64, noDad: true });
  await netlink.addAddress({ ifindex, address: '2001:db8::2', prefixLength: 64, noDad: true });
  const none = await refusal(netlink.getRoute({ destination: '2001:db8:9::1' }));
  await netlink.addRoute({ destination: '::/0', gateway: '2001:db8::fe', prefsrc: '2001:db8::2', mtu: 1333 });
  await netlink.addRoute({ destination: '::/0', gateway: '2001:db8::fd', table: 1000 });
  await netlink.addRule({ priority: 100, source: '2001:db8::1/128', table: 1000 });
  await netlink.addRule({ priority: 101, fwmark: 7, table: 1000 });
  await netlink.addRoute({ destination: '2001:db8:5::/48', type: 'unreachable' });
  const destination = '2001:db8:9::1';
  return {
    ifindex,
    none,
    plain: await netlink.getRoute({ destination }),
    bySource: await netlink.getRoute({ destination, source: '2001:db8::1' }),
    byMark: await netlink.getRoute({ destination, mark: 7 }),
    row: await netlink.getRoute({ destination, fibMatch: true }),
    reject: await netlink
      .getRoute({ destination: '2001:db8:5::1' })
      .catch((error: NetlinkError) => error.errnoName),
  };
}

export async function refusals(): Promise<object> {
  using netlink = Netlink.open();
  const unknownKind = await refusal(netlink.createLink({ name: 'x0', kind: 'nosuchkind' }));
  const noLink = await refusal(netlink.setLink('nosuch', { up: true }));
  const badMetric = await refusal(
    netlink.addRoute({ destination: '2001:db8::/32', gateway: '2001:db8::1', protocol: RTPROT.STATIC }),
  );
  await pair(netlink);
  const badMtu = await refusal(netlink.setLink('va', { mtu: 1_000_000 }));
  netlink.close();
  const closed = await refusal(netlink.dumpLinks());
  return { unknownKind, noLink, badMetric, badMtu, closed };
}

/** Pending requests are answered to the end, in order, while dumps go on. */
export async function burst(): Promise<object> {
  using netlink = Netlink.open();
  const ifindex = await pair(netlink);
  const metrics = Array.from({ length: 300 }, (_, i) => i + 1);
  const adds = metrics.map((metric) =>
    netlink.addRoute({ destination: '2001:db8::/32', ifindex, metric, table: 9 }),
  );
  const during = netlink.dumpRoutes({ table: 9 });
  const results = await Promise.all(adds);
  return {
    during: (await during).length,
    results: results.filter(Boolean).length,
    after: (await netlink.dumpRoutes({ table: 9 })).length,
  };
}

/** Features of a device as `ethtool -k` shows them, before and after, and what a wrong name is told. */
export async function features(): Promise<object> {
  using netlink = Netlink.open();
  const ifindex = await pair(netlink);
  const shown = (): string[] =>
    execFileSync('ethtool', ['-k', 'va'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^tx-(sctp|gre|udp_tnl)-segmentation|^tcp-segmentation/.test(line));
  const before = shown();
  await turnOffFeatures(ifindex, ['tx-sctp-segmentation', 'tx-udp_tnl-segmentation']);
  return {
    before,
    after: shown(),
    unknown: await refusal(turnOffFeatures(ifindex, ['tx-nonsense'])),
    nowhere: await refusal(turnOffFeatures(9999, ['tx-sctp-segmentation'])),
  };
}

/** A socket nobody closed goes with its object; a pending request still gets its answer. */
export async function forgotten(): Promise<object> {
  const sockets = (): number => readdirSync('/proc/self/fd').length;
  const before = sockets();
  const pending = Array.from({ length: 20 }, () => Netlink.open().dumpLinks());
  const opened = sockets() - before;
  const answers = (await Promise.all(pending)).filter((links) => links.length > 0).length;
  pending.length = 0;
  for (let round = 0; round < 50 && sockets() > before; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return { opened, answers, left: sockets() - before };
}

/** The exit status of a process that forgot to close: an idle socket does not keep it. */
export async function idle(): Promise<string> {
  const module = new URL('../../../src/netlink/index.js', import.meta.url).href;
  const code = `import { Netlink } from '${module}'; globalThis.kept = Netlink.open(); console.log((await kept.dumpLinks()).length > 0);`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  });
}

import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { patient } from '../../../lab/patience.js';
import {
  Netlink,
  type NetlinkEvent,
  NetlinkMonitor,
  type NetlinkSnapshot,
  type NextHop,
  RTN,
} from '../../../src/netlink/index.js';
import { ip, ipJson } from './namespace.js';

/** Events in short: `route added 2001:db8::/32`. */
function short(event: NetlinkEvent): string {
  switch (event.kind) {
    case 'link':
      return `link ${event.change} ${event.value.name}`;
    case 'address':
      return `address ${event.change} ${event.value.address}`;
    case 'route':
      return `route ${event.change} ${event.value.type} ${event.value.destination} ${event.value.gateway ?? ''}`.trim();
    case 'neighbour':
      return `neighbour ${event.change} ${event.value.address} ${event.value.states}`;
    case 'rule':
      return `rule ${event.change} ${event.value.priority}`;
    case 'resync':
      return `resync ${event.reason}`;
    case 'error':
      return `error ${event.error.message}`;
  }
}

/** A snapshot as text rows, without what is not announced: lifetimes and states, and neighbours that are no hosts. */
function rows(snapshot: NetlinkSnapshot): string[] {
  const { links, addresses, routes, neighbours, rules } = snapshot;
  const hosts = neighbours.filter((entry) => entry.type === RTN.UNICAST);
  return [
    ...links,
    ...addresses.map((entry) => ({ ...entry, preferredLifetime: 0, validLifetime: 0 })),
    ...routes,
    ...hosts.map(({ ifindex, address, proxy }) => ({ ifindex, address, proxy })),
    ...rules,
  ].map((row) => JSON.stringify(row));
}

async function dump(netlink: Netlink): Promise<NetlinkSnapshot> {
  return {
    links: await netlink.dumpLinks(),
    addresses: await netlink.dumpAddresses(),
    routes: await netlink.dumpRoutes(),
    neighbours: [...(await netlink.dumpNeighbours()), ...(await netlink.dumpNeighbours({ proxy: true }))],
    rules: await netlink.dumpRules(),
  };
}

/** Waits until the monitor says what a dump says; resolves to what only one of the two says. */
async function disagreement(monitor: NetlinkMonitor, netlink: Netlink): Promise<object> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const real = new Set(rows(await dump(netlink)));
    const seen = new Set(rows(monitor.snapshot()));
    const missing = [...real].filter((row) => !seen.has(row));
    const extra = [...seen].filter((row) => !real.has(row));
    if (missing.length + extra.length === 0 || Date.now() > deadline) return { missing, extra };
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

async function started(receiveBuffer?: number): Promise<{ monitor: NetlinkMonitor; events: string[] }> {
  const monitor = new NetlinkMonitor({ receiveBuffer });
  const events: string[] = [];
  monitor.subscribe((event) => events.push(short(event)));
  await monitor.start();
  return { monitor, events };
}

export async function life(peer: string): Promise<object> {
  using netlink = Netlink.open();
  await netlink.addRule({ priority: 50, table: 1000 });
  const { monitor, events } = await started();
  const silentStart = events.length;
  const known = monitor.snapshot().rules.some((rule) => rule.priority === 50);
  const fd = openSync(`/run/netns/${peer}`, 'r');
  await netlink.createVeth({ name: 'va', peer: 'vb', peerNamespaceFd: fd });
  closeSync(fd);
  ip('-n', peer, 'link', 'set', 'vb', 'up');
  await netlink.setLink('va', { up: true });
  await monitor.waitFor(({ links }) => links.some((link) => link.name === 'va' && link.lowerUp));
  const ifindex = monitor.snapshot().links.find((link) => link.name === 'va')?.ifindex ?? 0;

  // Duplicate address detection: tentative first, valid later.
  const states: boolean[] = [];
  const address = '2001:db8::1';
  const end = monitor.subscribe((event) => {
    if (event.kind === 'address' && event.value.address.toString() === address)
      states.push(event.value.tentative);
  });
  await netlink.addAddress({ ifindex, address, prefixLength: 64 });
  await monitor.waitFor(({ addresses }) =>
    addresses.some((entry) => entry.address.toString() === address && !entry.tentative),
  );
  end();

  // The same address on the other side fails it.
  ip('-n', peer, 'addr', 'add', '2001:db8::bad/64', 'dev', 'vb', 'nodad');
  await netlink.addAddress({ ifindex, address: '2001:db8::bad', prefixLength: 64 });
  const failed = await monitor.waitFor(({ addresses }) => addresses.some((entry) => entry.dadFailed));
  const dadFailed = failed.addresses.find((entry) => entry.dadFailed)?.address;

  await netlink.addRoute({ destination: '::/0', gateway: '2001:db8::fe', ifindex });
  await monitor.waitFor(({ routes }) => routes.some((route) => route.destination.isDefault && route.gateway));
  await netlink.addNeighbour({ ifindex, address: '2001:db8::7', mac: '02:00:00:00:00:07' });
  await monitor.waitFor(({ neighbours }) =>
    neighbours.some((entry) => entry.address.toString() === '2001:db8::7'),
  );
  await netlink.deleteNeighbour({ ifindex, address: '2001:db8::7' });
  await monitor.waitFor(
    ({ neighbours }) => !neighbours.some((entry) => entry.address.toString() === '2001:db8::7'),
  );

  // The other side loses its carrier, then this side goes down: routes and addresses go with it.
  ip('-n', peer, 'link', 'set', 'vb', 'down');
  await monitor.waitFor(({ links, routes }) => {
    const route = routes.find((entry) => entry.destination.isDefault && entry.gateway);
    return links.some((link) => link.name === 'va' && link.carrier === false) && route?.linkDown === true;
  });
  await netlink.setLink(ifindex, { up: false });
  await monitor.waitFor(({ routes, addresses }) =>
    [...routes, ...addresses].every((entry) => entry.ifindex !== ifindex),
  );
  await netlink.deleteRule({ priority: 50 });
  await netlink.deleteLink(ifindex);
  await monitor.waitFor(({ links }) => links.length === 1);
  const differing = await disagreement(monitor, netlink);
  monitor.stop();
  return { silentStart, known, states, dadFailed, events, differing };
}

/** Routes that the kernel takes away without a word are found by looking. */
export async function silent(): Promise<object> {
  ip('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
  execFileSync('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/route/skip_notify_on_dev_down']);
  using netlink = Netlink.open();
  await netlink.setLink('va', { up: true });
  await netlink.setLink('vb', { up: true });
  const va = await netlink.getLink('va');
  await netlink.addAddress({
    ifindex: va?.ifindex ?? 0,
    address: '2001:db8::1',
    prefixLength: 64,
    noDad: true,
  });
  for (let i = 0; i < 20; i++) {
    await netlink.addRoute({
      destination: `2001:db8:${i + 1}::/48`,
      gateway: '2001:db8::fe',
      ifindex: va?.ifindex,
    });
  }
  const { monitor, events } = await started();
  await netlink.setLink('va', { up: false });
  await monitor.waitFor(({ routes }) => routes.every((route) => route.ifindex !== va?.ifindex));
  const differing = await disagreement(monitor, netlink);
  monitor.stop();
  return {
    removed: events.filter((event) => event.endsWith('::/48 2001:db8::fe')).length,
    differing,
  };
}

export async function replacement(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true });
  const ifindex = (await netlink.getLink('va'))?.ifindex;
  await netlink.addAddress({ ifindex: ifindex ?? 0, address: '2001:db8::1', prefixLength: 64, noDad: true });
  const { monitor, events } = await started();
  const gateways = async (...wanted: string[]): Promise<void> => {
    await monitor.waitFor(({ routes }) => {
      const all = routes.filter((route) => route.table === 9);
      const seen = all.flatMap((route): readonly Pick<NextHop, 'gateway'>[] =>
        route.nextHops.length > 0 ? route.nextHops : [route],
      );
      return (
        seen
          .map((hop) => hop.gateway?.toString())
          .sort()
          .join() === wanted.join()
      );
    });
  };
  const route = ['2001:db8:5::/48', 'table', '9', 'via'];
  ip('-6', 'route', 'add', ...route, '2001:db8::a');
  await gateways('2001:db8::a');
  ip('-6', 'route', 'replace', ...route, '2001:db8::b');
  await gateways('2001:db8::b');
  ip('-6', 'route', 'append', ...route, '2001:db8::c');
  await gateways('2001:db8::b', '2001:db8::c');
  ip('-6', 'route', 'append', ...route, '2001:db8::d');
  await gateways('2001:db8::b', '2001:db8::c', '2001:db8::d');
  ip('-6', 'route', 'del', ...route, '2001:db8::c');
  await gateways('2001:db8::b', '2001:db8::d');
  ip('-6', 'route', 'replace', ...route, '2001:db8::e');
  await gateways('2001:db8::e');
  ip('-6', 'route', 'flush', 'table', '9');
  await gateways();
  const differing = await disagreement(monitor, netlink);
  monitor.stop();
  return { events: events.filter((event) => event.startsWith('route')), differing };
}

/** More changes than the receive buffer holds: the difference is found by dumping again. */
export async function overrun(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true });
  const ifindex = (await netlink.getLink('va'))?.ifindex ?? 0;
  const { monitor, events } = await started(4096);
  // What a follower of the events believes must end up as the truth.
  const followed = new Set(monitor.snapshot().routes.map((route) => `${route.table} ${route.destination}`));
  monitor.subscribe((event) => {
    if (event.kind !== 'route') return;
    const key = `${event.value.table} ${event.value.destination}`;
    if (event.change === 'removed') followed.delete(key);
    else followed.add(key);
  });
  const adds: string[] = [];
  for (let i = 1; i <= 2000; i++) adds.push(`route add 2001:db8:${i.toString(16)}::/48 dev va table 9`);
  for (let i = 1; i <= 500; i++) adds.push(`route del 2001:db8:${i.toString(16)}::/48 dev va table 9`);
  for (let i = 1; i <= 200; i++) adds.push(`rule add pref ${1000 + i} lookup 9`);
  for (let i = 1; i <= 200; i++) adds.push(`addr add 2001:db8:ffff::${i.toString(16)}/64 dev va nodad`);
  execFileSync('ip', ['-6', '-batch', '-'], { input: adds.join('\n') });
  await monitor.waitFor(() => events.some((event) => event.startsWith('resync')));
  const differing = await disagreement(monitor, netlink);
  const table = monitor
    .snapshot()
    .routes.filter((route) => route.table === 9 && route.ifindex === ifindex).length;
  const follower = [...followed].filter((key) => key.startsWith('9 ')).length;
  monitor.stop();
  return { table, follower, resyncs: events.filter((event) => event.startsWith('resync')), differing };
}

/** Sets the other end of `va` up or down and waits, without a turn of the event loop, until `va` knows. */
function setPeer(direction: 'up' | 'down'): void {
  ip('link', 'set', 'vb', direction);
  const deadline = Date.now() + patient(10_000);
  for (;;) {
    const [link] = ipJson<{ operstate: string }>('link', 'show', 'dev', 'va');
    if ((link?.operstate === 'UP') === (direction === 'up')) return;
    if (Date.now() > deadline) throw new Error(`va is ${link?.operstate}, and vb was set ${direction}`);
  }
}

/** Thousands of announcements are read meanwhile. */
const LONG = { timeoutMs: patient(10_000) };

/** A link that loses its carrier behind thousands of announcements, and gets it back before these are read. */
export async function backlog(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true });
  const ifindex = (await netlink.getLink('va'))?.ifindex ?? 0;
  await netlink.addAddress({ ifindex, address: '2001:db8::1', prefixLength: 64, noDad: true });
  const { monitor, events } = await started();
  await monitor.waitFor(
    ({ links }) => links.some(({ name, operState }) => name === 'va' && operState === 'up'),
    LONG,
  );
  events.length = 0;
  let eventsBeforeLoss: number | undefined;
  let addressesWhenBack: string[] | undefined;
  monitor.subscribe((event) => {
    if (event.kind !== 'link' || event.value.name !== 'va') return;
    if (event.value.carrier === false && eventsBeforeLoss === undefined) {
      eventsBeforeLoss = events.length;
      ip('-6', 'addr', 'add', '2001:db8::2/64', 'dev', 'va', 'nodad');
      ip('-6', 'addr', 'del', '2001:db8::1/64', 'dev', 'va');
      setPeer('up');
    } else if (event.value.carrier && eventsBeforeLoss !== undefined) {
      const { addresses } = monitor.snapshot();
      addressesWhenBack ??= addresses
        .filter((entry) => entry.ifindex === ifindex && entry.address.isGlobal)
        .map(({ address }) => address.toString());
    }
  });
  const changes: string[] = [];
  for (let i = 0; i < 2_000; i++) {
    changes.push(`addr add 2001:db8:5000::${i.toString(16)}/128 dev lo nodad`);
    changes.push(`addr del 2001:db8:5000::${i.toString(16)}/128 dev lo`);
  }
  execFileSync('ip', ['-6', '-batch', '-'], { input: changes.join('\n') });
  setPeer('down');
  await monitor.waitFor(() => addressesWhenBack !== undefined, LONG);
  const differing = await disagreement(monitor, netlink);
  monitor.stop();
  return { eventsBeforeLoss, events: events.length, addressesWhenBack, differing };
}

/** A link that loses its carrier while everything is dumped. */
export async function lossDuringDump(): Promise<object> {
  using netlink = Netlink.open();
  await netlink.createVeth({ name: 'va', peer: 'vb', up: true, peerUp: true });
  const { monitor, events } = await started(65_536);
  await monitor.waitFor(
    ({ links }) => links.some(({ name, operState }) => name === 'va' && operState === 'up'),
    LONG,
  );
  let lostAt: number | undefined;
  let isTakenDown = false;
  monitor.subscribe((event) => {
    if (event.kind === 'link' && event.value.name === 'va' && event.value.carrier === false) {
      lostAt ??= events.length;
    }
    // The links have been dumped by then.
    if (event.kind === 'address' && event.value.address.toString() === '2001:db8:ffff::1' && !isTakenDown) {
      isTakenDown = true;
      setPeer('down');
    }
  });
  const changes: string[] = [];
  for (let i = 1; i <= 2_000; i++) changes.push(`route add 2001:db8:${i.toString(16)}::/48 dev va table 9`);
  changes.push('addr add 2001:db8:ffff::1/64 dev lo nodad');
  execFileSync('ip', ['-6', '-batch', '-'], { input: changes.join('\n') });
  await monitor.waitFor(
    ({ links }) => links.some(({ name, carrier }) => name === 'va' && carrier === false),
    LONG,
  );
  await monitor.waitFor(() => events.some((event) => event.startsWith('resync')), LONG);
  const differing = await disagreement(monitor, netlink);
  monitor.stop();
  const routes = events.slice(lostAt).filter((event) => /^route added .*::\/48/.test(event));
  return { isTakenDown, routesAfterLoss: new Set(routes).size, differing };
}

/** The iterable and the ends of a monitor. */
export async function endings(): Promise<object> {
  using netlink = Netlink.open();
  const { monitor } = await started();
  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of monitor.events(stop.signal)) {
      seen.push(short(event));
      if (seen.length === 2) stop.abort();
    }
  })();
  await netlink.addRule({ priority: 1, table: 5 });
  await netlink.deleteRule({ priority: 1 });
  await netlink.addRule({ priority: 2, table: 5 });
  await reading;
  const timeout = await monitor.waitFor(() => false, { timeoutMs: 1 }).catch((error) => error.code);
  const pending = monitor.waitFor(() => false).catch((error) => error.code);
  const iterator = monitor.events();
  const next = iterator.next();
  monitor.stop();
  const closed = await pending;
  const { done } = await next;
  const resync = await monitor.resync().catch((error) => error.code);
  await monitor.start();
  monitor.stop();
  const starts = [monitor.start()];
  monitor.stop();
  starts.push(monitor.start());
  const outcomes = (await Promise.allSettled(starts)).map((outcome) => outcome.status);
  const restarted = monitor.snapshot().rules.some((rule) => rule.priority === 2);
  monitor.stop();
  return { seen, timeout, closed, done, resync, outcomes, restarted };
}

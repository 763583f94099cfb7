// Tunnels that the kernel's devices make: the right link and source, also while a care-of address changes under traffic.
import type { CapturedPacket } from '../../../lab/capture.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { BID, PATIENCE, withSite } from '../../support/site.js';
import { tries } from '../../support/work.js';
import { drops } from './leg.js';
import { GRE_KEY, isExternal, type TunnelWay, tunnelEnds, WAYS } from './tunnel-site.js';

const { careOfA, careOfB, correspondent, home, homeAgent: agent, lan } = addresses;
const CHANGES = ['2001:db8:b::22', careOfB];
/** Longer than a slow machine needs for what happens meanwhile. */
const GRACE = { 'grace-time': '60s' };

/** Policies of both ends go by these ports: 51xx by A, 52xx by B. */
const FLOWS = [
  { from: 'lan', to: 'cn', source: lan, target: correspondent, port: 5101, sourcePort: 6001 },
  { from: 'mr', to: 'cn', source: home, target: correspondent, port: 5102, sourcePort: 6002 },
  { from: 'lan', to: 'cn', source: lan, target: correspondent, port: 5201, sourcePort: 6003 },
  { from: 'mr', to: 'cn', source: home, target: correspondent, port: 5202, sourcePort: 6004 },
  { from: 'cn', to: 'lan', source: correspondent, target: lan, port: 6101, sourcePort: 5103 },
  { from: 'cn', to: 'lan', source: correspondent, target: lan, port: 6201, sourcePort: 5203 },
] as const;

for (const way of Object.keys(WAYS) as TunnelWay[]) {
  const { needs, outer: outerFilter, mtu: innerMtu } = WAYS[way];
  testNeeding(needs, `${way}: each binding sends by its own tunnel, and loses nothing`, async (t) => {
    t.timeout(900_000);
    await withSite(t, tunnelEnds(t, way, GRACE), async (site) => {
      const mr = site.node('mr');
      await site.ready();
      for (const daemon of site.daemons) {
        for (const { name, mtu, tunnel } of await site.bindings(daemon)) {
          const key = way === 'ip6gre' && name === 'b' ? GRE_KEY : 0;
          const kind = isExternal(way) ? 'external' : 'device';
          t.deepEqual({ tunnel, mtu }, { tunnel: kind, mtu: innerMtu - key });
        }
      }
      const [ra, rb, core, cn, toLan] = await Promise.all([
        site.capture('ra', 'mr0', outerFilter),
        site.capture('rb', 'mr0', outerFilter),
        site.capture('core', 'ha0', outerFilter),
        Sink.start(site.node('cn'), { ports: [5101, 5102, 5201, 5202] }),
        Sink.start(site.node('lan'), { ports: [6101, 6201] }),
      ]);
      const sinks = { cn, lan: toLan };
      const streams = await Promise.all(
        FLOWS.map(({ from, source, target, port, sourcePort }) =>
          Stream.start(site.node(from), { to: target, port, source, sourcePort, rate: tries(300, 20) }),
        ),
      );
      const up =
        (careOf: string): ((packet: CapturedPacket) => boolean) =>
        (packet) =>
          packet.outer.source === careOf && packet.outer.destination === agent;
      const down =
        (careOf: string): ((packet: CapturedPacket) => boolean) =>
        (packet) =>
          packet.outer.source === agent && packet.outer.destination === careOf;
      const set = async (careOf: string, acceptOnly: boolean): Promise<void> => {
        const path = `/v1/routers/mr1/bindings/${BID.b}`;
        const { status, body } = await site.ha.api('PUT', path, { careOf, acceptOnly });
        t.is(status, 200, JSON.stringify(body));
      };

      await ra.waitFor(up(careOfA), { timeout: PATIENCE });
      await core.waitFor(down(careOfA), { timeout: PATIENCE });
      let current: string = careOfB;
      for (const next of CHANGES) {
        await rb.waitFor(up(current), { timeout: PATIENCE, from: rb.position });
        await core.waitFor(down(current), { timeout: PATIENCE, from: core.position });
        await mr.ip(`address add ${next}/64 dev wb nodad`);
        await until(async () => (await site.accepted()).includes(`${next} ${agent}`), {
          what: `${next} in the accept set`,
          timeout: PATIENCE,
        });
        await set(next, true);
        await mr.ip(`address change ${current}/64 dev wb preferred_lft 0`);
        // WireGuard answers from the address that it is spoken to at, as long as that is there.
        if (way === 'wireguard') await mr.ip(`address del ${current}/64 dev wb`);
        await rb.waitFor(up(next), { timeout: PATIENCE, from: rb.position });
        await set(next, false);
        await core.waitFor(down(next), { timeout: PATIENCE, from: core.position });
        if (way !== 'wireguard') await mr.ip(`address del ${current}/64 dev wb`);
        await site.state(BID.b, 'usable', { careOf: next });
        current = next;
      }

      const sent = await Promise.all(streams.map((stream) => stream.stop()));
      for (const [at, { to, port }] of FLOWS.entries()) {
        const count = sent[at]?.sent ?? 0;
        t.is(sent[at]?.refused, 0);
        // What was on its way to the address that went is lost.
        const mayLose = way === 'wireguard' && port === 6201;
        // How many are missing is said below.
        if (!mayLose) await sinks[to].received(count, port, PATIENCE).catch(() => {});
        const report = await sinks[to].report(port);
        if (mayLose) t.true(report.received > count / 2, `${report.received} of ${count}`);
        else t.like(report, { received: count, lost: 0 }, `${to} port ${port}`);
        // A vxlan has both remote addresses for a moment, and sends to each (vxlan_changelink()).
        const mayDouble = way === 'vxlan' && to === 'lan' ? CHANGES.length : 0;
        t.true(report.duplicates <= mayDouble, `${to} port ${port}: ${report.duplicates} twice`);
        t.log(`${to} port ${port}: ${report.lost} of ${count} lost in ${CHANGES.length} changes`);
      }
      await Promise.all([ra.flush(), rb.flush(), core.flush()]);
      const turns = (packets: readonly string[]): string[] =>
        packets.filter((address, index) => address !== packets[index - 1]);
      const sources = (packets: readonly CapturedPacket[]): string[] =>
        turns(packets.filter(({ outer }) => outer.destination === agent).map(({ outer }) => outer.source));
      t.deepEqual(sources(ra.packets()), [careOfA], 'uplink A has its own source');
      const tookOver = (seen: readonly string[], direction: string): void => {
        const turn = [careOfB, ...CHANGES];
        if (way === 'wireguard') {
          // Two packets that cross each other may send it back for a moment.
          t.deepEqual([...new Set(seen)], [...new Set(turn)], direction);
          t.is(seen.at(-1), turn.at(-1), direction);
        } else {
          t.deepEqual(seen, turn, `each takes over once and for good, ${direction}`);
        }
      };
      tookOver(sources(rb.packets()), 'upwards');
      const toB = core
        .packets(({ outer }) => outer.source === agent && outer.destination !== careOfA)
        .map(({ outer }) => outer.destination);
      tookOver(turns(toB), 'downwards');
      for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
      await Promise.all([...streams, cn, toLan].map((one) => one.end()));
    });
  });
}

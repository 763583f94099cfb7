// Tunnels whose security associations an IKE daemon makes: adopted xfrm interfaces, the daemon's care-of addresses.
import { randomBytes } from 'node:crypto';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { IkeDaemon } from '../../support/ike-daemon.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { BID, homeAgent, mobileRouter, PATIENCE, withSite } from '../../support/site.js';
import { tries } from '../../support/work.js';
import { drops } from './leg.js';
import { WAYS } from './tunnel-site.js';

const { careOfA, careOfB, correspondent, home, homeAgent: agent, lan } = addresses;
const NEXT = '2001:db8:b::22';
/** Interface ids, the same at both ends. */
const IDS = { a: 11, b: 12 } as const;
const UPLINKS = ['a', 'b'] as const;
/** Between the ports of one run and the next. */
const SHIFT = 10;

const FLOWS = [
  { from: 'lan', to: 'cn', source: lan, target: correspondent, port: 5101, sourcePort: 6001 },
  { from: 'mr', to: 'cn', source: home, target: correspondent, port: 5202, sourcePort: 6004 },
  { from: 'cn', to: 'lan', source: correspondent, target: lan, port: 6101, sourcePort: 5103 },
  { from: 'cn', to: 'lan', source: correspondent, target: lan, port: 6201, sourcePort: 5203 },
] as const;

/** Connections by name: those of the bindings, and of one with the care-of address that it has next. */
const CONNECTIONS = {
  a: { uplink: 'a', careOf: careOfA },
  b: { uplink: 'b', careOf: careOfB },
  next: { uplink: 'b', careOf: NEXT },
} as const;

/** All connections as one end has them, with a secret that both ends know. The home agent finds them by identity. */
function connections(end: 'mr' | 'ha', secret: string): string {
  const own = Object.entries(CONNECTIONS).filter(([name]) => end === 'mr' || name !== 'next');
  const each = own.map(([name, { uplink, careOf }]) => {
    const [local, remote] = end === 'mr' ? [careOf, agent] : [agent, '%any'];
    const [self, other] = end === 'mr' ? [`mr-${uplink}`, `ha-${uplink}`] : [`ha-${uplink}`, `mr-${uplink}`];
    return `  ${name} {
    version = 2
    proposals = aes128-sha256-modp2048
    local_addrs = ${local}
    remote_addrs = ${remote}
    if_id_in = ${IDS[uplink]}
    if_id_out = ${IDS[uplink]}
    local { auth = psk
      id = ${self} }
    remote { auth = psk
      id = ${other} }
    children { ${name} {
      local_ts = ::/0
      remote_ts = ::/0
      esp_proposals = aes128gcm16
    } }
  }`;
  });
  return `connections {\n${each.join('\n')}\n}\nsecrets { ike-1 { secret = ${secret} } }\n`;
}

const adopting = (bindings: unknown): object[] =>
  (bindings as { name: string }[]).map((binding) => ({
    ...binding,
    tunnel: 'device',
    device: { adopt: `ipsec-${binding.name}` },
  }));

function configs(): { mr: DaemonConfig; ha: DaemonConfig } {
  const [mr, ha] = [mobileRouter(), homeAgent()];
  const [router] = ha.routers as { bindings: unknown }[];
  return {
    mr: { ...mr, bindings: adopting(mr.bindings) },
    ha: { ...ha, routers: [{ ...router, bindings: adopting(router?.bindings) }] },
  };
}

testNeeding(
  ['xfrm interface', 'ESP', 'IKE daemon (package strongswan-charon)'],
  'interfaces of an IKE daemon are adopted',
  async (t) => {
    t.timeout(900_000);
    await withSite(t, configs(), async (site) => {
      for (const name of ['mr', 'ha'] as const) {
        await site
          .node(name)
          .batch(
            UPLINKS.flatMap((uplink) => [
              `link add name ipsec-${uplink} mtu 1400 type xfrm if_id ${IDS[uplink]}`,
              `link set dev ipsec-${uplink} up`,
            ]),
          );
      }
      // Its own packets need the rules and tables of the care-of addresses, which are there now.
      await site.ready();
      const secret = `0s${randomBytes(32).toString('base64')}`;
      await using mr = await IkeDaemon.start(site.node('mr'), connections('mr', secret));
      await using ha = await IkeDaemon.start(site.node('ha'), connections('ha', secret));
      for (const uplink of UPLINKS) await mr.control('--initiate', '--child', uplink);
      t.regex(await ha.control('--list-sas'), /INSTALLED/);

      const [ra, rb, core, cn, toLan] = await Promise.all([
        site.capture('ra', 'mr0', WAYS.xfrm.outer),
        site.capture('rb', 'mr0', WAYS.xfrm.outer),
        site.capture('core', 'ha0', WAYS.xfrm.outer),
        Sink.start(site.node('cn'), { ports: [5101, 5202, 5101 + SHIFT, 5202 + SHIFT] }),
        Sink.start(site.node('lan'), { ports: [6101, 6201, 6101 + SHIFT, 6201 + SHIFT] }),
      ]);
      const sinks = { cn, lan: toLan };
      /** Each time with other ports: what arrives is counted by them. */
      const run = async (shift: number): Promise<void> => {
        for (const { from, to, source, target, port, sourcePort } of FLOWS) {
          const ports = { port: port + shift, sourcePort: sourcePort + shift };
          const flow = { ...ports, to: target, source, rate: 100, count: tries(200, 20) };
          const { sent } = await Stream.send(site.node(from), flow);
          const report = await sinks[to].received(sent, ports.port, PATIENCE);
          t.like(report, { received: sent, lost: 0, duplicates: 0 }, `port ${ports.port}`);
        }
      };
      let from = { ra: 0, rb: 0, core: 0 };
      const seen = async (careOf: string): Promise<void> => {
        await Promise.all([ra.flush(), rb.flush(), core.flush()]);
        const outer = (packets: readonly { outer: { source: string; destination: string } }[]): string[] =>
          [
            ...new Set(packets.map(({ outer: { source, destination } }) => `${source} ${destination}`)),
          ].sort();
        t.deepEqual(outer(ra.packets(({ outer }) => outer.source !== agent, from.ra)), [
          `${careOfA} ${agent}`,
        ]);
        t.deepEqual(outer(rb.packets(({ outer }) => outer.source !== agent, from.rb)), [
          `${careOf} ${agent}`,
        ]);
        t.deepEqual(
          outer(core.packets(({ outer }) => outer.source === agent, from.core)),
          [`${agent} ${careOfA}`, `${agent} ${careOf}`].sort(),
        );
      };
      await run(0);
      await seen(careOfB);

      // Another association from the next address, under the same interface id, before the old one goes.
      await site.node('mr').ip(`address add ${NEXT}/64 dev wb nodad`);
      await until(async () => (await site.accepted()).includes(`${NEXT} ${agent}`), {
        what: `${NEXT} in the accept set`,
        timeout: PATIENCE,
      });
      await site.node('mr').ip(`address change ${careOfB}/64 dev wb preferred_lft 0`);
      await site.state(BID.b, 'usable', { careOf: NEXT });
      await mr.control('--initiate', '--child', 'next');
      await mr.control('--terminate', '--ike', 'b');
      await site.node('mr').ip(`address del ${careOfB}/64 dev wb`);
      const { status } = await site.ha.api('PUT', `/v1/routers/mr1/bindings/${BID.b}`, { careOf: NEXT });
      t.is(status, 200);
      await Promise.all([ra, rb, core].map((capture) => capture.flush()));
      from = { ra: ra.position, rb: rb.position, core: core.position };
      await run(SHIFT);
      await seen(NEXT);
      for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
      await Promise.all([cn, toLan].map((one) => one.end()));
    });
  },
);

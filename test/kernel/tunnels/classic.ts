// The classic set-up: netfilter's mark, `ip rule`, a table for each uplink, ip6tnl and ESP. What leaves by which link?
import { Capture, type CapturedPacket } from '../../../lab/capture.js';
import type { Lab } from '../../../lab/lab.js';
import type { LabNode } from '../../../lab/node.js';
import { Protocol } from '../../../lab/packet.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sendDatagrams } from '../../support/datagram.js';
import { randomAead } from '../../support/esp.js';
import { PATIENCE } from '../../support/site.js';
import { tunnelLines } from './kernel-tunnel.js';

const { accessA, accessB, careOfA, careOfB, correspondent, home, homeAgent, lan } = addresses;

/** Netfilter gives UDP to the first port mark 1, which stands for uplink A, to the second mark 2, for uplink B. */
export const PORTS = { a: 5001, b: 5002 } as const;
export const MARKS = { a: '1/0xff', b: '2/0xff' } as const;
/** Packets in one look. */
export const COUNT = 5;

/** Who sends: a host behind the router, the router from its home address, the router with no address in mind. */
export type Sender = 'forwarded' | 'local' | 'local, to the home agent';

/** One line for `nft`: the chains in which packets are marked. `more` goes to the local one. */
export function marks(more = ''): string {
  const rules = `udp dport ${PORTS.a} meta mark set 1
    udp dport ${PORTS.b} meta mark set 2`;
  return `table inet marks {
  chain pre {
    type filter hook prerouting priority mangle;
    ${rules}
  }
  chain out {
    type route hook output priority mangle;
    ${rules}
    ${more}
  }
}`;
}

/** Sends datagrams to a port. */
export async function send(lab: Lab, sender: Sender, port: number): Promise<void> {
  const probe = { port, size: 200, count: COUNT };
  if (sender === 'forwarded') {
    await sendDatagrams(lab.node('lan'), { ...probe, to: correspondent, source: lan });
  } else if (sender === 'local') {
    await sendDatagrams(lab.node('mr'), { ...probe, to: correspondent, source: home });
  } else {
    await sendDatagrams(lab.node('mr'), { ...probe, to: homeAgent });
  }
}

const NAMES: Readonly<Record<string, string>> = {
  [careOfA]: 'A',
  [careOfB]: 'B',
  [home]: 'the home address',
};

/** Both access routers' sides of the uplinks. */
export class Uplinks {
  readonly #captures: Readonly<Record<'wa' | 'wb', Capture>>;

  private constructor(captures: Readonly<Record<'wa' | 'wb', Capture>>) {
    this.#captures = captures;
  }

  static async watch(lab: Lab): Promise<Uplinks> {
    const options = { filter: 'ip6 and not icmp6' };
    const [wa, wb] = await Promise.all([
      Capture.start(lab.node('ra'), 'mr0', options),
      Capture.start(lab.node('rb'), 'mr0', options),
    ]);
    return new Uplinks({ wa, wb });
  }

  /** How the packets left that `act` sends: `wb, source B`. @throws WaitTimeoutError when fewer than COUNT leave */
  async way(act: () => Promise<void>): Promise<string> {
    const captures = Object.entries(this.#captures);
    const from = captures.map(([, capture]) => capture.position);
    const isOurs = ({ outer, transport }: CapturedPacket): boolean =>
      outer.destination === homeAgent && transport?.protocol !== Protocol.ICMPV6;
    const seen = (): string[] =>
      captures.flatMap(([link, capture], at) =>
        capture
          .packets(isOurs, from[at])
          .map(({ outer }) => `${link}, source ${NAMES[outer.source] ?? outer.source}`),
      );
    await act();
    await until(() => seen().length >= COUNT, { what: `${COUNT} packets on the uplinks`, timeout: PATIENCE });
    await Promise.all(captures.map(([, capture]) => capture.flush()));
    return [...new Set(seen())].sort().join(' and ');
  }
}

/** What the router of the classic set-up is told on top of marks and fwmark rules. */
export interface ClassicCase {
  /** Where the tables of the marks lead: into ip6tnl devices, or to the uplinks as they are. */
  readonly tables: 'tunnels' | 'uplinks';
  /** Rules that send what has a care-of address as source by its uplink. */
  readonly fromRules: boolean;
  /** Security associations with the home agent, and the selector of the policy of each. */
  readonly esp: readonly { source: string; spi: number; selector: string; mode: 'tunnel' | 'transport' }[];
  /** Netfilter marks the ESP packet once more, so that it is routed once more. */
  readonly rerouteEsp: boolean;
}

const both = (line: (end: { careOf: string; at: number; link: string; via: string }) => string[]): string[] =>
  [
    { careOf: careOfA, at: 1, link: 'wa', via: accessA },
    { careOf: careOfB, at: 2, link: 'wb', via: accessB },
  ].flatMap(line);

function lines({ tables, fromRules, esp }: ClassicCase): string[] {
  return [
    `address add ${home}/128 dev lo nodad`,
    ...both(({ careOf, at, link }) =>
      tables === 'tunnels'
        ? [
            ...tunnelLines({ name: `t${link}`, local: careOf, remote: homeAgent, maker: 'ip6tnl' }),
            `route add default dev t${link} table ${200 + at} src ${home}`,
          ]
        : [],
    ),
    ...both(({ at, link, via }) => [
      ...(tables === 'uplinks' ? [`route add default via ${via} dev ${link} table ${200 + at}`] : []),
      ...(fromRules ? [`route add default via ${via} dev ${link} table ${100 + at}`] : []),
    ]),
    ...esp.flatMap(({ source, spi, selector, mode }) => {
      const ends = mode === 'tunnel' ? `src ${source} dst ${homeAgent}` : '';
      return [
        `xfrm state add src ${source} dst ${homeAgent} proto esp spi ${spi} reqid ${spi} mode ${mode} ${randomAead()}`,
        `xfrm policy add ${selector} dir out tmpl ${ends} proto esp reqid ${spi} mode ${mode}`,
      ];
    }),
  ];
}

/** Makes a router of the classic kind; the answer undoes it. @throws CommandError */
export async function makeClassic(mr: LabNode, wanted: ClassicCase): Promise<() => Promise<void>> {
  await mr.batch(lines(wanted));
  const rules = both(({ careOf, at }) => [
    `fwmark ${at}/0xff table ${200 + at} pref ${200 + at}`,
    ...(wanted.fromRules ? [`from ${careOf} table ${100 + at} pref ${100 + at}`] : []),
  ]);
  for (const rule of rules) await mr.ip(`-6 rule add ${rule}`);
  await mr.nft(marks(wanted.rerouteEsp ? 'meta l4proto esp meta mark set meta mark or 0x100' : ''));
  return async () => {
    await mr.nft('delete table inet marks');
    for (const rule of rules) await mr.ip(`-6 rule del ${rule}`);
    await mr.batch([
      'xfrm policy flush',
      'xfrm state flush',
      `address del ${home}/128 dev lo`,
      ...(wanted.tables === 'tunnels' ? ['link del dev twa', 'link del dev twb'] : []),
    ]);
    for (const table of [101, 102, 201, 202]) await mr.ip(`-6 route flush table ${table}`, { mayFail: true });
  };
}

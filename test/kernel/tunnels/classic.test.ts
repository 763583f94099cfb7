// The set-up of 2009 beside ours: the same traffic, marked the same, and which link and outer source it leaves with.
import { Lab } from '../../../lab/lab.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { protect } from '../../support/esp.js';
import { testNeeding } from '../../support/kernel-offers.js';
import { nftCounters } from '../../support/nft-counters.js';
import { mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';
import {
  type ClassicCase,
  COUNT,
  MARKS,
  makeClassic,
  marks,
  PORTS,
  type Sender,
  send,
  Uplinks,
} from './classic.js';
import { drops } from './leg.js';

const { careOfA, careOfB, home, homeAgent } = addresses;
const CORRESPONDENTS = '2001:db8:99::/64';

/** How what goes to the correspondents, or to the home agent, is protected in our set-up. */
type Protection = 'none' | 'tunnel' | 'transport';

interface Case {
  readonly name: string;
  readonly senders: readonly Sender[];
  readonly classic: ClassicCase;
  readonly coaxial: Protection;
  /** What becomes of marked traffic for uplink B in the classic set-up; ours always shows `wb, source B`. */
  readonly seen: string;
  /** The access router knows better than to let it in. */
  readonly refused: boolean;
}

const plain: ClassicCase = { tables: 'tunnels', fromRules: true, esp: [], rerouteEsp: false };
const oneForAll: ClassicCase['esp'][number] = {
  source: careOfA,
  spi: 0x201,
  selector: `src ::/0 dst ${CORRESPONDENTS}`,
  mode: 'tunnel',
};
const each = (protocol: string): ClassicCase['esp'] =>
  [careOfA, careOfB].map((source, at) => ({
    source,
    spi: 0x301 + at,
    selector: `src ${source} dst ${homeAgent} proto ${protocol}`,
    mode: 'transport',
  }));
const EITHER: readonly Sender[] = ['forwarded', 'local'];

const CASES: readonly Case[] = [
  {
    name: 'ip6tnl for each mark, rules by source',
    ...{ senders: EITHER, classic: plain, coaxial: 'none', seen: 'wb, source B', refused: false },
  },
  {
    name: 'the same and one ESP tunnel',
    ...{ senders: EITHER, classic: { ...plain, esp: [oneForAll] }, coaxial: 'tunnel' },
    ...{ seen: 'wa, source A', refused: false },
  },
  {
    name: 'one ESP tunnel, its packets routed by the mark',
    ...{ senders: EITHER, coaxial: 'tunnel' },
    classic: { tables: 'uplinks', fromRules: false, esp: [oneForAll], rerouteEsp: true },
    ...{ seen: 'wb, source A', refused: true },
  },
  {
    name: 'no tunnel, ESP transport to the home agent',
    ...{ senders: ['local, to the home agent'], coaxial: 'transport' },
    classic: { tables: 'uplinks', fromRules: false, esp: each('udp'), rerouteEsp: false },
    ...{ seen: 'wb, source A', refused: true },
  },
  {
    name: 'ip6tnl for each mark, ESP for each care-of address, rules by source',
    ...{ senders: EITHER, coaxial: 'tunnel' },
    classic: { ...plain, esp: each('41') },
    ...{ seen: 'wb, source B', refused: false },
  },
];

interface Row {
  readonly name: string;
  readonly classic: string;
  readonly coaxial: string;
}

/** Each case's traffic for uplink B through the classic set-up, and what the access router refused of it. */
async function classicWays(): Promise<Map<string, { way: string; refused: number }>> {
  const lab = await Lab.create();
  const ways = new Map<string, { way: string; refused: number }>();
  try {
    const uplinks = await Uplinks.watch(lab);
    for (const { name, senders, classic } of CASES) {
      const undo = await makeClassic(lab.node('mr'), classic);
      for (const sender of senders) {
        const before = await lab.refused('rb');
        const way = await uplinks.way(() => send(lab, sender, PORTS.b));
        ways.set(`${name}, ${sender}`, { way, refused: (await lab.refused('rb')) - before });
      }
      await undo();
    }
  } finally {
    await lab.destroy();
  }
  return ways;
}

/** One security association for everything, from the home address: no care-of address is in it. */
async function protectSite(site: Site, protection: Protection): Promise<void> {
  const [mr, ha] = [site.node('mr'), site.node('ha')];
  for (const node of [mr, ha]) await node.batch(['xfrm policy flush', 'xfrm state flush']);
  if (protection === 'none') return;
  const selector =
    protection === 'tunnel' ? `src ::/0 dst ${CORRESPONDENTS}` : `src ${home} dst ${homeAgent} proto udp`;
  const spi = protection === 'tunnel' ? 0x201 : 0x301;
  const ends = { from: mr, to: ha, source: home, destination: homeAgent };
  await protect({ ...ends, spi, selector, mode: protection });
}

const ARRIVALS = `table ip6 arrivals {
  counter marked {}
  chain input {
    type filter hook input priority filter;
    udp dport ${PORTS.b} counter name marked
  }
}`;

/** The same cases' traffic through our set-up; all of it arrives. */
async function coaxialWays(site: Site): Promise<Map<string, string>> {
  await site.node('mr').nft(marks());
  for (const name of ['ha', 'cn'] as const) await site.node(name).nft(ARRIVALS);
  await site.ready();
  const uplinks = await Uplinks.watch(site.lab);
  const ways = new Map<string, string>();
  for (const { name, senders, coaxial } of CASES) {
    await protectSite(site, coaxial);
    for (const sender of senders) {
      const receiver = site.node(sender === 'local, to the home agent' ? 'ha' : 'cn');
      const marked = async (): Promise<number> => (await nftCounters(receiver)).marked ?? 0;
      const before = await marked();
      ways.set(`${name}, ${sender}`, await uplinks.way(() => send(site.lab, sender, PORTS.b)));
      await until(async () => (await marked()) === before + COUNT, {
        what: `${name}, ${sender}: ${COUNT} datagrams to arrive`,
        timeout: PATIENCE,
      });
      const other = await uplinks.way(() => send(site.lab, sender, PORTS.a));
      if (other !== 'wa, source A')
        throw new Error(`${name}, ${sender}: what is for uplink A left by ${other}`);
    }
  }
  return ways;
}

function table(rows: readonly Row[]): string {
  const all = [{ name: 'traffic for uplink B', classic: 'classic', coaxial: 'coaxial' }, ...rows];
  const width = (key: keyof Row): number => Math.max(...all.map((row) => row[key].length));
  return all
    .map((row) =>
      (['name', 'classic', 'coaxial'] as const).map((key) => row[key].padEnd(width(key))).join(' | '),
    )
    .join('\n');
}

testNeeding(
  ['ip6tnl', 'ESP'],
  'mark, rule, table and tunnel beside one table of bindings: link and source of each kind of traffic',
  async (t) => {
    t.timeout(400_000);
    const classic = await classicWays();
    const policies = (['a', 'b'] as const).map((uplink) => ({
      ...{ name: `for-${uplink}`, match: { mark: MARKS[uplink] }, use: [uplink, uplink === 'a' ? 'b' : 'a'] },
    }));
    await withSite(t, { mr: mobileRouter({ policies }) }, async (site) => {
      const coaxial = await coaxialWays(site);
      t.deepEqual([...coaxial.keys()], [...classic.keys()]);
      t.log(
        table(
          [...classic].map(([name, { way, refused }]) => ({
            name,
            classic: refused === 0 ? way : `${way}, refused`,
            coaxial: coaxial.get(name) ?? '',
          })),
        ),
      );
      for (const { name, senders, seen, refused } of CASES) {
        for (const sender of senders) {
          const key = `${name}, ${sender}`;
          t.deepEqual(classic.get(key), { way: seen, refused: refused ? COUNT : 0 }, `classic: ${key}`);
          t.is(coaxial.get(key), 'wb, source B', `coaxial: ${key}`);
        }
      }
      for (const daemon of site.daemons) t.deepEqual(await drops(site, daemon), []);
    });
  },
);

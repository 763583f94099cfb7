// What a user would set up without us: nftables sets a mark, a rule of its own leads each mark to a table, and the
// table's route is a tunnel of the kernel.
import type { LabNode } from '../../../lab/node.js';
import { addresses } from '../../../lab/topology.js';
import type { AddressMatch, Policy, Range } from '../../../src/policy/index.js';
import type { Contender, Lane, Site } from '../lane.js';
import { tunnelled } from './expected.js';
import type { BenchPolicies } from './policy-sets.js';

/** One rule after the other, the first that matches decides; or one look-up in a map of intervals. */
export type Form = 'linear rules' | 'interval map';

const MARKS = [1, 2] as const;

export function netfilter(form: Form, set: BenchPolicies): Contender {
  const count = set.policies.length.toLocaleString('en');
  return {
    name: `nftables, ${set.policies.length === 1 ? '1 rule' : `${count} ${form === 'linear rules' ? form : 'map elements'}`}`,
    async setUp({ lab }: Site): Promise<Lane> {
      const mr = lab.node('mr');
      await tunnels(mr);
      await mr.nft(form === 'linear rules' ? linear(set.policies) : intervalMap(set.policies));
      return {
        entry: { node: 'lan', interface: 'eth0' },
        router: { node: 'mr', interface: 'lan0' },
        exits: [
          { node: 'ra', interface: 'mr0', expected: tunnelled(addresses.careOfA, addresses.homeAgent) },
        ],
        flows: set.flows,
        takesFrames: false,
      };
    },
  };
}

/**
 * A tunnel for each mark, both by uplink A: segment routing has one source for the whole machine. The mark survives
 * the outer header, so a rule in front sends what goes to the home agent by the main table.
 */
async function tunnels(mr: LabNode): Promise<void> {
  const [a, home] = [addresses.careOfA, addresses.homeAgent];
  await mr.ip(`-6 rule add to ${home} lookup main pref 50`);
  for (const mark of MARKS)
    await mr.ip(`-6 rule add fwmark ${mark}/0xff lookup ${200 + mark} pref ${100 + mark}`);
  const device = await mr
    .batch([
      `link add name tun1 mtu 1460 type ip6tnl mode ip6ip6 local ${a} remote ${home} encaplimit none hoplimit 64`,
      'link set dev tun1 up',
      ...MARKS.map((mark) => `route add ::/0 dev tun1 table ${200 + mark}`),
    ])
    .then(
      () => true,
      () => false,
    );
  if (device) return;
  await mr.ip(`sr tunsrc set ${a}`);
  await mr.batch(
    MARKS.map((mark) => `route add ::/0 encap seg6 mode encap.red segs ${home} dev wa table ${200 + mark}`),
  );
}

const markOf = ({ action }: Policy): number =>
  action.kind === 'use' ? (action.bindings[0] ?? MARKS[0]) : MARKS[0];

const ruleset = (rules: readonly string[], map = ''): string => `table inet steering {
${map}
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    ${rules.join('\n    ')}
  }
}
`;

const numbers = (ranges: readonly Range[] | undefined, whole: string): string => {
  const [range] = ranges ?? [];
  if (range === undefined) return whole;
  return range.low === range.high ? `${range.low}` : `${range.low}-${range.high}`;
};

const prefix = (match: AddressMatch | undefined): string => {
  const [range] = match?.ranges ?? [];
  return range === undefined
    ? '::/0'
    : range.low.equals(range.high)
      ? `${range.low}`
      : `${range.low}-${range.high}`;
};

function linear(policies: readonly Policy[]): string {
  const rules = policies.map((policy) => {
    const { source, destination, protocol, destinationPort, sourcePort, dscp } = policy.selector;
    const words = [
      source && `ip6 saddr ${prefix(source)}`,
      destination && `ip6 daddr ${prefix(destination)}`,
      protocol && `meta l4proto ${numbers(protocol, '')}`,
      sourcePort && `th sport ${numbers(sourcePort, '')}`,
      destinationPort && `th dport ${numbers(destinationPort, '')}`,
      dscp && `ip6 dscp ${numbers(dscp, '')}`,
      `meta mark set ${markOf(policy)} accept`,
    ];
    return words.filter((word) => word !== undefined).join(' ');
  });
  return ruleset([
    'meta nfproto != ipv6 accept',
    'ip6 daddr { fe80::/10, ff00::/8 } accept',
    ...rules,
    `meta mark set ${MARKS[0]}`,
  ]);
}

/** The field that leaves the fewest elements comes first: what a field leaves is carried over to the next one by one. */
function intervalMap(policies: readonly Policy[]): string {
  const elements = policies.map((policy) => {
    const { source, destination, protocol, destinationPort } = policy.selector;
    const key = [
      prefix(destination),
      numbers(destinationPort, '0-65535'),
      numbers(protocol, '0-255'),
      prefix(source),
    ];
    return `${key.join(' . ')} : ${markOf(policy)}`;
  });
  const map = `  map policies {
    typeof ip6 daddr . th dport . meta l4proto . ip6 saddr : meta mark
    flags interval
    elements = { ${elements.join(',\n      ')} }
  }`;
  return ruleset(
    [
      'meta nfproto != ipv6 accept',
      'ip6 daddr { fe80::/10, ff00::/8 } accept',
      `meta mark set ${MARKS[0]}`,
      'meta mark set ip6 daddr . th dport . meta l4proto . ip6 saddr map @policies',
    ],
    map,
  );
}

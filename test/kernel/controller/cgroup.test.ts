// Policies about the cgroup of a process, with its packets on the wire.
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { CgroupTree } from '../../support/cgroup-tree.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const tree = CgroupTree.create('cgroup', ['phone', 'phone/worker', 'phone2', 'aside', 'aside/inside']);
const inSite = sharedSite({ under: tree.visibleTo });
test.after.always(() => tree.remove());

const PORT = 5700;
const COUNT = 5;

/** What processes of the group send takes uplink B, what others send the default: A. */
const PHONE = mobileRouter({
  policies: [{ name: 'phone', match: { cgroup: `${tree.path}/phone` }, use: ['b', 'a'] }],
});

/** Datagrams of one process on the mobile router, `words` in front of its command. */
async function send(site: Site, words: readonly string[], port: number): Promise<void> {
  const target = `UDP6-SENDTO:[${addresses.correspondent}]:${port}`;
  const [program = '', ...rest] = [...words, 'socat', '-u', '-b', '100', '-', target];
  await site.node('mr').exec(program, rest, { input: 'x'.repeat(100 * COUNT) });
}

test.serial(
  'a process leaves by the binding that the policy of its cgroup names, others do not',
  async (t) => {
    await inSite(t, { mr: PHONE }, async (site) => {
      await site.ready();
      const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
      const wanted = [
        { name: 'the group', words: tree.words('phone'), uplink: rb, other: ra },
        { name: 'a group below it', words: tree.words('phone/worker'), uplink: rb, other: ra },
        { name: 'a group of a longer name', words: tree.words('phone2'), uplink: ra, other: rb },
        { name: 'the group above', words: tree.words(''), uplink: ra, other: rb },
        { name: 'no group', words: [], uplink: ra, other: rb },
      ];
      for (const [at, { name, words, uplink, other }] of wanted.entries()) {
        const port = PORT + at;
        await send(site, words, port);
        const seen = (): CapturedPacket[] => uplink.packets(toPort(port));
        await until(() => seen().length === COUNT, {
          what: `${COUNT} packets of ${name}`,
          timeout: PATIENCE,
        });
        const careOf = uplink === rb ? addresses.careOfB : addresses.careOfA;
        t.true(
          seen().every(({ outer, inner }) => outer.source === careOf && inner?.source === addresses.home),
          name,
        );
        await other.flush();
        t.deepEqual(other.packets(toPort(port)), [], name);
      }
      const [policy] = await site.policies();
      t.is(policy?.packets, 2 * COUNT);
    });
  },
);

/** Prints the mark that a new socket has. */
const MARK = `
import socket
print(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).getsockopt(socket.SOL_SOCKET, socket.SO_MARK))`;

test.serial(
  'a process of a cgroup that bypasses takes the route that the kernel has without ours',
  async (t) => {
    const mr = mobileRouter({
      policies: [
        { name: 'inside', match: { cgroup: `${tree.path}/aside/inside` }, use: ['b'], otherwise: 'default' },
        { name: 'aside', match: { cgroup: `${tree.path}/aside` }, bypass: true },
      ],
    });
    await inSite(t, { mr }, async (site) => {
      await site.ready();
      const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
      const markIn = async (node: 'mr' | 'lan', group: string): Promise<number> => {
        const [program = '', ...rest] = [...tree.words(group), 'python3', '-c', MARK];
        return Number((await site.node(node).exec(program, rest)).stdout);
      };
      const bit = await markIn('mr', 'aside');
      t.not(bit, 0);
      t.is(await markIn('mr', 'aside/inside'), 0, 'another policy is asked first there');
      t.is(await markIn('mr', ''), 0, 'the group above');
      t.is(await markIn('lan', 'aside'), 0, 'another network namespace');

      for (const [at, [group, capture, careOf, tunnelled]] of (
        [
          ['aside', ra, addresses.careOfA, false],
          ['aside/inside', rb, addresses.careOfB, true],
          ['', ra, addresses.careOfA, true],
        ] as const
      ).entries()) {
        const port = PORT + 10 + at;
        await send(site, tree.words(group), port);
        const seen = (): CapturedPacket[] => capture.packets(toPort(port));
        await until(() => seen().length === COUNT, {
          what: `${COUNT} packets of ${group}`,
          timeout: PATIENCE,
        });
        t.true(
          seen().every(({ outer, inner }) => outer.source === careOf && (inner !== undefined) === tunnelled),
          group,
        );
      }
      t.is(await site.reason('drop-bypass'), 0);
      const explained = await site.mr.coax([
        ...[
          'explain',
          '--config',
          site.mr.configFile,
          '--src',
          addresses.home,
          '--dst',
          addresses.correspondent,
        ],
        ...['--proto', 'udp', '--dport', String(PORT), '--cgroup', `${tree.path}/aside`],
      ]);
      t.regex(explained.stdout, /a policy lets it bypass us.*routes it to wa/s);

      await site.mr.reload(mobileRouter());
      t.is(await markIn('mr', 'aside'), 0, 'without such a policy no socket is marked');
    });
  },
);

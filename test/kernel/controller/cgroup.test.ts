// Policies about the cgroup of a process, with its packets on the wire.
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { CgroupTree } from '../../support/cgroup-tree.js';
import { mobileRouter, PATIENCE, type Site, toPort, withSite } from '../../support/site.js';

const PORT = 5700;
const COUNT = 5;

/** What processes of the group send takes uplink B, what others send the default: A. */
function config(tree: CgroupTree): ReturnType<typeof mobileRouter> {
  return mobileRouter({
    policies: [{ name: 'phone', match: { cgroup: `${tree.path}/phone` }, use: ['b', 'a'] }],
  });
}

/** Datagrams of one process on the mobile router, `words` in front of its command. */
async function send(site: Site, words: readonly string[], port: number): Promise<void> {
  const target = `UDP6-SENDTO:[${addresses.correspondent}]:${port}`;
  const [program = '', ...rest] = [...words, 'socat', '-u', '-b', '100', '-', target];
  await site.node('mr').exec(program, rest, { input: 'x'.repeat(100 * COUNT) });
}

test.serial(
  'a process leaves by the binding that the policy of its cgroup names, others do not',
  async (t) => {
    const tree = CgroupTree.create('cgroup', ['phone', 'phone/worker', 'phone2']);
    try {
      await withSite(t, { mr: config(tree), under: tree.visibleTo }, async (site) => {
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
    } finally {
      await tree.remove();
    }
  },
);

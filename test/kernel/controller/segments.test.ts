// What must be cut up on its way through the home interface is classified behind it: by the same facts.
import test from 'ava';
import type { Capture, CapturedPacket } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { CgroupTree } from '../../support/cgroup-tree.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const tree = CgroupTree.create('segments', ['phone']);
const inSite = sharedSite({ under: tree.visibleTo });
test.after.always(() => tree.remove());

const VXLAN_PORT = 4790;
/** Of a stream through a vxlan device, which cannot be tunnelled before it is cut up. */
const BYTES = 1 << 20;
/** Acknowledgements and neighbour discovery are smaller. */
const LEAST_DATA = 1_000;

/** A vxlan device between two nodes, with the given address inside. */
async function addVxlan(site: Site, name: 'mr' | 'lan' | 'cn', peer: string, inside: string): Promise<void> {
  const ends = {
    mr: `local ${addresses.home} dev coax0`,
    lan: `local ${addresses.lan} dev eth0`,
    cn: `local ${addresses.correspondent} dev eth0`,
  };
  await site
    .node(name)
    .batch([
      `link add vx0 type vxlan id 9 dstport ${VXLAN_PORT} remote ${peer} ${ends[name]}`,
      'link set vx0 mtu 1300 up',
      `address add ${inside}/64 dev vx0 nodad`,
    ]);
}

/** The large packets of a stream from `from` to the correspondent, as each access router sees them. */
async function stream(
  site: Site,
  from: 'mr' | 'lan',
  words: readonly string[],
): Promise<{ a: CapturedPacket[]; b: CapturedPacket[] }> {
  const own = from === 'mr' ? addresses.home : addresses.lan;
  await Promise.all([
    addVxlan(site, from, addresses.correspondent, 'fd00:9::1'),
    addVxlan(site, 'cn', own, 'fd00:9::2'),
  ]);
  const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
  const listener = site.node('cn').spawn('socat', ['-u', 'TCP6-LISTEN:5800', 'OPEN:/dev/null'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const command = [
    ...words,
    'socat',
    '-u',
    '-b',
    '65536',
    '-',
    'TCP6:[fd00:9::2]:5800,retry=50,interval=0.1',
  ];
  const [program = '', ...rest] = command;
  await site.node(from).exec(program, rest, { input: 'x'.repeat(BYTES), timeout: PATIENCE });
  await listener.exited;
  await Promise.all([ra.flush(), rb.flush()]);
  for (const name of [from, 'cn'] as const) await site.node(name).ip('link delete vx0');
  const data = (capture: Capture): CapturedPacket[] =>
    capture.packets(toPort(VXLAN_PORT)).filter(({ inner }) => (inner?.payloadLength ?? 0) > LEAST_DATA);
  return { a: data(ra), b: data(rb) };
}

test.serial('segments of a local process follow the policy of its cgroup', async (t) => {
  const policy = { name: 'phone', match: { cgroup: `${tree.path}/phone` }, use: ['b', 'a'] };
  await inSite(t, { mr: mobileRouter({ policies: [policy] }) }, async (site) => {
    await site.ready();
    const { a, b } = await stream(site, 'mr', tree.words('phone'));
    t.true((await site.reason('to-be-segmented')) > 0, 'something had to be cut up');
    t.true(b.length > BYTES / 1_400, `${b.length} packets by B`);
    t.is(a.length, 0, 'packets by A');
  });
});

test.serial(
  'segments of forwarded packets follow the policy of the interface these came in by',
  async (t) => {
    const policy = { name: 'lan', match: { interface: 'lan0' }, use: ['b', 'a'] };
    await inSite(t, { mr: mobileRouter({ policies: [policy] }) }, async (site) => {
      await site.ready();
      const { a, b } = await stream(site, 'lan', []);
      t.true((await site.reason('to-be-segmented')) > 0, 'something had to be cut up');
      t.true(b.length > BYTES / 1_400, `${b.length} packets by B`);
      t.is(a.length, 0, 'packets by A');
    });
  },
);

// A mobile router with three uplinks: each is registered, chosen by a policy, moved, lost and found without the others.
import test, { type ExecutionContext } from 'ava';
import type { Capture, PacketFilter } from '../../../lab/capture.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { PATIENCE, type Site } from '../../support/site.js';
import { Flow } from './flow.js';
import { flows, type RecordedMessage, recordedMessages, withRegistration } from './registration-site.js';

const UPLINKS = ['a', 'b', 'c'] as const;
const BIDS = [1, 2, 3];
const C = 3;
const NEXT = '2001:db8:c::22';
/** Policies go by them: 51xx takes A, 52xx B, 53xx C. */
const PORTS = { a: 5110, b: 5210, c: 5310 };
/** Datagrams a second each way of a flow. */
const RATE = 250;

const bySecondDigit = (digit: number): object => ({
  protocol: 'udp',
  'destination-port': `5${digit}00-5${digit}99`,
});
const router = {
  bindings: UPLINKS.map((name, at) => ({
    ...{ bid: at + 1, name, priority: 10 * (at + 1), interface: `w${name}` },
  })),
  policies: [
    { fid: 1, name: 'to-a', match: bySecondDigit(1), use: ['a', 'b'] },
    { fid: 2, name: 'to-b', match: bySecondDigit(2), use: ['b', 'c'] },
    { fid: 3, name: 'to-c', match: bySecondDigit(3), use: ['c', 'b'] },
  ],
};
const options = { thirdUplink: true, mr: router } as const;

/** All three bindings and the policies at both ends. */
async function registered(site: Site, careOfC: string = addresses.careOfC): Promise<void> {
  const careOf = [addresses.careOfA, addresses.careOfB, careOfC];
  for (const daemon of [site.mr, site.ha]) {
    for (const [at, address] of careOf.entries()) {
      await site.state(at + 1, 'usable', { daemon, careOf: address });
    }
  }
  await flows(site, router.policies.length);
}

async function captures(site: Site): Promise<Capture[]> {
  return Promise.all(UPLINKS.map((uplink) => site.capture(`r${uplink}`, 'mr0')));
}

/** One for each policy. */
async function startFlows(site: Site): Promise<Flow[]> {
  const all = [];
  for (const uplink of UPLINKS) all.push(await Flow.start(site, PORTS[uplink], RATE));
  return all;
}

/** Resolves when all of them have got further. */
async function more(all: readonly Flow[]): Promise<void> {
  await Promise.all(all.map((flow) => flow.more()));
}

/** Ends the flows: nothing was lost, and each went by its own access network in both directions, all of it. */
async function eachByItsOwn(
  t: ExecutionContext,
  links: readonly Capture[],
  all: readonly Flow[],
): Promise<void> {
  const ends = await Promise.all(all.map((flow) => flow.end()));
  await Promise.all(links.map((link) => link.flush()));
  for (const [at, flow] of all.entries()) {
    for (const [direction, is] of Object.values(flow.packets).entries()) {
      const { sent, lost } = ends[at]?.[direction] ?? { sent: 0, lost: 0 };
      t.is(lost, 0);
      t.true(sent >= 100);
      const counts = links.map((link) => link.packets(is).length);
      const expected = UPLINKS.map((_, other) => (other === at ? sent : 0));
      t.deepEqual(counts, expected);
    }
  }
}

/** The third uplink gets another address: first both are there, then the old one is not preferred, then it goes. */
async function move(site: Site, all: readonly Flow[]): Promise<void> {
  const mr = site.node('mr');
  await mr.batch([
    `address add ${NEXT}/64 dev wc nodad`,
    `address change ${addresses.careOfC}/64 dev wc preferred_lft 0`,
  ]);
  await registered(site, NEXT);
  await more(all);
  await mr.ip(`address del ${addresses.careOfC}/64 dev wc`);
  await more(all);
}

/** The third uplink goes and comes back; the second one of its policy is B. */
async function loseAndFind(
  t: ExecutionContext,
  site: Site,
  [, rb, rc]: readonly [Capture, Capture, Capture],
): Promise<void> {
  const all = await startFlows(site);
  const [a, b, c] = all as [Flow, Flow, Flow];
  await site.lab.uplinkDown('c');
  await until(async () => (await site.bindings(site.ha)).every(({ bid }) => bid !== C), {
    what: 'the home agent to have two bindings',
    timeout: PATIENCE,
  });
  await comesBy(rb, c);
  await more(all);
  await site.lab.uplinkUp('c');
  await registered(site, NEXT);
  await comesBy(rc, c);
  await rb.flush();
  const settled = rb.position;
  await more(all);
  await rb.flush();
  const count = (is: PacketFilter): number => rb.packets(is, settled).length;
  t.deepEqual([count(c.packets.up), count(c.packets.down)], [0, 0], 'all of it is back');
  t.true(count(b.packets.up) > 0 && count(b.packets.down) > 0);
  t.deepEqual([...(await a.lost()), ...(await b.lost())], [0, 0, 0, 0], 'the others notice nothing');
  const [up, down] = await c.lost();
  t.log(
    `${up} of the third lost upwards, ${down} downwards, until the router knew and the home agent was told`,
  );
}

/** Resolves when a flow has come by a link in both directions since the call. */
async function comesBy(link: Capture, flow: Flow): Promise<void> {
  const from = link.position;
  for (const is of Object.values(flow.packets)) await link.waitFor(is, { timeout: PATIENCE, from });
}

test.serial('in bulk: policies choose each of three; one moves, goes and comes back', async (t) => {
  await withRegistration(t, options, async (site, key) => {
    await registered(site);
    const links = (await captures(site)) as [Capture, Capture, Capture];
    const all = await startFlows(site);
    await move(site, all);
    await eachByItsOwn(t, links, all);
    await loseAndFind(t, site, links);

    const messages = await recordedMessages(key);
    const bulk = messages.filter(({ bids }) => bids.length > 2);
    t.deepEqual(new Set(bulk.map(({ type }) => type)), new Set(['update', 'acknowledgement']));
    for (const { bids } of bulk) t.deepEqual(bids, BIDS);
    const statuses = bulk.flatMap(({ type, status }) => (type === 'acknowledgement' ? [status] : []));
    t.deepEqual(new Set(statuses), new Set([0]));
  });
});

test.serial('one by one, as the home agent refuses bulk: each by its own uplink', async (t) => {
  await withRegistration(t, { ...options, agent: { bulk: 'refuse' } }, async (site, key) => {
    await registered(site);
    const links = await captures(site);
    const all = await startFlows(site);
    await move(site, all);
    await eachByItsOwn(t, links, all);

    const messages = await recordedMessages(key);
    const several = messages.filter(({ type, bids }) => type === 'acknowledgement' && bids.length > 1);
    t.deepEqual(new Set(several.map(({ status }) => status)), new Set([168]));
    const refusal = messages.indexOf(several.at(-1) as RecordedMessage);
    const updates = messages.slice(refusal).filter(({ type }) => type === 'update');
    t.deepEqual(
      new Set(updates.map(({ bids, source }) => `${bids} from ${source}`)),
      new Set([
        ...[`1 from ${addresses.careOfA}`, `2 from ${addresses.careOfB}`],
        ...[`3 from ${addresses.careOfC}`, `3 from ${NEXT}`],
      ]),
      'one binding in each, and no bulk after that',
    );
  });
});

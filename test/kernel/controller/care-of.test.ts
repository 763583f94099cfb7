// The life of a care-of address: added, duplicate, deprecated, removed, back.
import test from 'ava';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { giveBackCareOf } from '../../support/care-of.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const inSite = sharedSite();

const NEXT = '2001:db8:b::22';
const HA = addresses.homeAgent;

/** Addresses with a rule of ours. */
async function ruled(site: Site): Promise<string[]> {
  const rules = JSON.parse(await site.node('mr').ip('-j -6 rule show')) as {
    src: string;
    priority: number;
  }[];
  return rules.filter(({ priority }) => priority === 100).map(({ src }) => src);
}

test.serial('a new address takes over in four steps when the old one is deprecated', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    const rb = await site.capture('rb', 'mr0');
    const sink = await Sink.start(site.node('cn'), { ports: [5210], echo: true });
    const stream = await Stream.start(site.node('lan'), { to: addresses.correspondent, port: 5210 });
    await rb.waitFor(toPort(5210), { timeout: PATIENCE });

    // Step 1: the new address is accepted and has its rule; nothing is sent from it.
    await mr.ip(`address add ${NEXT}/64 dev wb nodad`);
    await until(async () => (await site.accepted()).includes(`${NEXT} ${HA}`), {
      what: 'the new address in the accept set',
      timeout: PATIENCE,
    });
    t.true((await ruled(site)).includes(NEXT));
    t.is((await site.bindings()).find(({ bid }) => bid === BID.b)?.careOf, addresses.careOfB);
    t.deepEqual(
      rb.packets((packet) => packet.outer.source === NEXT && packet.inner !== undefined),
      [],
    );

    // Step 2: the home agent is told; it takes packets from both, and sends to the new one.
    await site.setBinding(BID.b, { careOf: NEXT, acceptOnly: true }, { daemon: site.ha });
    t.deepEqual(
      (await site.accepted(site.ha)).filter((pair) => pair.includes('2001:db8:b:')).sort(),
      [`${HA} ${addresses.careOfB}`, `${HA} ${NEXT}`].sort(),
    );
    t.is((await site.state(BID.b, 'usable', { daemon: site.ha })).careOf, addresses.careOfB);
    await site.setBinding(BID.b, { careOf: NEXT }, { daemon: site.ha });
    await site.state(BID.b, 'usable', { daemon: site.ha, careOf: NEXT });

    // Step 3: the switch, once the old address is no longer preferred.
    await mr.ip(`address change ${addresses.careOfB}/64 dev wb preferred_lft 0`);
    await rb.waitFor((packet) => toPort(5210)(packet) && packet.outer.source === NEXT, { timeout: PATIENCE });
    await mr.ip(`address del ${addresses.careOfB}/64 dev wb`);

    // Step 4: the old one is still accepted, and refused when the grace time is over.
    await site.state(BID.b, 'usable', { careOf: NEXT });
    await until(async () => !(await ruled(site)).includes(addresses.careOfB), {
      what: 'the old rule to go',
      timeout: PATIENCE,
    });
    await until(async () => !(await site.accepted()).includes(`${addresses.careOfB} ${HA}`), {
      what: 'the old address to leave the accept set',
      timeout: PATIENCE,
    });
    await until(async () => !(await site.accepted(site.ha)).includes(`${HA} ${addresses.careOfB}`), {
      what: 'the old address to leave the accept set of the home agent',
      timeout: PATIENCE,
    });
    const { sent } = await stream.stop();
    const report = await sink.received(sent, 5210, PATIENCE);
    t.is(report.lost, 0);
    await rb.flush();
    const sources = rb.packets(toPort(5210)).map(({ outer }) => outer.source);
    const turn = sources.indexOf(NEXT);
    t.true(sources.every((source, at) => source === (at < turn ? addresses.careOfB : NEXT)));
    await Promise.all([stream.end(), sink.end()]);
    await giveBackCareOf(site, 'b');
  });
});

test.serial('a removed address stays accepted for the grace time', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.state(BID.b, 'usable');
    await site.mr.reload(mobileRouter({ 'grace-time': '1h' }));
    await site.node('mr').ip(`address del ${addresses.careOfB}/64 dev wb`);
    await site.state(BID.b, 'no-address');
    t.true((await site.accepted()).includes(`${addresses.careOfB} ${HA}`));
    t.deepEqual((await ruled(site)).includes(addresses.careOfB), false);
    // Back, it is usable again.
    await site.node('mr').ip(`address add ${addresses.careOfB}/64 dev wb nodad`);
    await site.state(BID.b, 'usable', { careOf: addresses.careOfB });
    await until(async () => (await ruled(site)).includes(addresses.careOfB), {
      what: 'its rule to be back',
      timeout: PATIENCE,
    });
  });
});

test.serial(
  'with duplicate address detection: tentative, then usable; a duplicate is never used',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.state(BID.a, 'usable');
      const mr = site.node('mr');
      await mr.sysctl({ 'ipv6.conf.wa.accept_dad': 1 });
      await mr.ip(`address del ${addresses.careOfA}/64 dev wa`);
      await site.state(BID.a, 'no-address');
      await mr.ip('address add 2001:db8:a::33/64 dev wa');
      await site.state(BID.a, 'tentative');
      await site.state(BID.a, 'usable', { careOf: '2001:db8:a::33' });

      await site.node('ra').ip('address add 2001:db8:a::dd/64 dev mr0 nodad');
      await mr.ip('address del 2001:db8:a::33/64 dev wa');
      await mr.ip('address add 2001:db8:a::dd/64 dev wa');
      await until(async () => (await mr.ip('-6 address show dev wa')).includes('dadfailed'), {
        what: 'the duplicate to be found',
        timeout: PATIENCE,
      });
      const view = await site.state(BID.a, 'no-address');
      t.is(view.careOf, null);
      t.false((await ruled(site)).includes('2001:db8:a::dd'));

      // A good one beside the duplicate is used.
      await mr.ip('address add 2001:db8:a::34/64 dev wa');
      await site.state(BID.a, 'usable', { careOf: '2001:db8:a::34' });
      await site.node('ra').ip('address del 2001:db8:a::dd/64 dev mr0');
      await mr.sysctl({ 'ipv6.conf.wa.accept_dad': 0 });
      await giveBackCareOf(site, 'a');
    });
  },
);

test.serial('a deprecated address carries on alone and makes way for another', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.state(BID.a, 'usable');
    const mr = site.node('mr');
    const ra = await site.capture('ra', 'mr0');
    await mr.ip(`address change ${addresses.careOfA}/64 dev wa preferred_lft 0`);
    await site.state(BID.a, 'deprecated', { careOf: addresses.careOfA });
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5101, count: 1 });
    const first = await ra.waitFor(toPort(5101), { timeout: PATIENCE });
    t.is(first.outer.source, addresses.careOfA);
    await mr.ip('address add 2001:db8:a::44/64 dev wa nodad');
    await site.state(BID.a, 'usable', { careOf: '2001:db8:a::44' });
    await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5102, count: 1 });
    t.is((await ra.waitFor(toPort(5102), { timeout: PATIENCE })).outer.source, '2001:db8:a::44');
    await giveBackCareOf(site, 'a');
  });
});

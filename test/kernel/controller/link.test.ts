// Uplinks and neighbours that come, go and change.
import test from 'ava';
import type { LabNode } from '../../../lab/node.js';
import { innermost } from '../../../lab/packet.js';
import { Sink, Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { Instance } from '../../../src/datapath/index.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, PATIENCE, type Site, toPort } from '../../support/site.js';

const inSite = sharedSite();

/** Sends datagrams of uplink A's policy until one passes the capture of the uplink named. */
async function flowsBy(
  site: Site,
  node: 'ra' | 'rb',
  source: string,
  happen: () => Promise<unknown>,
): Promise<void> {
  const stream = await Stream.start(site.node('lan'), { to: addresses.correspondent, port: 5110, rate: 200 });
  await happen();
  const capture = await site.capture(node, 'mr0');
  const packet = await capture.waitFor(toPort(5110, stream.sourcePort), { timeout: PATIENCE });
  await stream.stop();
  await stream.end();
  await capture.stop();
  if (packet.outer.source !== source) throw new Error(`outer source is ${packet.outer.source}`);
}

test.serial('an uplink that is set down hands over its flows and gets them back', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    await flowsBy(site, 'ra', addresses.careOfA, async () => undefined);
    await flowsBy(site, 'rb', addresses.careOfB, () => site.lab.uplinkDown('a'));
    await site.state(BID.a, 'down');
    await flowsBy(site, 'ra', addresses.careOfA, () => site.lab.uplinkUp('a'));
    const view = await site.state(BID.a, 'usable', { careOf: addresses.careOfA });
    t.is(view.interface, 'wa');
  });
});

test.serial('an uplink that loses its carrier hands over its flows and gets them back', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    await flowsBy(site, 'rb', addresses.careOfB, () => site.node('ra').ip('link set mr0 down'));
    const view = await site.state(BID.a, 'no-carrier');
    t.is(view.careOf, null);
    await flowsBy(site, 'ra', addresses.careOfA, () => site.node('ra').ip('link set mr0 up'));
    await site.state(BID.a, 'usable', { careOf: addresses.careOfA });
  });
});

test.serial(
  'each care-of address answers on its own link, and a socket bound to it leaves by it',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      const [ra, rb] = await Promise.all([site.capture('ra', 'mr0'), site.capture('rb', 'mr0')]);
      const by = { [addresses.careOfA]: [ra, rb], [addresses.careOfB]: [rb, ra] } as const;
      for (const [careOf, [own, other]] of Object.entries(by)) {
        await site.node('core').exec('ping', ['-6', '-n', '-c', '2', '-i', '0.2', '-W', '5', careOf]);
        await site
          .node('mr')
          .exec('ping', ['-6', '-n', '-c', '2', '-i', '0.2', '-W', '5', '-I', careOf, addresses.core]);
        await Promise.all([own.flush(), other.flush()]);
        const from = (capture: typeof own): number =>
          capture.packets(
            (packet) =>
              packet.inner === undefined &&
              innermost(packet).source === careOf &&
              (packet.transport?.icmpType ?? 0) >= 128 &&
              (packet.transport?.icmpType ?? 0) <= 129,
          ).length;
        t.is(from(own), 4, `${careOf}: two answers and two requests`);
        t.is(from(other), 0, `${careOf}: nothing on the other link`);
      }
    });
  },
);

test.serial('an uplink that is unplugged and comes back under another ifindex is used again', async (t) => {
  await inSite(t, { spoils: true }, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    const ra = site.node('ra');
    const instance = new Instance(site.mr.instance, site.mr.bpffs);
    const before = (await mr.link('wa')).ifindex;
    t.true(instance.linkPins().includes(`uplink-${before}`));
    await flowsBy(site, 'rb', addresses.careOfB, () => mr.ip('link del wa'));
    await site.state(BID.a, 'down');
    await until(() => !instance.linkPins().includes(`uplink-${before}`), {
      what: 'the pin of the old device to go',
      timeout: PATIENCE,
    });
    await flowsBy(site, 'ra', addresses.careOfA, async () => {
      await mr.ip(`link add wa index 777 type veth peer name mr0 index 778 netns ${ra.namespace}`);
      await ra.batch([`address add ${addresses.accessA}/64 dev mr0 nodad`, 'link set mr0 up']);
      await mr.batch([
        `address add ${addresses.careOfA}/64 dev wa nodad`,
        'link set wa up',
        `route add default via ${addresses.accessA} dev wa metric 1024`,
      ]);
    });
    await site.state(BID.a, 'usable', { careOf: addresses.careOfA });
    t.deepEqual(
      instance
        .linkPins()
        .filter((pin) => pin.startsWith('uplink-'))
        .sort(),
      ['uplink-777', `uplink-${(await mr.link('wb')).ifindex}`].sort(),
    );
    // Downstream too: the program of decapsulation sits on the new device.
    const lan = await site.capture('lan', 'eth0');
    await Stream.send(site.node('cn'), {
      to: addresses.lan,
      port: 6001,
      source: addresses.correspondent,
      sourcePort: 5101,
      count: 1,
    });
    const packet = await lan.waitFor(toPort(6001), { timeout: PATIENCE });
    t.is(packet.inner, undefined);
  });
});

async function neighbour(node: LabNode, address: string, device: string): Promise<string> {
  return (await node.ip(`-6 -d neigh show ${address} dev ${device}`)).trim();
}

test.serial('next hops and LAN neighbours are held; a changed MAC address is followed', async (t) => {
  await inSite(t, { spoils: true }, async (site) => {
    await site.ready();
    const [mr, ra, lan] = [site.node('mr'), site.node('ra'), site.node('lan')];
    t.regex(await neighbour(mr, addresses.accessA, 'wa'), /managed/);
    t.regex(await neighbour(mr, addresses.accessB, 'wb'), /managed/);
    t.regex(await neighbour(site.node('ha'), addresses.core, 'core0'), /managed/);

    await mr.ip('-6 neigh flush dev lan0');
    const sink = await Sink.start(site.node('cn'), { ports: [5110] });
    const stream = await Stream.start(lan, { to: addresses.correspondent, port: 5110, rate: 500 });
    await sink.received(50, 5110, PATIENCE);
    // Without a word to its neighbours, as a router that was swapped.
    await ra.sysctl({ 'ipv6.conf.mr0.ndisc_notify': 0 });
    await ra.ip('link set mr0 address 02:aa:bb:cc:dd:01');
    const changed = performance.now();
    const { received } = await sink.report();
    await until(async () => (await sink.report()).received > received + 100, {
      what: 'the flow to go on',
      timeout: 60_000,
    });
    t.log(
      `flow goes on ${Math.round(performance.now() - changed)} ms after the router's MAC address changed`,
    );
    await until(
      async () =>
        (await site.bindings()).some(
          ({ bid, nextHopMac }) => bid === BID.a && nextHopMac === '02:aa:bb:cc:dd:01',
        ),
      { what: 'the binding to have the new MAC address', timeout: 60_000 },
    );
    await stream.stop();
    await Promise.all([stream.end(), sink.end()]);

    // The LAN host is learnt, changes its MAC address, and vanishes.
    const rows = async (): Promise<{ address: string; mac: string }[]> => {
      const content = await site.rows<{ key: number; value: { address: string; mac: string } }>(
        'cx_neighbour_rows',
      );
      const used = await site.rows<{ value: number }>('cx_neighbours');
      return content.filter(({ key }) => used.some(({ value }) => value === key)).map(({ value }) => value);
    };
    const learnt = async (mac: string | undefined): Promise<void> => {
      await until(
        async () => (await rows()).find(({ address }) => address === addresses.lan)?.mac === mac || undefined,
        {
          what: `the LAN host to be known as ${mac}`,
          timeout: 60_000,
        },
      );
    };
    await learnt((await lan.link('eth0')).mac);
    const lanSink = await Sink.start(lan, { ports: [6001] });
    const down = await Stream.start(site.node('cn'), {
      to: addresses.lan,
      port: 6001,
      sourcePort: 5120,
      rate: 200,
    });
    await lanSink.received(20, 6001, PATIENCE);
    // It does not say so either.
    await lan.sysctl({ 'ipv6.conf.eth0.ndisc_notify': 0 });
    await lan.ip('link set eth0 address 02:aa:bb:cc:dd:02');
    const moved = performance.now();
    await learnt('02:aa:bb:cc:dd:02');
    const before = (await lanSink.report()).received;
    await lanSink.received(before + 20, 6001, PATIENCE);
    t.log(`LAN host reached ${Math.round(performance.now() - moved)} ms after its MAC address changed`);
    await lan.ip('link set eth0 down');
    await learnt(undefined);
    await down.stop();
    await Promise.all([down.end(), lanSink.end()]);
  });
});

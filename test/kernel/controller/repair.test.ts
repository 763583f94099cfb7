// Somebody else removes what is ours: it is noticed, repaired and said in the log.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { Instance } from '../../../src/datapath/index.js';
import { BpfLink } from '../../../src/libbpf-ts/index.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const inSite = sharedSite();

async function shows(site: Site, words: string, pattern: RegExp): Promise<void> {
  await until(async () => pattern.test(await site.node('mr').ip(words)), {
    what: `${pattern} in ip ${words}`,
    timeout: PATIENCE,
  });
}

/** A packet of the LAN reaches the correspondent through uplink A, and one of the correspondent the LAN. */
async function bothWays(site: Site): Promise<void> {
  const [cn, lan] = await Promise.all([site.capture('cn', 'eth0'), site.capture('lan', 'eth0')]);
  await until(
    async () => {
      await Stream.send(site.node('lan'), { to: addresses.correspondent, port: 5101, count: 1 });
      await Stream.send(site.node('cn'), { to: addresses.lan, port: 6001, sourcePort: 5101, count: 1 });
      return cn.packets(toPort(5101)).length > 0 && lan.packets(toPort(6001)).length > 0;
    },
    { what: 'traffic in both directions', timeout: PATIENCE, interval: 100 },
  );
  await Promise.all([cn.stop(), lan.stop()]);
}

test.serial('a rule, routes, an address and a neighbour are put back', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    const rule = new RegExp(`from ${addresses.careOfB} lookup 7602 proto 191`);
    await shows(site, '-6 rule show', rule);
    await mr.ip(`-6 rule del from ${addresses.careOfB} lookup 7602`);
    await shows(site, '-6 rule show', rule);
    await site.logged(site.mr, /REPAIRED.*rule 100 from 2001:db8:b::2/);

    await mr.ip('-6 route flush table 7602');
    await shows(site, '-6 route show table 7602', new RegExp(`default via ${addresses.accessB} dev wb`));
    await mr.ip('-6 route del default dev coax0');
    await shows(site, '-6 route show', new RegExp(`default dev coax0 proto 191 src ${addresses.home}`));
    await site.logged(site.mr, /REPAIRED.*route ::\/0 metric 64/);
    await mr.ip('-6 route del unreachable default metric 65');
    await shows(site, '-6 route show', /unreachable default .*metric 65/);
    await mr.ip(`-6 address del ${addresses.home}/128 dev coax0`);
    await shows(site, '-6 address show dev coax0', new RegExp(addresses.home));
    await mr.ip(`-6 neigh del ${addresses.accessA} dev wa`);
    await shows(site, '-6 -d neigh show dev wa', new RegExp(`${addresses.accessA} .*managed`));
    await mr.ip('link set coax0 mtu 1300');
    await shows(site, 'link show coax0', /mtu 1460/);
    await bothWays(site);
  });
});

test.serial('the home interface is brought up again, and made again', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const mr = site.node('mr');
    await mr.ip('link set coax0 down');
    await shows(site, 'link show coax0', /state UP/);
    await bothWays(site);
    const { ifindex } = await mr.link('coax0');
    await mr.ip('link del coax0');
    await until(async () => (await mr.link('coax0')).ifindex !== ifindex, {
      what: 'another home interface',
      timeout: PATIENCE,
    });
    await shows(site, '-6 route show', new RegExp(`default dev coax0 proto 191 src ${addresses.home}`));
    await bothWays(site);
    await mr.exec('ping', ['-6', '-n', '-c', '1', '-W', '5', addresses.correspondent]);
    t.deepEqual(
      new Instance(site.mr.instance, site.mr.bpffs).linkPins().filter((pin) => pin.startsWith('home-')),
      [`home-${(await mr.link('coax0')).ifindex}`],
    );
  });
});

test.serial('link pins, a detached program and map pins are put back', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const instance = new Instance(site.mr.instance, site.mr.bpffs);
    const pins = instance.linkPins();
    const ingress = pins.find((pin) => pin.startsWith('ingress-')) ?? '';
    rmSync(instance.linkPin(ingress));
    await until(() => instance.linkPins().includes(ingress), {
      what: 'the pin to be back',
      timeout: PATIENCE,
    });
    await site.logged(site.mr, /REPAIRED.*ingress-\d+/);
    await bothWays(site);

    const uplink = pins.find((pin) => pin.startsWith('uplink-')) ?? '';
    {
      using link = BpfLink.fromPin(instance.linkPin(uplink));
      link.detach();
    }
    await until(
      () => {
        using link = BpfLink.fromPin(instance.linkPin(uplink));
        return link.info.ifindex !== 0;
      },
      { what: 'the program to be attached again', timeout: PATIENCE },
    );
    await bothWays(site);

    // All of them, and the directory that they were in: packets go on without a program until they are back.
    rmSync(dirname(instance.linkPin(uplink)), { recursive: true });
    await until(() => isDeepStrictEqual(instance.linkPins(), pins), {
      what: 'all link pins to be back',
      timeout: PATIENCE,
    });
    await bothWays(site);

    rmSync(instance.mapPin('cx_binding_keys'));
    await until(
      () => {
        try {
          using link = BpfLink.fromPin(instance.mapPin('cx_binding_keys'));
          return link !== undefined;
        } catch (error) {
          return (error as { code?: string }).code !== 'ENOENT';
        }
      },
      { what: 'the map pin to be back', timeout: PATIENCE },
    );
    await site.mr.restart();
    await bothWays(site);
    t.deepEqual(instance.linkPins(), pins);
  });
});

test.serial('the device of external tunnels is made again', async (t) => {
  const external = {
    bindings: [
      { bid: 1, name: 'a', priority: 10, interface: 'wa', tunnel: 'external' },
      { bid: 2, name: 'b', priority: 20, interface: 'wb' },
    ],
    external: {},
  };
  await inSite(t, { mr: mobileRouter(external) }, async (site) => {
    await site.state(1, 'usable');
    const mr = site.node('mr');
    const { ifindex } = await mr.link('coax-vx0');
    const ra = await site.capture('ra', 'mr0');
    const crosses = async (port: number): Promise<void> => {
      const from = ra.position;
      await until(
        async () => {
          await Stream.send(site.node('lan'), { to: addresses.correspondent, port, count: 1 });
          return ra.packets(toPort(port), from).some(({ tunnel }) => tunnel?.kind === 'vxlan');
        },
        { what: 'a packet in the vxlan tunnel', timeout: PATIENCE, interval: 100 },
      );
    };
    await crosses(5101);
    await mr.ip('link del coax-vx0');
    await until(async () => (await mr.link('coax-vx0')).ifindex !== ifindex, {
      what: 'another tunnel device',
      timeout: PATIENCE,
    });
    await crosses(5102);
    t.deepEqual(
      ra.packets(toPort(5102)).filter(({ outer }) => outer.source !== addresses.careOfA),
      [],
    );
  });
});

// Actions end to end: what leaves by which way is read from the wire.
import test from 'ava';
import type { CapturedPacket } from '../../../lab/capture.js';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { sendDatagrams } from '../../support/datagram.js';
import { sharedSite } from '../../support/shared-site.js';
import { mobileRouter, PATIENCE, type Site, toPort } from '../../support/site.js';

const inSite = sharedSite();

const BYPASSED = 5500;

/** Packets that bypass us carry the mobile network's address, which visited networks refuse: it is translated. */
const MASQUERADE = `table ip6 nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname { "wa", "wb" } udp dport ${BYPASSED} masquerade
  }
}`;

async function reloaded(site: Site, forwarding: string): Promise<void> {
  await site.mr.reload(
    mobileRouter({
      ingress: [{ interface: 'lan0', forwarding }],
      policies: [
        {
          name: 'beside',
          match: { interface: 'lan0', protocol: 'udp', 'destination-port': BYPASSED },
          bypass: true,
        },
        { name: 'no', match: { protocol: 'udp', 'destination-port': 5501 }, drop: true },
      ],
    }),
  );
}

test.serial(
  'what bypasses takes the route that the kernel has without ours; what is dropped goes nowhere',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      await site.node('mr').nft(MASQUERADE);
      const [ra, cn] = await Promise.all([site.capture('ra', 'mr0'), site.capture('cn', 'eth0')]);
      const send = async (port: number): Promise<void> => {
        await Stream.send(site.node('lan'), { to: addresses.correspondent, port, count: 5 });
      };
      for (const forwarding of ['fast', 'stack']) {
        await reloaded(site, forwarding);
        const [from, fromCn] = [ra.position, cn.position];
        const tunnelled = (await site.bindings()).map(({ sent }) => sent.packets);
        await send(5501);
        await send(BYPASSED);
        const beside = (): CapturedPacket[] => ra.packets(toPort(BYPASSED), from);
        await until(() => beside().length === 5, {
          what: `5 packets beside the tunnels (${forwarding})`,
          timeout: PATIENCE,
        });
        t.true(
          beside().every(({ inner, outer }) => inner === undefined && outer.source === addresses.careOfA),
          forwarding,
        );
        await cn.flush();
        t.deepEqual(cn.packets(toPort(5501), fromCn), [], `dropped (${forwarding})`);
        t.deepEqual(
          (await site.bindings()).map(({ sent }) => sent.packets),
          tunnelled,
          'nothing of it was tunnelled',
        );
        t.is(await site.reason('drop-bypass'), 0);
      }
      t.true((await site.reason('bypass')) >= 10);
      t.true((await site.reason('drop-by-policy')) >= 10);
      // Without such a policy the rules go.
      await site.mr.reload(mobileRouter());
      t.notRegex(await site.node('mr').ip('-6 rule show'), /fwmark/);
      await site.node('mr').nft('delete table ip6 nat');
    });
  },
);

test.serial('every usable binding carries a copy', async (t) => {
  const alarm = { name: 'alarm', match: { protocol: 'udp', 'destination-port': 5700 }, copy: ['a', 'b'] };
  await inSite(t, { mr: mobileRouter({ policies: [alarm] }) }, async (site) => {
    await site.ready();
    const [ra, rb, cn] = await Promise.all([
      site.capture('ra', 'mr0'),
      site.capture('rb', 'mr0'),
      site.capture('cn', 'eth0'),
    ]);
    const send = async (from: 'lan' | 'mr', arriving: number): Promise<void> => {
      const start = cn.position;
      await Stream.send(site.node(from), { to: addresses.correspondent, port: 5700, count: 5 });
      await until(() => cn.packets(toPort(5700), start).length === arriving, {
        what: `${arriving} packets to arrive`,
        timeout: PATIENCE,
      });
    };
    await send('lan', 10);
    await send('mr', 10);
    for (const [capture, careOf] of [
      [ra, addresses.careOfA],
      [rb, addresses.careOfB],
    ] as const) {
      const outers = capture.packets(toPort(5700)).map(({ inner, outer }) => inner && outer.source);
      t.deepEqual(
        outers,
        Array.from({ length: 10 }, () => careOf),
        'each copy has the source of its link',
      );
    }
    t.is(await site.reason('also-copied'), 10);
    t.is(await site.reason('also-copy-lost'), 0);
    await site.setBinding(1, { down: true });
    await send('lan', 5);
    await site.setBinding(1, { down: false });
    await site.ready();
    await send('lan', 10);
  });
});

test.serial('flows are shared by both bindings, and all of them take the one that is left', async (t) => {
  const shared = { name: 'shared', match: { protocol: 'udp' }, balance: { a: 1, b: 1 } };
  await inSite(t, { mr: mobileRouter({ policies: [shared] }) }, async (site) => {
    await site.ready();
    const ports = Array.from({ length: 24 }, (_, at) => 5600 + at);
    const cn = await site.capture('cn', 'eth0');
    const burst = async (): Promise<number[]> => {
      const before = (await site.bindings()).map(({ sent }) => sent.packets);
      const from = cn.position;
      const to = { to: addresses.correspondent, sourcePort: 7000, size: 112, count: 2 };
      await sendDatagrams(site.node('lan'), ...ports.map((port) => ({ ...to, port })));
      await until(
        () =>
          cn.packets(({ transport }) => ports.includes(transport?.destinationPort ?? 0), from).length === 48,
        {
          what: 'all packets to arrive',
          timeout: PATIENCE,
        },
      );
      return (await site.bindings()).map(({ sent }, at) => sent.packets - (before[at] ?? 0));
    };
    const [first = 0, second = 0] = await burst();
    t.is(first + second, 48);
    t.true(first > 0 && second > 0, `${first} and ${second}`);
    t.deepEqual(await burst(), [first, second], 'each flow stays with its binding');
    await site.setBinding(1, { down: true });
    t.deepEqual(await burst(), [0, 48]);
    await site.setBinding(1, { down: false });
    await site.ready();
    t.deepEqual(await burst(), [first, second], 'and back');
  });
});

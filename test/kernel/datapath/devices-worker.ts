/** Packets over real devices with and without a link header; runs in a network namespace of its own, and prints
 * what was wrong of each case.
 *
 *   lan-tun  --+                      +-- up-tun  (binding A)
 *   lan-eth  --+-- programs -- home --+-- up-eth  (binding B)
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { patient } from '../../../lab/patience.js';
import { CxBindingFlag, CxRole, Datapath, Instance } from '../../../src/datapath/index.js';
import type { Packet } from '../../support/packet.js';
import { packetDifference } from '../../support/packet-text.js';
import { Wire } from './wire.js';
import { writeWorld } from './world-writer.js';
import {
  agentRow,
  agentWorld,
  BID,
  CORRESPONDENT,
  down,
  HOME_ADDRESS,
  LAN_HOST,
  mobileRow,
  mobileWorld,
  OTHER_HOST,
  outerDown,
  outerUp,
  policies,
  selectorOf,
  up,
} from './worlds.js';

const [bpffs = ''] = process.argv.slice(2);
const LIMITS = { bindings: 8, routers: 4, policies: 16, prefixes: 16, routes: 16, neighbours: 16 };
/** Destination port that policies send to binding B. */
const TO_B = 3000;
/** Destination port of which both carry a copy; and then only smaller ones fit, so that B's is the packet itself. */
const TO_BOTH = 3001;
const MTU_OF_B = 1400;
const MAC = {
  lan: '02:00:00:00:01:01',
  lanHost: '02:00:00:00:01:10',
  up: '02:00:00:00:02:01',
  upRouter: '02:00:00:00:02:fe',
} as const;
const fromHost = { source: MAC.lanHost, destination: MAC.lan };
const fromRouter = { source: MAC.upRouter, destination: MAC.up };

const ip = (...parameters: string[]): void => {
  execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
};
const ifindexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
const disableIpv6 = (name: string, value: number): void => {
  execFileSync('sysctl', ['-qw', `net.ipv6.conf.${name}.disable_ipv6=${value}`]);
};

const results: Record<string, string> = {};

/** One case: sends, waits for what comes out, and notes the difference. */
async function check(
  name: string,
  send: () => void,
  from: Wire,
  expected: Packet,
  link: boolean,
): Promise<void> {
  send();
  try {
    // Nothing else is sent here, so the first packet has to be the right one: no filter.
    const actual = await from.receive(() => true, name);
    results[name] = packetDifference(expected.bytes(actual), actual, link);
  } catch (error) {
    results[name] = String(error);
  }
}

/** As `check`, for a packet of which a copy comes out of each of two devices. */
async function checkBoth(
  name: string,
  send: () => void,
  wires: readonly { from: Wire; expected: Packet; link: boolean }[],
): Promise<void> {
  for (const [number, { from, expected, link }] of wires.entries()) {
    await check(
      `${name}, copy ${number + 1}`,
      () => {
        if (number === 0) send();
      },
      from,
      expected,
      link,
    );
  }
}

function makeDevices(homeMac: string): void {
  for (const [name, mac] of [
    ['lan-eth', MAC.lan],
    ['up-eth', MAC.up],
  ] as const) {
    ip('link', 'add', name, 'address', mac, 'type', 'veth', 'peer', 'name', `${name}-far`);
    ip('link', 'set', `${name}-far`, 'up');
    ip('link', 'set', name, 'up');
  }
  ip('link', 'add', 'home', 'address', homeMac, 'type', 'veth', 'peer', 'name', 'home-far');
  ip('link', 'set', 'home-far', 'up');
  disableIpv6('home', 0);
  ip('link', 'set', 'home', 'up', 'arp', 'off');
  ip('address', 'add', `${HOME_ADDRESS}/128`, 'dev', 'home', 'nodad');
  ip('route', 'add', 'default', 'dev', 'home', 'src', HOME_ADDRESS);
}

const at = (role: 'ingress' | 'uplink' | 'transit' | 'home', name: string, program: string) => ({
  role,
  interface: name,
  ifindex: ifindexOf(name),
  direction: role === 'home' ? ('egress' as const) : ('ingress' as const),
  program,
});

function countOf(datapath: Datapath, reason: string): number {
  return datapath.counters
    .reasons()
    .reduce((sum, count) => sum + (count.reason === reason ? count.packets : 0), 0);
}

async function mobileRouter(): Promise<void> {
  await using lanTun = await Wire.tun('lan-tun', 20_000);
  await using upTun = await Wire.tun('up-tun', 20_010);
  using datapath = await Datapath.open({
    instance: new Instance('devices', bpffs),
    role: CxRole.MOBILE_ROUTER,
    limits: LIMITS,
  });
  makeDevices(datapath.homeMac.toString());
  await using lanEth = await Wire.veth('lan-eth-far', 20_020);
  await using upEth = await Wire.veth('up-eth-far', 20_030);
  await writeWorld(
    datapath,
    mobileWorld({
      rows: {
        A: mobileRow('A', { ifindex: ifindexOf('up-tun'), flags: CxBindingFlag.NO_LINK_HEADER }),
        B: mobileRow('B', {
          ifindex: ifindexOf('up-eth'),
          nextHopMac: MAC.upRouter,
          ownMac: MAC.up,
          mtu: MTU_OF_B,
        }),
        C: null,
      },
      policies: [
        ...policies({ match: { destinationPort: { low: TO_B, high: TO_B } }, use: [BID.B] }),
        {
          fid: 2,
          name: 'both',
          priority: 20,
          selector: selectorOf({ destinationPort: { low: TO_BOTH, high: TO_BOTH } }),
          action: { kind: 'copy', bindings: [BID.A, BID.B] },
          otherwise: 'next',
        },
      ],
      neighbours: [
        { address: LAN_HOST, ifindex: ifindexOf('lan-eth'), mac: MAC.lanHost, ownMac: MAC.lan, mtu: 1500 },
      ],
      homeIfindex: ifindexOf('home'),
    }),
  );
  const { failed } = await datapath.attach(
    [
      at('ingress', 'lan-tun', 'coax_ingress_l3'),
      at('ingress', 'lan-eth', 'coax_ingress'),
      at('uplink', 'up-tun', 'coax_uplink_l3'),
      at('uplink', 'up-eth', 'coax_uplink'),
      at('home', 'home', 'coax_home'),
    ],
    [],
  );
  for (const { error } of failed) {
    throw error;
  }

  const udp = (destinationPort: number, hopLimit = 64): Packet =>
    up({ hopLimit }).udp({ destinationPort }).payload(40);
  const toRouter = { source: MAC.up, destination: MAC.upRouter };
  const byA = outerUp('A').carrying(udp(1, 63));
  const byB = outerUp('B').carrying(udp(TO_B, 63)).onEthernet(toRouter);

  await check('tun to tun', () => lanTun.send(udp(1).bytes()), upTun, byA, false);
  await check('tun to Ethernet', () => lanTun.send(udp(TO_B).bytes()), upEth, byB, true);
  await check('Ethernet to tun', () => lanEth.send(udp(1).onEthernet(fromHost).bytes()), upTun, byA, false);
  await check(
    'Ethernet to Ethernet',
    () => lanEth.send(udp(TO_B).onEthernet(fromHost).bytes()),
    upEth,
    byB,
    true,
  );

  const both = [
    { from: upTun, expected: outerUp('A').carrying(udp(TO_BOTH, 63)), link: false },
    { from: upEth, expected: outerUp('B').carrying(udp(TO_BOTH, 63)).onEthernet(toRouter), link: true },
  ];
  await checkBoth('tun to tun and Ethernet', () => lanTun.send(udp(TO_BOTH).bytes()), both);
  await checkBoth(
    'Ethernet to tun and Ethernet',
    () => lanEth.send(udp(TO_BOTH).onEthernet(fromHost).bytes()),
    both,
  );
  results['copies are counted'] =
    countOf(datapath, 'also-copied') === 2 && countOf(datapath, 'also-copy-lost') === 0 ? '' : 'miscounted';

  const inner = (hopLimit = 64, destination: string = LAN_HOST): Packet =>
    down({ hopLimit, destination }).udp({ destinationPort: 4000 }).payload(40);
  const toHost = { source: MAC.lan, destination: MAC.lanHost };
  const delivered = inner(63).onEthernet(toHost);
  const outer = (uplink: 'A' | 'B'): Packet => outerDown(uplink, { flowLabel: 1 });
  await check(
    'tun uplink to a neighbour',
    () => upTun.send(outer('A').carrying(inner()).bytes()),
    lanEth,
    delivered,
    true,
  );
  await check(
    'tun uplink to a neighbour, behind an outer extension header',
    () => upTun.send(outer('A').encapsulationLimit().carrying(inner()).bytes()),
    lanEth,
    delivered,
    true,
  );
  await check(
    'Ethernet uplink to a neighbour',
    () => upEth.send(outer('B').carrying(inner()).onEthernet(fromRouter).bytes()),
    lanEth,
    delivered,
    true,
  );

  await toSocket('tun uplink to a socket', () =>
    upTun.send(outer('A').carrying(inner(64, HOME_ADDRESS)).bytes()),
  );
  await toSocket('Ethernet uplink to a socket', () =>
    upEth.send(outer('B').carrying(inner(64, HOME_ADDRESS)).onEthernet(fromRouter).bytes()),
  );

  // What must not be sent goes first; then one that is sent has to be the first to come out.
  const tag = Uint8Array.of(0x81, 0, 0, 7);
  const frame = udp(1).onEthernet(fromHost).bytes();
  const tagged = Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
  const before = { vlan: countOf(datapath, 'not-ipv6'), other: countOf(datapath, 'other-host') };
  await check(
    'frames with a VLAN tag and frames for another host are left alone',
    () => {
      lanEth.send(tagged);
      lanEth.send(udp(2).onEthernet({ source: MAC.lanHost, destination: '02:00:00:00:77:77' }).bytes());
      lanEth.send(frame);
    },
    upTun,
    byA,
    false,
  );
  results['the VLAN tag is counted'] = countOf(datapath, 'not-ipv6') > before.vlan ? '' : 'not counted';
  results['the frame for another host is counted'] =
    countOf(datapath, 'other-host') > before.other ? '' : 'not counted';

  await check(
    'frames and packets cut at every byte, fixed header included, are not sent',
    () => {
      for (let size = 1; size < udp(9).bytes().length; size++) {
        lanTun.send(udp(9).bytes().subarray(0, size));
        lanEth.send(
          udp(9)
            .onEthernet(fromHost)
            .bytes()
            .subarray(0, 14 + size),
        );
        upTun.send(
          outer('A')
            .carrying(inner())
            .bytes()
            .subarray(0, 40 + size),
        );
        upEth.send(
          outer('B')
            .carrying(inner())
            .onEthernet(fromRouter)
            .bytes()
            .subarray(0, 54 + size),
        );
      }
      lanTun.send(udp(1).bytes());
    },
    upTun,
    byA,
    false,
  );
  await check(
    'nor is what was in a tunnel and cut delivered',
    () => upTun.send(outer('A').carrying(inner()).bytes()),
    lanEth,
    delivered,
    true,
  );
  await localTraffic(upTun);
}

/** A packet that the stack has to give to a socket at the home address. */
async function toSocket(name: string, send: () => void): Promise<void> {
  const socket = createSocket('udp6');
  socket.bind(4000, HOME_ADDRESS);
  await once(socket, 'listening');
  const arrived = once(socket, 'message', { signal: AbortSignal.timeout(patient(5_000)) });
  send();
  results[name] = await arrived.then(
    ([message]) =>
      (message as Uint8Array).length === 40 ? '' : `${(message as Uint8Array).length} bytes came`,
    String,
  );
  socket.close();
}

const holds = (packet: Uint8Array, part: Uint8Array): boolean =>
  Buffer.from(packet).includes(Buffer.from(part));

/** The router's own packets, and a tunnel of somebody else over the home address. */
async function localTraffic(upTun: Wire): Promise<void> {
  const socket = createSocket('udp6');
  socket.bind(5000, HOME_ADDRESS);
  await once(socket, 'listening');
  const payload = Uint8Array.from({ length: 40 }, (_, position) => position);
  const own = (actual: Packet): Packet => outerUp('A').carrying(actual);
  await check(
    'a local socket by tun',
    () => socket.send(payload, 1, CORRESPONDENT),
    upTun,
    own(
      up({ source: HOME_ADDRESS, flowLabel: 'any' })
        .udp({ sourcePort: 5000, destinationPort: 1 })
        .payload(40),
    ),
    false,
  );
  socket.close();

  ip(
    'link',
    'add',
    'vx',
    'type',
    'vxlan',
    'id',
    '9',
    'local',
    HOME_ADDRESS,
    'remote',
    CORRESPONDENT,
    'dstport',
    '4789',
  );
  ip('link', 'set', 'vx', 'up', 'address', '02:00:00:00:09:01');
  disableIpv6('vx', 0);
  ip('address', 'add', '2001:db8:99::1/64', 'dev', 'vx', 'nodad');
  ip('neighbour', 'add', '2001:db8:99::2', 'lladdr', '02:00:00:00:09:02', 'dev', 'vx', 'nud', 'permanent');
  const over = createSocket('udp6');
  over.bind(6000, '2001:db8:99::1');
  await once(over, 'listening');
  over.send(payload, 1, '2001:db8:99::2');
  const name = 'a tunnel over the home address by tun keeps its outer header';
  try {
    const inside = Buffer.from('20010db8009900000000000000000001', 'hex');
    const packet = await upTun.receive((each) => holds(each, inside) && holds(each, payload), name);
    const expected = outerUp('A', { payloadLength: packet.length - 40, nextHeader: 41 }).bytes(packet);
    results[name] = packetDifference(expected, packet.subarray(0, 40), false);
  } catch (error) {
    results[name] = String(error);
  }
  over.close();
}

async function homeAgent(): Promise<void> {
  await using net = await Wire.tun('net-tun', 20_040);
  await using other = await Wire.tun('other-tun', 20_050);
  using datapath = await Datapath.open({
    instance: new Instance('agent', bpffs),
    role: CxRole.HOME_AGENT,
    limits: LIMITS,
  });
  const row = agentRow('D', { ifindex: ifindexOf('other-tun'), flags: CxBindingFlag.NO_LINK_HEADER });
  await writeWorld(datapath, agentWorld({ rows: { D: row } }));
  const { failed } = await datapath.attach([at('transit', 'net-tun', 'coax_transit_l3')], []);
  for (const { error } of failed) {
    throw error;
  }
  const packet = (hopLimit = 64): Packet => up({ destination: OTHER_HOST, hopLimit }).udp().payload(40);
  const outer = outerUp('A', { flowLabel: 1 });
  const relayed = outerDown('D').carrying(packet(63));
  await check(
    'tun, tunnel to tunnel',
    () => net.send(outer.carrying(packet()).bytes()),
    other,
    relayed,
    false,
  );
  await check(
    'tun, tunnel to tunnel, behind an outer extension header',
    () => net.send(outer.encapsulationLimit().carrying(packet()).bytes()),
    other,
    relayed,
    false,
  );
  await check('tun, into a tunnel', () => net.send(packet().bytes()), other, relayed, false);
}

ip('link', 'set', 'lo', 'up');
// No neighbour discovery and no reports: what is seen on a wire is ours.
disableIpv6('default', 1);
await mobileRouter();
await homeAgent();
process.stdout.write(JSON.stringify(results));

// Packets with a false source, inside or outside, get nowhere and are counted.
import type { LabDaemon } from '../daemon.js';
import type { LabNode } from '../node.js';
import { buildUdp, innermost, type UdpPacket } from '../packet.js';
import { Stream } from '../stream.js';
import { addresses } from '../topology.js';
import { type Check, expect } from './check.js';
import { ports } from './config.js';
import type { Place, Scene } from './scene.js';

const COUNT = 5;
const STRANGER = '2001:db8:dead::1';
/** On the link of the home agent, but not the home agent. */
const IMPOSTOR = '2001:db8:ffff::bad';
const SPOOFED_PORT = 7_777;

/** Remembers a counter of some daemons; the function it gives back insists that each has risen by COUNT. */
async function counting(scene: Scene, daemons: LabDaemon[], reason: string): Promise<() => Promise<string>> {
  const before = await Promise.all(daemons.map((daemon) => scene.reason(daemon, reason)));
  return async () => {
    for (const [i, daemon] of daemons.entries()) {
      const more = (await scene.reason(daemon, reason)) - (before[i] ?? 0);
      expect(more === COUNT, `${daemon.node.name} counted ${more} of ${COUNT} as ${reason}`);
    }
    return `${COUNT} counted as ${reason} at ${daemons.map(({ node }) => node.name).join(' and ')}`;
  };
}

const spoofedInner: Check = {
  name: 'spoofed-inner',
  needsController: true,
  run: async (scene) => {
    const lan = scene.lab.node('lan');
    const counted = await counting(scene, [scene.mr], 'drop-source');
    await lan.ip(`address add ${STRANGER}/128 dev eth0 nodad`);
    const to = { to: addresses.correspondent, port: ports.a.first };
    await Stream.send(lan, { ...to, source: STRANGER, count: COUNT });
    // An honest packet behind them: when it is there, they would be too.
    const honest = await Stream.start(lan, { ...to, source: addresses.lan, count: 1 });
    const flow = { sourcePort: honest.sourcePort, port: to.port };
    await scene.settle('cn', flow, 'there', 1);
    await honest.end();
    await lan.ip(`address del ${STRANGER}/128 dev eth0`);
    expect(
      scene.seen('cn', flow).length === 1,
      'cn: the honest packet behind the spoofed ones did not arrive',
    );
    const from = (place: Place): number =>
      scene.captures[place].packets((packet) => innermost(packet).source === STRANGER).length;
    expect(from('lan') === COUNT, `lan: ${from('lan')} of ${COUNT} spoofed packets were sent`);
    for (const place of ['ra', 'rb', 'core', 'cn'] as const) {
      expect(from(place) === 0, `${place}: ${from(place)} packets with the false inner source ${STRANGER}`);
    }
    return `${COUNT} from ${STRANGER} left the LAN, 0 the mobile router; ${await counted()}`;
  },
};

/** Sends an IPv6 packet inside another; the outer source must be an address of the node. */
async function tunnelled(
  node: LabNode,
  outer: { source: string; destination: string },
  inner: UdpPacket,
): Promise<void> {
  const address = `IP6-SENDTO:[${outer.destination}]:41,bind=[${outer.source}]`;
  const packet = buildUdp(inner);
  for (let i = 0; i < COUNT; i++) await node.exec('socat', ['-u', '-', address], { input: packet });
}

const spoofedOuter: Check = {
  name: 'spoofed-outer',
  needsController: true,
  run: async (scene) => {
    const core = scene.lab.node('core');
    const counted = await counting(scene, [scene.mr, scene.ha], 'drop-outer-source');
    await core.ip(`address add ${IMPOSTOR}/128 dev lo nodad`);
    const payload = Buffer.alloc(16);
    const udp = { sourcePort: SPOOFED_PORT, destinationPort: SPOOFED_PORT, payload };
    const down = { source: addresses.correspondent, destination: addresses.lan, ...udp };
    const up = { source: addresses.lan, destination: addresses.correspondent, ...udp };
    await tunnelled(core, { source: IMPOSTOR, destination: scene.careOf.a }, down);
    await tunnelled(core, { source: IMPOSTOR, destination: addresses.homeAgent }, up);
    await core.ip(`address del ${IMPOSTOR}/128 dev lo`);
    const there = await Stream.start(scene.lab.node('lan'), {
      to: addresses.correspondent,
      port: ports.a.first,
      count: 1,
    });
    await scene.settle('lan', { sourcePort: there.sourcePort, port: ports.a.first }, 'back', 1);
    await there.end();
    const at = (place: Place): number =>
      scene.captures[place].packets(({ transport }) => transport?.destinationPort === SPOOFED_PORT).length;
    expect(
      at('ra') === COUNT,
      `ra: ${at('ra')} of ${COUNT} spoofed packets on their way to the mobile router`,
    );
    expect(at('lan') === 0, `lan: ${at('lan')} packets of a tunnel that is not the home agent's`);
    expect(at('cn') === 0, `cn: ${at('cn')} packets of a tunnel that is nobody's care-of address`);
    return `${COUNT} from ${IMPOSTOR} to each tunnel end, 0 inside; ${await counted()}`;
  },
};

export const spoofedChecks: readonly Check[] = [spoofedInner, spoofedOuter];

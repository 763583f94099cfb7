// Verdicts on the packets of one flow: which uplink, which outer and inner addresses, which hop limit.
import type { CapturedPacket } from '../capture.js';
import type { Uplink } from '../lab.js';
import { innermost } from '../packet.js';
import { addresses } from '../topology.js';
import { expect } from './check.js';
import type { Flow, Place, Scene } from './scene.js';

export const access: Readonly<Record<Uplink, Place>> = { a: 'ra', b: 'rb' };

export function other(uplink: Uplink): Uplink {
  return uplink === 'a' ? 'b' : 'a';
}

export interface Expected {
  readonly uplink: Uplink;
  readonly count: number;
  /** Who sent it: its inner source. */
  readonly innerSource: string;
  /** Inner hop limit at the access router. */
  readonly hopLimit: number;
  readonly tunnel?: 'ipv6' | 'vxlan';
}

/** The packets of a flow went out by one uplink, whole and right, and by no other. @throws Disproof */
export function upstream(scene: Scene, flow: Flow, expected: Expected): string {
  const { uplink, count, innerSource } = expected;
  const packets = expectOnly(scene, flow, 'there', expected);
  const careOf = scene.careOf[uplink];
  const place = access[uplink];
  for (const packet of packets) {
    same(place, 'outer source', packet.outer.source, careOf);
    same(place, 'outer destination', packet.outer.destination, addresses.homeAgent);
    same(place, 'inner source', innermost(packet).source, innerSource);
    same(place, 'inner destination', innermost(packet).destination, addresses.correspondent);
    same(place, 'inner hop limit', innermost(packet).hopLimit, expected.hopLimit);
  }
  expectFlowLabel(place, packets, expected);
  const arrived = scene.seen('cn', flow);
  expect(arrived.length === count, `cn: ${arrived.length} of ${count} packets arrived`);
  for (const packet of arrived) {
    expect(packet.inner === undefined, 'cn: a packet is still inside a tunnel');
    same('cn', 'source', packet.outer.source, innerSource);
    same('cn', 'hop limit', packet.outer.hopLimit, expected.hopLimit - 1);
  }
  return `${count} by ${uplink.toUpperCase()} from ${careOf} (inner ${innerSource})`;
}

/** The answers came back through the tunnel of one uplink and arrived without it. @throws Disproof */
export function downstream(scene: Scene, flow: Flow, expected: Expected): string {
  const { uplink, count } = expected;
  const packets = expectOnly(scene, flow, 'back', expected);
  const place = access[uplink];
  for (const packet of packets) {
    same(place, 'outer source of an answer', packet.outer.source, addresses.homeAgent);
    same(place, 'outer destination of an answer', packet.outer.destination, scene.careOf[uplink]);
    same(place, 'inner source of an answer', innermost(packet).source, addresses.correspondent);
    same(place, 'inner destination of an answer', innermost(packet).destination, expected.innerSource);
    same(place, 'inner hop limit of an answer', innermost(packet).hopLimit, expected.hopLimit);
  }
  return `${count} back by ${uplink.toUpperCase()}`;
}

/** The answers reached the LAN host, decapsulated and two hops older. @throws Disproof */
export function deliveredToLan(scene: Scene, flow: Flow, expected: Expected): void {
  const arrived = scene.seen('lan', flow, 'back');
  expect(arrived.length === expected.count, `lan: ${arrived.length} of ${expected.count} answers arrived`);
  for (const packet of arrived) {
    expect(packet.inner === undefined, 'lan: an answer is still inside a tunnel');
    same('lan', 'source of an answer', packet.outer.source, addresses.correspondent);
    same('lan', 'hop limit of an answer', packet.outer.hopLimit, expected.hopLimit - 1);
  }
}

function expectOnly(scene: Scene, flow: Flow, way: 'there' | 'back', expected: Expected): CapturedPacket[] {
  const { uplink, count, tunnel = 'ipv6' } = expected;
  const right = scene.seen(access[uplink], flow, way);
  const wrong = scene.seen(access[other(uplink)], flow, way);
  expect(
    right.length === count && wrong.length === 0,
    `${access[uplink]}: ${right.length} of ${count} packets${way === 'back' ? ' coming back' : ''}` +
      `${describe(right)}, ${access[other(uplink)]}: ${wrong.length} of 0${describe(wrong)}`,
  );
  for (const packet of right) {
    same(access[uplink], 'tunnel', packet.tunnel?.kind ?? 'none', tunnel);
  }
  return right;
}

function describe(packets: CapturedPacket[]): string {
  const [first] = packets;
  return first === undefined ? '' : ` (outer ${first.outer.source} -> ${first.outer.destination})`;
}

/** RFC 6438: routers on the way can spread flows by the outer label, and keep one flow on one path. */
function expectFlowLabel(place: Place, packets: CapturedPacket[], expected: Expected): void {
  if (expected.tunnel === 'vxlan') return;
  const labels = new Set(packets.map((packet) => packet.outer.flowLabel));
  expect(
    labels.size === 1 && !labels.has(0),
    `${place}: outer flow labels ${[...labels].join(', ')} for one flow`,
  );
}

function same(place: Place, what: string, is: string | number, should: string | number): void {
  expect(is === should, `${place}: ${what} is ${is}, should be ${should}`);
}

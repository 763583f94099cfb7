// Traffic of the mobile router itself follows the same policies.
import type { CapturedPacket } from '../capture.js';
import type { Uplink } from '../lab.js';
import { innermost, Protocol } from '../packet.js';
import { Stream } from '../stream.js';
import { addresses } from '../topology.js';
import { type Check, expect } from './check.js';
import { MARK, ports } from './config.js';
import type { Scene } from './scene.js';
import { access, downstream, type Expected, other, upstream } from './verdict.js';

const COUNT = 20;
/** The router's own packets have not been forwarded yet when they enter the tunnel. */
const LOCAL_HOP_LIMIT = 64;
/** Hop limit of an answer behind the home agent. */
const ANSWER_HOP_LIMIT = 63;

/** A flow of the router's own goes out by one uplink; the answers come back by `back`. */
async function local(scene: Scene, port: number, uplink: Uplink, back: Uplink = uplink): Promise<string> {
  const stream = await Stream.start(scene.lab.node('mr'), {
    to: addresses.correspondent,
    port,
    rate: 500,
    count: COUNT,
  });
  await stream.sent();
  const flow = { sourcePort: stream.sourcePort, port };
  await scene.settle(access[back], flow, 'back', COUNT);
  const echoes = await stream.echoes();
  await stream.end();
  const expected: Expected = { uplink, count: COUNT, innerSource: addresses.home, hopLimit: LOCAL_HOP_LIMIT };
  const there = upstream(scene, flow, expected);
  downstream(scene, flow, { ...expected, uplink: back, hopLimit: ANSWER_HOP_LIMIT });
  expect(echoes.received === COUNT, `mr: its socket got ${echoes.received} of ${COUNT} answers`);
  return there;
}

const localPolicy: Check = {
  name: 'local-policy',
  needsController: false,
  run: async (scene) =>
    `${await local(scene, ports.a.second, 'a')} | ${await local(scene, ports.b.second, 'b')}`,
};

const localMarkNft: Check = {
  name: 'local-mark-nft',
  needsController: false,
  run: async (scene) => {
    const mr = scene.lab.node('mr');
    const unmarked = await local(scene, ports.other.second, 'a');
    await mr.nft(`table ip6 coaxial_demo {
  chain output {
    type route hook output priority mangle;
    udp dport ${ports.other.second} meta mark set ${MARK}
  }
}`);
    try {
      return `${await local(scene, ports.other.second, 'b', 'a')}; without the mark ${unmarked}`;
    } finally {
      await mr.exec('nft', ['delete', 'table', 'ip6', 'coaxial_demo']);
    }
  },
};

const ECHO_REQUEST = 128;
const ICMP_HEADER = 8;
const PINGS = 3;

const localMarkSocket: Check = {
  name: 'local-mark-so-mark',
  needsController: false,
  run: async (scene) => {
    const unmarked = await ping(scene, [], 'a', 100);
    const marked = await ping(scene, ['-m', String(MARK)], 'b', 104);
    // SOL_SOCKET, SO_MARK
    const target = `UDP6:[${addresses.correspondent}]:${ports.other.third},setsockopt-int=1:36:${MARK}`;
    const from = scene.captures.rb.position;
    await scene.lab.node('mr').exec('socat', ['-u', '-', target], { input: 'x'.repeat(64) });
    const packet = await scene.captures.rb
      .waitFor(({ transport }) => transport?.destinationPort === ports.other.third, { from, timeout: 2_000 })
      .catch(() => undefined);
    expect(packet !== undefined, 'rb: nothing of a socket with SO_MARK');
    right(scene, packet, 'b');
    return `${marked}, 1 datagram by B; without the mark ${unmarked}`;
  },
};

async function ping(scene: Scene, options: string[], uplink: Uplink, size: number): Promise<string> {
  const args = [
    '-6',
    '-n',
    '-q',
    '-c',
    String(PINGS),
    '-i',
    '0.05',
    '-W',
    '1',
    '-s',
    String(size),
    ...options,
  ];
  const { exitCode } = await scene.lab
    .node('mr')
    .exec('ping', [...args, addresses.correspondent], { mayFail: true });
  await scene.flush();
  const requests = (place: 'ra' | 'rb'): CapturedPacket[] =>
    scene.captures[place].packets(
      (packet) =>
        packet.transport?.protocol === Protocol.ICMPV6 &&
        packet.transport.icmpType === ECHO_REQUEST &&
        innermost(packet).payloadLength === size + ICMP_HEADER,
    );
  const [there, elsewhere] = [requests(access[uplink] as 'ra'), requests(access[other(uplink)] as 'rb')];
  expect(
    there.length === PINGS && elsewhere.length === 0,
    `ping${options.length > 0 ? ' with SO_MARK' : ''}: ${there.length} of ${PINGS} by ${uplink.toUpperCase()}, ` +
      `${elsewhere.length} by ${other(uplink).toUpperCase()}`,
  );
  for (const packet of there) right(scene, packet, uplink);
  expect(exitCode === 0, 'ping got no answer');
  return `${PINGS} pings by ${uplink.toUpperCase()}`;
}

function right(scene: Scene, packet: CapturedPacket, uplink: Uplink): void {
  const [outer, inner] = [packet.outer.source, innermost(packet).source];
  expect(
    outer === scene.careOf[uplink],
    `${access[uplink]}: outer source is ${outer}, not ${scene.careOf[uplink]}`,
  );
  expect(inner === addresses.home, `${access[uplink]}: inner source is ${inner}, not ${addresses.home}`);
}

export const localChecks: readonly Check[] = [localPolicy, localMarkNft, localMarkSocket];

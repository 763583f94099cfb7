// Forwarded traffic: first packets, both uplinks, bulk TCP, marks, oversize packets.
import { Capture } from '../capture.js';
import type { Uplink } from '../lab.js';
import { Protocol } from '../packet.js';
import { Stream } from '../stream.js';
import { addresses } from '../topology.js';
import { until } from '../wait.js';
import { type Check, expect } from './check.js';
import { MARK, ports } from './config.js';
import type { Flow, Scene } from './scene.js';
import { deliveredToLan, downstream, type Expected, upstream } from './verdict.js';

const COUNT = 20;
const RATE = 500;
/** Hop limit of a packet from the LAN behind the mobile router. */
const FORWARDED_HOP_LIMIT = 63;
const ETHERNET_HEADER = 14;
const UPLINK_MTU = 1500;
const OUTER_HEADER = 40;
const INNER_HEADERS = 48;

async function fromLan(scene: Scene, port: number, count = COUNT): Promise<Flow> {
  const stream = await Stream.start(scene.lab.node('lan'), {
    to: addresses.correspondent,
    port,
    rate: RATE,
    count,
  });
  await stream.sent();
  const flow = { sourcePort: stream.sourcePort, port };
  await scene.settle('lan', flow, 'back', count);
  await stream.end();
  return flow;
}

/** A flow from the LAN goes out by one uplink and its answers come back. */
export async function forwarded(
  scene: Scene,
  port: number,
  uplink: Uplink,
  options: { back?: Uplink; tunnel?: 'ipv6' | 'vxlan'; count?: number } = {},
): Promise<string> {
  const count = options.count ?? COUNT;
  const flow = await fromLan(scene, port, count);
  const expected: Expected = {
    uplink,
    count,
    innerSource: addresses.lan,
    hopLimit: FORWARDED_HOP_LIMIT,
    tunnel: options.tunnel ?? 'ipv6',
  };
  const there = upstream(scene, flow, expected);
  const answers = { ...expected, uplink: options.back ?? uplink };
  const back = downstream(scene, flow, answers);
  deliveredToLan(scene, flow, answers);
  return `${there}; ${back}`;
}

const firstPacket: Check = {
  name: 'first-packet',
  needsController: false,
  run: async (scene) => {
    const a = await forwarded(scene, ports.a.first, 'a', { count: 1 });
    const b = await forwarded(scene, ports.b.first, 'b', { count: 1 });
    return `the only datagram of a flow: ${a} | ${b}`;
  },
};

const uplinkA: Check = {
  name: 'forwarded-uplink-a',
  needsController: false,
  run: (scene) => forwarded(scene, ports.a.first, 'a'),
};

const uplinkB: Check = {
  name: 'forwarded-uplink-b',
  needsController: false,
  run: (scene) => forwarded(scene, ports.b.first, 'b'),
};

/** What is used of iperf3's report; a transfer that failed has an empty `end`. */
interface IperfReport {
  readonly end?: {
    readonly sum_sent?: {
      readonly bits_per_second: number;
      readonly bytes: number;
      readonly retransmits: number;
    };
    readonly sum_received?: { readonly bytes: number };
  };
}

/** More than this share of segments sent again is a retransmission storm. */
const RETRANSMIT_LIMIT = 0.01;

const tcpOffload: Check = {
  name: 'tcp-offload',
  needsController: false,
  run: async (scene) => {
    const { lab } = scene;
    const sample = await Capture.start(lab.node('ra'), 'mr0', {
      filter: 'ip6[6] == 41 and ip6[46] == 6 and greater 1000',
      snapLength: 128,
      count: 500,
    });
    const server = lab
      .node('cn')
      .spawn('iperf3', ['-s', '-1', '-p', String(ports.bulk)], { stdio: 'ignore' });
    await until(
      async () => (await lab.node('cn').exec('ss', ['-Hltn', `sport = :${ports.bulk}`])).stdout !== '',
      { what: 'iperf3 to listen' },
    );
    const args = [
      '-6',
      '-c',
      addresses.correspondent,
      '-p',
      String(ports.bulk),
      '-t',
      '2',
      '-J',
      '--connect-timeout',
      '2000',
    ];
    const { stdout } = await lab.node('lan').exec('iperf3', args, { mayFail: true, timeout: 8_000 });
    await server.end();
    await sample.stop();
    const { end } = JSON.parse(stdout) as IperfReport;
    const sent = end?.sum_sent;
    const packets = sample.packets(({ transport }) => transport?.destinationPort === ports.bulk);
    const strangers = packets.filter(({ outer }) => outer.source !== scene.careOf.a);
    const large = packets.filter(({ length }) => length > ETHERNET_HEADER + UPLINK_MTU);
    const largest = Math.max(0, ...packets.map(({ length }) => length));
    expect(sent !== undefined && (end?.sum_received?.bytes ?? 0) > 0, 'cn: the transfer did not get through');
    expect(packets.length > 0, 'ra: no packet of the transfer');
    expect(strangers.length === 0, `ra: outer source ${strangers[0]?.outer.source}`);
    expect(
      large.length > 0,
      `ra: no packet above the MTU, the largest has ${largest} bytes: segmentation offload is lost`,
    );
    const { bits_per_second, bytes, retransmits } = sent;
    const segments = bytes / (UPLINK_MTU - OUTER_HEADER - 60);
    expect(
      retransmits / segments < RETRANSMIT_LIMIT,
      `${retransmits} of ${Math.round(segments)} segments sent again`,
    );
    const rate = (bits_per_second / 1e9).toFixed(2);
    return `${rate} Gbit/s, packets up to ${largest} bytes at ra, ${retransmits} segments sent again`;
  },
};

const forwardedMark: Check = {
  name: 'forwarded-mark-nft',
  needsController: false,
  run: async (scene) => {
    const mr = scene.lab.node('mr');
    const unmarked = await forwarded(scene, ports.other.first, 'a');
    await mr.nft(`table ip6 coaxial_demo {
  chain prerouting {
    type filter hook prerouting priority mangle;
    iifname "lan0" udp dport ${ports.other.first} meta mark set ${MARK}
  }
}`);
    try {
      // The home agent sees no mark: the answers take its default, A.
      const marked = await forwarded(scene, ports.other.first, 'b', { back: 'a' });
      return `${marked}; without the mark ${unmarked}`;
    } finally {
      await mr.exec('nft', ['delete', 'table', 'ip6', 'coaxial_demo']);
    }
  },
};

const PACKET_TOO_BIG = 2;

const packetTooBig: Check = {
  name: 'packet-too-big',
  needsController: false,
  run: async (scene) => {
    const lan = scene.lab.node('lan');
    const mtu = UPLINK_MTU - OUTER_HEADER;
    const to = { to: addresses.correspondent, port: ports.a.second, count: 1 };
    const send = async (size: number): Promise<Flow> => {
      const stream = await Stream.start(lan, { ...to, size });
      await stream.sent();
      await stream.end();
      return { sourcePort: stream.sourcePort, port: ports.a.second };
    };
    // The host may have learnt the tunnel's MTU from an earlier transfer; then it would send fragments.
    await lan.ip('-6 route flush cache');
    const fits = await send(mtu - INNER_HEADERS);
    await scene.settle('cn', fits, 'there', 1);
    expect(
      scene.seen('cn', fits).length === 1,
      `cn: a packet of the tunnel's MTU, ${mtu} bytes, did not arrive`,
    );
    const from = scene.captures.lan.position;
    const large = await send(mtu - INNER_HEADERS + 1);
    const answer = await scene.captures.lan
      .waitFor(
        ({ transport }) => transport?.protocol === Protocol.ICMPV6 && transport.icmpType === PACKET_TOO_BIG,
        {
          from,
          timeout: 2_000,
        },
      )
      .catch(() => undefined);
    await scene.flush();
    const past =
      scene.seen('cn', large).length + scene.seen('ra', large).length + scene.seen('rb', large).length;
    await lan.ip('-6 route flush cache');
    const whole = scene
      .seen('lan', large)
      .filter(({ outer }) => outer.payloadLength === mtu + 1 - OUTER_HEADER);
    expect(whole.length === 1, `lan: the host did not send ${mtu + 1} bytes in one packet`);
    expect(answer !== undefined, `lan: no Packet Too Big for ${mtu + 1} bytes`);
    expect(
      answer.transport?.icmpMtu === mtu,
      `lan: Packet Too Big says ${answer.transport?.icmpMtu}, not ${mtu}`,
    );
    expect(past === 0, `the packet of ${mtu + 1} bytes left the mobile router all the same`);
    return `${mtu} bytes pass, ${mtu + 1} get a Packet Too Big with MTU ${mtu} from ${answer.outer.source}`;
  },
};

export const forwardedChecks: readonly Check[] = [
  firstPacket,
  uplinkA,
  uplinkB,
  packetTooBig,
  tcpOffload,
  forwardedMark,
];

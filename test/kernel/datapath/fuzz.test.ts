/** Mutated packets through the loaded programs: one named verdict each, and no way out that the state does not name. */
import test from 'ava';
import { Random } from '../../../lab/random.js';
import { Address, MacAddress } from '../../../src/net/index.js';
import { Next, type Packet } from '../../support/packet.js';
import { describePacket } from '../../support/packet-text.js';
import { type ProgramName, TestDatapath, type Verdict, type World } from './test-datapath.js';
import {
  agentWorld,
  CARE_OF,
  CORRESPONDENT,
  down,
  HOME_ADDRESS,
  HOME_AGENT,
  HOME_MAC,
  LAN_HOST,
  LAN_MAC,
  mobileWorld,
  OTHER_HOST,
  outerDown,
  outerUp,
  TUNNEL_SOURCE_MAC,
  type Uplink,
  up,
  uplinkMacs,
} from './worlds.js';

/** Packets for each program; FUZZ_PACKETS asks for more. */
const PACKETS = Number(process.env.FUZZ_PACKETS ?? 5_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261);
/** Test-run takes no frame shorter than this. */
const SHORTEST = 54;
const NEXT_HEADER_IPV6 = 41;
/** Values that fields are fond of breaking at. */
const EDGES = [0, 1, 4, 6, 7, 8, 17, 41, 43, 44, 50, 51, 59, 60, 64, 127, 128, 254, 255];

/** How a packet may leave a program. */
type Way = 'uplink' | 'external' | 'neighbour' | 'stack';

interface Target {
  program: ProgramName;
  role: 'MOBILE_ROUTER' | 'HOME_AGENT';
  world: World;
  ways: readonly Way[];
  /** On-link address that decapsulated packets are given to. */
  neighbour: string;
  seeds: readonly Packet[];
}

const chained = (packet: Packet): Packet =>
  packet.hopByHop().destinationOptions().routing().fragment({ more: true }).udp().payload(40);

const TARGETS: readonly Target[] = [
  {
    program: 'coax_ingress',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    ways: ['uplink', 'external'],
    neighbour: LAN_HOST,
    seeds: [up().udp().payload(40), up().tcp().payload(40), up().esp(), chained(up()), up().icmpv6()],
  },
  {
    program: 'coax_home',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    ways: ['uplink', 'external'],
    neighbour: LAN_HOST,
    seeds: [
      up({ source: HOME_ADDRESS }).udp().payload(40),
      chained(up({ source: HOME_ADDRESS })),
      up().tcp(),
    ],
  },
  {
    program: 'coax_uplink',
    role: 'MOBILE_ROUTER',
    world: mobileWorld(),
    ways: ['neighbour', 'stack'],
    neighbour: LAN_HOST,
    seeds: [
      outerDown('A').carrying(down().udp().payload(40)),
      outerDown('B').encapsulationLimit().carrying(down().tcp().payload(40)),
      outerDown('A').carrying(chained(down({ destination: HOME_ADDRESS }))),
      outerDown('C').destinationOptions().carrying(down().icmpv6()),
    ],
  },
  {
    program: 'coax_transit',
    role: 'HOME_AGENT',
    world: agentWorld(),
    ways: ['uplink', 'external', 'neighbour', 'stack'],
    neighbour: CORRESPONDENT,
    seeds: [
      outerUp('A').carrying(up().udp().payload(40)),
      outerUp('B').carrying(up({ destination: OTHER_HOST }).tcp().payload(40)),
      outerUp('D')
        .encapsulationLimit()
        .carrying(up({ source: OTHER_HOST, destination: LAN_HOST }).udp()),
      down().udp().payload(40),
      chained(down()),
      down().ports(Next.SCTP).payload(20),
    ],
  },
];

/** A copy with a few bytes changed, cut, doubled or taken from another packet. */
function mutate(random: Random, from: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = Buffer.from(from);
  for (let round = 1 + random.below(4); round > 0; round--) {
    const at = random.below(bytes.length);
    switch (random.below(6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        bytes[at] = EDGES[random.below(EDGES.length)] ?? 0;
        break;
      case 2:
        bytes[at] = random.below(256);
        break;
      case 3:
        bytes = bytes.subarray(0, Math.max(SHORTEST, at));
        break;
      case 4: {
        const length = Math.min(1 + random.below(16), bytes.length - at);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
        break;
      }
      default:
        other.subarray(at, at + 1 + random.below(32)).forEach((byte, offset) => {
          if (at + offset < bytes.length) bytes[at + offset] = byte;
        });
    }
  }
  return bytes;
}

/** The way a packet left by, told from its MACs; undefined when no state names it. */
function wayOf(data: Uint8Array, target: Target): Way | undefined {
  const [destination, source] = [0, 6].map((at) =>
    MacAddress.fromBytes(data.subarray(at, at + 6)).toString(),
  );
  const address = (at: number): string => Address.fromBytes(data.subarray(at, at + 16)).toString();
  if (destination === HOME_MAC) {
    return source === HOME_MAC ? 'stack' : source === TUNNEL_SOURCE_MAC ? 'external' : undefined;
  }
  if (destination === LAN_MAC.host && source === LAN_MAC.own) {
    return address(38) === target.neighbour ? 'neighbour' : undefined;
  }
  const uplink = (Object.keys(CARE_OF) as Uplink[]).find(
    (name) => uplinkMacs(name).destination === destination,
  );
  if (uplink === undefined || source !== uplinkMacs(uplink).source || data[20] !== NEXT_HEADER_IPV6) {
    return undefined;
  }
  const ends = [CARE_OF[uplink], HOME_AGENT];
  const [from, to] = target.role === 'MOBILE_ROUTER' ? ends : ends.reverse();
  return address(22) === from && address(38) === to ? 'uplink' : undefined;
}

for (const target of TARGETS) {
  test.serial(
    `${target.program}: one named verdict for each packet, and no way out that nobody named`,
    async (t) => {
      using datapath = await TestDatapath.load(target.role);
      await datapath.become(target.world);
      const random = new Random(SEED);
      const seeds = target.seeds.map((packet) => packet.onEthernet().bytes());
      const reasons = new Map<string, number>();
      const leaving = new Map<string, number>();
      for (let sent = 0; sent < PACKETS; sent++) {
        const [from, other] = [0, 1].map(() => seeds[random.below(seeds.length)] ?? new Uint8Array());
        const packet = mutate(random, from ?? new Uint8Array(), other ?? new Uint8Array());
        const { action, data, verdicts } = datapath.run(target.program, packet);
        const said = (): string => `seed ${SEED}, packet ${sent}\n${describePacket(packet).join('\n')}`;
        const [verdict, ...more] = verdicts as [Verdict?, ...Verdict[]];
        if (verdict === undefined || more.length > 0 || verdict.packets !== 1) {
          t.fail(`${verdicts.length} verdicts: ${said()}`);
          return;
        }
        reasons.set(verdict.reason, (reasons.get(verdict.reason) ?? 0) + 1);
        if (action === 'redirect') {
          const way = wayOf(data, target);
          if (way === undefined || !target.ways.includes(way)) {
            t.fail(
              `left by ${way ?? 'nobody knows where'}: ${said()}\nas\n${describePacket(data).join('\n')}`,
            );
            return;
          }
          leaving.set(way, (leaving.get(way) ?? 0) + 1);
        }
      }
      t.log(`${PACKETS} packets; ${[...reasons].map(([reason, count]) => `${reason} ${count}`).join(', ')}`);
      t.true(reasons.size >= 5, 'the packets see little of the program');
      t.true(leaving.size > 0, 'nothing was sent: the seeds are wrong');
    },
  );
}

/** ICMPv6 errors from inside a tunnel, RFC 2473 section 8. */
import { type Ipv6Fields, ipv6, Next, type Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
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
  LAN_UNKNOWN,
  mobileWorld,
  outerDown,
  outerUp,
  STRANGER,
  up,
} from './worlds.js';

/** A router between the ends of the tunnels. */
const ROUTER = '2001:db8:fa::9';
const toNeighbour = { source: LAN_MAC.own, destination: LAN_MAC.host };
const toHome = { source: HOME_MAC, destination: HOME_MAC };
const INNER_HEADERS = 48;

/** A packet of the given size inside, its hop limit lowered by us. */
const sized = (packet: Packet, size: number): Packet => packet.udp().payload(size - INNER_HEADERS);
const large = (fields: Partial<Ipv6Fields> = {}): Packet => sized(up({ hopLimit: 63, ...fields }), 1440);
const small = (fields: Partial<Ipv6Fields> = {}): Packet => sized(up({ hopLimit: 63, ...fields }), 100);

interface Kind {
  type: number;
  code?: number;
  detail?: number;
}

/** The router's error about a packet of ours, quoting what fits. */
function error(quoted: Packet, kind: Kind, change: Partial<Ipv6Fields> = {}, room = 1280 - 48): Packet {
  return ipv6({ source: ROUTER, destination: CARE_OF.A, ...change })
    .icmpv6(kind)
    .raw(quoted.bytes().subarray(0, room));
}

/** What the inner sender gets of it: the outer header of what was quoted is gone. */
function relayed(quoted: Packet, kind: Kind, to: string, from = HOME_ADDRESS, room = 1280 - 88): Packet {
  return ipv6({ source: from, destination: to }).icmpv6(kind).raw(quoted.bytes().subarray(0, room));
}

const tunnelled = (inner: Packet, change: Partial<Ipv6Fields> = {}): Packet =>
  outerUp('A', { flowLabel: 7, ...change }).carrying(inner);
const UNREACHABLE = { type: 1, code: 3 };

const usual = mobileWorld();

function row(
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  return {
    description,
    program: 'coax_uplink',
    world: usual,
    hook: 'UPLINK',
    reason,
    packet: packet.onEthernet(),
    ...more,
  };
}

const tooBig = (mtu: number, told: number): PacketRow =>
  row(
    `MTU ${mtu} outside is ${told} inside`,
    'ERROR_RELAYED',
    error(tunnelled(large()), { type: 2, detail: mtu }),
    {
      expected: relayed(large(), { type: 2, detail: told }, LAN_HOST).onEthernet(toNeighbour),
    },
  );

const passedOn = (description: string, kind: Kind): PacketRow =>
  row(description, 'ERROR_RELAYED', error(tunnelled(small()), kind), {
    expected: relayed(small(), UNREACHABLE, LAN_HOST).onEthernet(toNeighbour),
  });

/** A valid error with one byte of its quote changed. */
function damaged(): Packet {
  const bytes = Buffer.from(error(tunnelled(small()), { type: 1 }).bytes());
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return ipv6({ source: ROUTER, destination: CARE_OF.A }).raw(bytes.subarray(40), Next.ICMPV6);
}

const mobile: PacketRow[] = [
  tooBig(1400, 1360),
  tooBig(1321, 1281),
  tooBig(1320, 1280),
  tooBig(1300, 1280),
  tooBig(0, 1280),
  tooBig(0xffffffff, 0xffffffff - 40),
  passedOn('no route', { type: 1 }),
  passedOn('administratively prohibited', { type: 1, code: 1 }),
  passedOn('time exceeded', { type: 3 }),
  passedOn('parameter problem', { type: 4, code: 1, detail: 40 }),
  row('to a local sender', 'ERROR_RELAYED', error(tunnelled(small({ source: HOME_ADDRESS })), { type: 3 }), {
    expected: relayed(small({ source: HOME_ADDRESS }), UNREACHABLE, HOME_ADDRESS).onEthernet(toHome),
  }),
  row(
    'to a sender that is not resolved',
    'ERROR_RELAYED',
    error(tunnelled(small({ source: LAN_UNKNOWN })), { type: 3 }),
    {
      expected: relayed(small({ source: LAN_UNKNOWN }), UNREACHABLE, LAN_UNKNOWN).onEthernet(toHome),
    },
  ),
  row('the least quote', 'ERROR_RELAYED', error(tunnelled(small()), { type: 1 }, {}, 88), {
    expected: relayed(small(), UNREACHABLE, LAN_HOST, HOME_ADDRESS, 48).onEthernet(toNeighbour),
  }),
  row('an odd number of bytes', 'ERROR_RELAYED', error(tunnelled(small()), { type: 1 }, {}, 111), {
    expected: relayed(small(), UNREACHABLE, LAN_HOST, HOME_ADDRESS, 71).onEthernet(toNeighbour),
  }),
  row('Ethernet padding behind the error', 'ERROR_RELAYED', error(tunnelled(small()), { type: 1 }).pad(5), {
    expected: relayed(small(), UNREACHABLE, LAN_HOST).onEthernet(toNeighbour),
  }),
  row(
    'too big, but every link carries that much',
    'ERROR_KEPT',
    error(tunnelled(sized(up(), 1280)), { type: 2, detail: 1300 }),
  ),
  row('quoted too little to tell whose it is', 'ERROR_KEPT', error(tunnelled(small()), { type: 1 }, {}, 79)),
  row(
    'an error about an error',
    'ERROR_KEPT',
    error(tunnelled(up().icmpv6({ type: 1 }).payload(60)), { type: 1 }),
  ),
  row(
    'an error about a redirect',
    'ERROR_KEPT',
    error(tunnelled(up().icmpv6({ type: 137 }).payload(60)), { type: 1 }),
  ),
  row('an error about an echo', 'ERROR_RELAYED', error(tunnelled(up().icmpv6().payload(60)), { type: 1 }), {
    expected: relayed(up().icmpv6().payload(60), UNREACHABLE, LAN_HOST).onEthernet(toNeighbour),
  }),
  row('a wrong checksum', 'DROP_ERROR_INVALID', damaged()),
  row(
    'a source that is not ours inside',
    'DROP_ERROR_INVALID',
    error(tunnelled(small({ source: STRANGER })), { type: 1 }),
  ),
  row(
    'a tunnel to somebody else',
    'NOT_OURS',
    error(tunnelled(small(), { destination: STRANGER }), { type: 1 }),
  ),
  row(
    'a tunnel of another address than is told',
    'NOT_OURS',
    error(tunnelled(small(), { source: CARE_OF.B }), { type: 1 }),
  ),
  row(
    'about what was no tunnel',
    'NOT_OURS',
    error(outerUp('A', { flowLabel: 1 }).udp().payload(64), { type: 1 }),
  ),
  row('quoted less than the outer header', 'NOT_OURS', error(tunnelled(small()), { type: 1 }, {}, 39)),
  row('no error', 'NOT_OURS', error(tunnelled(small()), { type: 129 })),
  row('longer than an error may be', 'NOT_OURS', error(tunnelled(large()), { type: 1 }, {}, 1233)),
  row(
    'cut within its header',
    'NOT_OURS',
    ipv6({ source: ROUTER, destination: CARE_OF.A, nextHeader: Next.ICMPV6 }).raw(new Uint8Array(5)),
  ),
];

const toCareOf = (inner: Packet): Packet => outerDown('A', { flowLabel: 7 }).carrying(inner);
const atAgent = (quoted: Packet, kind: Kind): Packet => error(quoted, kind, { destination: HOME_AGENT });
const downwards = (fields: Partial<Ipv6Fields> = {}): Packet =>
  sized(down({ hopLimit: 63, ...fields }), 1440);

const agentRow = (
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow => row(description, reason, packet, { world: agentWorld(), program: 'coax_transit', ...more });

const agent: PacketRow[] = [
  agentRow('to a correspondent', 'ERROR_RELAYED', atAgent(toCareOf(downwards()), { type: 2, detail: 1400 }), {
    expected: relayed(downwards(), { type: 2, detail: 1360 }, CORRESPONDENT, HOME_AGENT).onEthernet(
      toNeighbour,
    ),
  }),
  agentRow(
    'to somebody far away',
    'ERROR_RELAYED',
    atAgent(toCareOf(downwards({ source: STRANGER })), { type: 1 }),
    {
      expected: relayed(downwards({ source: STRANGER }), UNREACHABLE, STRANGER, HOME_AGENT).onEthernet(
        toHome,
      ),
    },
  ),
  agentRow(
    'about a packet to nobody of that router',
    'DROP_ERROR_INVALID',
    atAgent(toCareOf(downwards({ destination: STRANGER })), { type: 1 }),
  ),
  agentRow(
    'to a link-local sender',
    'DROP_ERROR_INVALID',
    atAgent(toCareOf(downwards({ source: 'fe80::1' })), { type: 1 }),
  ),
];

export const errorTables: PacketTable[] = [
  { title: 'mobile router, errors from inside a tunnel', role: 'MOBILE_ROUTER', rows: mobile },
  { title: 'home agent, errors from inside a tunnel', role: 'HOME_AGENT', rows: agent },
];

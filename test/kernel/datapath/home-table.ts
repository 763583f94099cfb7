/** From the stack of a mobile router into a tunnel: nothing may pass. */
import { ethernet, type Ipv6Fields, type Packet } from '../../support/packet.js';
import type { PacketRow, PacketTable } from './packet-row.js';
import {
  BID,
  CARE_OF,
  HOME_ADDRESS,
  HOME_MAC,
  MTU,
  mobileRow,
  mobileWorld,
  outerUp,
  policies,
  TUNNEL_SOURCE_MAC,
  tooBig,
  type Uplink,
  up,
  uplinkMacs,
} from './worlds.js';

const usual = mobileWorld();
const nothingUsable = mobileWorld({ rows: { A: null, B: null, C: null } });
const marked = mobileWorld({
  policies: policies(
    { match: { mark: { value: 0x10, mask: 0xff } }, use: [BID.B] },
    { match: { mark: { value: 0, mask: 0xf0000000 } }, use: [BID.C] },
  ),
});

const local = (fields: Partial<Ipv6Fields>): Packet => up({ source: HOME_ADDRESS, ...fields });
const udp = (fields: Partial<Ipv6Fields>): Packet => local(fields).udp().payload(32);

function carried(
  description: string,
  uplink: Uplink,
  fields: Partial<Ipv6Fields>,
  more: Partial<PacketRow> = {},
): PacketRow {
  const { trafficClass = 0 } = fields;
  return {
    description,
    program: 'coax_home',
    world: usual,
    hook: 'HOME',
    reason: 'ENCAPSULATED',
    packet: udp(fields).onEthernet(),
    // The stack has lowered the hop limit of what it forwards, and of local packets nobody does.
    expected: outerUp(uplink, { trafficClass }).carrying(udp(fields)).onEthernet(uplinkMacs(uplink)),
    ...more,
  };
}

function dropped(
  description: string,
  reason: PacketRow['reason'],
  packet: Packet,
  more: Partial<PacketRow> = {},
): PacketRow {
  return { description, program: 'coax_home', world: usual, hook: 'HOME', reason, packet, ...more };
}

const external = (
  description: string,
  context: PacketRow['context'],
  more: Partial<PacketRow> = {},
): PacketRow => ({
  description,
  program: 'coax_home',
  world: marked,
  hook: 'HOME',
  reason: 'TO_TUNNEL_DEVICE',
  packet: udp({}).onEthernet(),
  ...(context ? { context } : {}),
  expected: udp({}).onEthernet({ source: TUNNEL_SOURCE_MAC, destination: HOME_MAC }),
  ...more,
});

const toHome = { source: HOME_MAC, destination: HOME_MAC };
const oneMore = local({})
  .udp()
  .payload(MTU - 47);
const narrowB = mobileWorld({
  policies: policies({ match: { mark: { value: 0x10, mask: 0xff } }, use: [BID.B] }),
  rows: { B: mobileRow('B', { mtu: 1280 }) },
});
// A test run gives segments without their kind, and of such the kernel cannot make room in front.
const segmented = local({}).tcp().payload(3000).onEthernet();
const segments = { context: { gsoSize: 1000, gsoSegs: 3 }, counted: 3 };

function answered(description: string, packet: Packet, more: Partial<PacketRow> = {}): PacketRow {
  return {
    ...dropped(`too big: ${description}`, 'PACKET_TOO_BIG', packet.onEthernet()),
    expected: tooBig(packet, { to: HOME_ADDRESS }).onEthernet(toHome),
    ...more,
  };
}

const rows: PacketRow[] = [
  carried('local traffic', 'A', {}),
  carried('forwarded by the stack', 'A', { source: '2001:db8:100:1::10', hopLimit: 63 }),
  carried('hop limit 0 of a local packet', 'A', { hopLimit: 0 }),
  carried('hop limit 1 of a local packet', 'A', { hopLimit: 1 }),
  carried('hop limit 2 of a local packet', 'A', { hopLimit: 2 }),
  carried('congestion experienced', 'A', { trafficClass: 3 }),
  carried(
    'a frame for another host: the device decides that, not the address',
    'A',
    {},
    {
      packet: udp({}).onEthernet({ destination: '02:00:00:00:77:77' }),
    },
  ),
  carried('mark of a policy', 'B', {}, { world: marked, context: { mark: 0x10 }, policy: [1, 1] }),
  carried(
    'mark of a policy with other bits outside the mask',
    'B',
    {},
    {
      world: marked,
      context: { mark: 0xabcdef10 },
      policy: [1, 1],
    },
  ),
  external('no mark is mark 0', undefined, { policy: [1, 2] }),
  external('a mark beside the first policy', { mark: 0x11 }, { policy: [1, 2] }),
  carried('a mark of no policy', 'A', {}, { world: marked, context: { mark: 0xf0000011 } }),
  dropped('IPv4', 'DROP_NOT_IPV6', ethernet({ type: 0x800 }).raw(new Uint8Array(40))),
  dropped('version 4 under an IPv6 EtherType', 'DROP_NOT_IPV6', udp({ version: 4 }).onEthernet()),
  dropped('link-local destination', 'DROP_LINK_SCOPE', udp({ destination: 'fe80::1' }).onEthernet()),
  dropped('multicast destination', 'DROP_LINK_SCOPE', udp({ destination: 'ff02::2' }).onEthernet()),
  dropped('unspecified destination', 'DROP_LINK_SCOPE', udp({ destination: '::' }).onEthernet()),
  dropped('link-local source', 'DROP_LINK_SCOPE', udp({ source: 'fe80::1' }).onEthernet()),
  dropped('unspecified source', 'DROP_LINK_SCOPE', udp({ source: '::' }).onEthernet()),
  dropped('a care-of address as source', 'DROP_LOOP', udp({ source: CARE_OF.B }).onEthernet()),
  dropped('an address of nobody as source', 'DROP_SOURCE', udp({ source: '2001:db8:666::1' }).onEthernet()),
  dropped('no usable binding', 'DROP_NO_BINDING', udp({}).onEthernet(), { world: nothingUsable }),
  answered('one byte more than the MTU', oneMore),
  answered('segments of one byte more', local({}).tcp().payload(3000), {
    context: { gsoSize: MTU - 59, gsoSegs: 3 },
    counted: 3,
    expected: tooBig(local({}).tcp().payload(3000), { to: HOME_ADDRESS, segment: MTU + 1 }).onEthernet(
      toHome,
    ),
  }),
  answered('the MTU of the binding that the mark chooses', oneMore, {
    world: narrowB,
    context: { mark: 0x10 },
    expected: tooBig(oneMore, { to: HOME_ADDRESS, mtu: 1280 }).onEthernet(toHome),
  }),
  dropped('the kernel refuses room: the device segments', 'TO_BE_SEGMENTED', segmented, segments),
  {
    ...dropped('the kernel refuses room after segmentation', 'DROP_ENCAP_FAILED', segmented, segments),
    program: 'coax_peer',
  },
  { ...carried('a segment at the other end of the home interface', 'A', {}), program: 'coax_peer' },
  {
    ...carried('a mark at the other end of the home interface', 'B', {}),
    program: 'coax_peer',
    world: marked,
    context: { mark: 0x10 },
    policy: [1, 1],
  },
  dropped('one byte less than promised', 'DROP_TRUNCATED', local({ payloadLength: 9 }).udp().onEthernet()),
  dropped(
    'nine extension headers',
    'DROP_HEADER_CHAIN',
    Array.from({ length: 9 })
      .reduce<Packet>((chain) => chain.hopByHop(), local({}))
      .onEthernet(),
  ),
  dropped(
    'a header that ends behind the packet',
    'DROP_TRUNCATED',
    local({}).routing({ lengthField: 9 }).udp().onEthernet(),
  ),
  dropped('no router of that number', 'DROP_BROKEN_STATE', udp({}).onEthernet(), {
    world: mobileWorld({ prefixes: [{ prefix: '::/0', router: 99 }] }),
  }),
  {
    ...carried('next hop unresolved', 'A', {}),
    world: mobileWorld({ rows: { A: mobileRow('A', { flags: 0 }) } }),
    reason: 'NEXT_HOP_UNRESOLVED',
  },
];

export const homeTables: PacketTable[] = [{ title: 'home interface', role: 'MOBILE_ROUTER', rows }];

import { Address, Prefix } from '../net/index.js';
import { checkedNumber } from './argument.js';
import { AF, WGALLOWEDIP_A, WGDEVICE_A, WGDEVICE_F, WGPEER_A, WGPEER_F } from './constants.js';
import { Writer } from './wire.js';
import { publicKeyBytes, secretBytes } from './wireguard-key.js';

/** What is to change of a WireGuard device; what is left out stays. */
export interface WireguardChange {
  /** 32 bytes; 32 zeros take it away */
  privateKey?: Uint8Array | undefined;
  /** UDP port, 0: the kernel chooses */
  listenPort?: number | undefined;
  /**
   * The mark by which outer packets are routed, 0 for none. Setting it, even to what it is, makes the kernel forget the
   * source addresses it has cached for the peers.
   */
  fwmark?: number | undefined;
  /** The peers that it had are removed first. */
  replacePeers?: boolean | undefined;
  peers?: readonly WireguardPeerChange[] | undefined;
}

/** What is to change of a peer; one that is not there is added. */
export interface WireguardPeerChange {
  /** 32 bytes or their base64 */
  publicKey: Uint8Array | string;
  /** 32 bytes; 32 zeros take it away */
  presharedKey?: Uint8Array | undefined;
  endpoint?: WireguardEndpointSpec | undefined;
  /** Added to those it has. A prefix belongs to one peer: another one loses it. */
  allowedPrefixes?: readonly (Prefix | string)[] | undefined;
  /** The prefixes that it had are removed first. */
  replaceAllowedPrefixes?: boolean | undefined;
  /** Seconds between packets that keep the path open, 0 for off */
  keepalive?: number | undefined;
  remove?: boolean | undefined;
  /** A peer that is not there is not added. */
  updateOnly?: boolean | undefined;
}

export interface WireguardEndpointSpec {
  address: Address | string;
  port: number;
  /** The ifindex to which a link-local address belongs */
  scopeId?: number | undefined;
}

/** A prefix takes 40 bytes, an attribute with all prefixes or peers has room for 65,535. */
const PREFIXES_PER_PART = 200;
const PEER_BYTES_PER_MESSAGE = 32 * 1024;

/**
 * The contents of the SET_DEVICE messages that make a change, in the order to send them: one, unless there are many
 * peers or prefixes.
 * @throws NetlinkError NETLINK_ARGUMENT; AddressError for text that is no address or prefix
 */
export function setDeviceMessages(
  which: number | string,
  change: WireguardChange,
): ((body: Writer) => void)[] {
  const groups = grouped((change.peers ?? []).flatMap(peerParts));
  const privateKey = change.privateKey && secretBytes(change.privateKey, 'private key');
  const listenPort = checkedNumber('listen port', change.listenPort, 0xffff);
  const fwmark = checkedNumber('fwmark', change.fwmark, 0xffffffff);
  return groups.map((parts, position) => (body) => {
    writeDevice(body, which);
    if (position === 0) {
      body
        .attribute(WGDEVICE_A.PRIVATE_KEY, privateKey)
        .attributeU16(WGDEVICE_A.LISTEN_PORT, listenPort)
        .attributeU32(WGDEVICE_A.FWMARK, fwmark)
        .attributeU32(WGDEVICE_A.FLAGS, change.replacePeers ? WGDEVICE_F.REPLACE_PEERS : undefined);
    }
    if (parts.length === 0) return;
    body.nested(WGDEVICE_A.PEERS, (list) => {
      for (const part of parts) list.nested(0, (peer) => peer.bytes(part));
    });
  });
}

/** Says which device is meant. */
export function writeDevice(body: Writer, which: number | string): void {
  if (typeof which === 'number') body.attributeU32(WGDEVICE_A.IFINDEX, which);
  else body.attributeString(WGDEVICE_A.IFNAME, which);
}

/** The attributes of a peer, once with its first prefixes and again by its key alone for each further part of them. */
function peerParts(peer: WireguardPeerChange): Uint8Array[] {
  const publicKey = publicKeyBytes(peer.publicKey);
  const prefixes = (peer.allowedPrefixes ?? []).map(Prefix.from);
  const flags =
    (peer.remove ? WGPEER_F.REMOVE_ME : 0) |
    (peer.replaceAllowedPrefixes ? WGPEER_F.REPLACE_ALLOWEDIPS : 0) |
    (peer.updateOnly ? WGPEER_F.UPDATE_ONLY : 0);
  const first = new Writer()
    .attribute(WGPEER_A.PUBLIC_KEY, publicKey)
    .attribute(WGPEER_A.PRESHARED_KEY, peer.presharedKey && secretBytes(peer.presharedKey, 'preshared key'))
    .attributeU32(WGPEER_A.FLAGS, flags)
    .attribute(WGPEER_A.ENDPOINT, peer.endpoint && endpointBytes(peer.endpoint))
    .attributeU16(
      WGPEER_A.PERSISTENT_KEEPALIVE_INTERVAL,
      checkedNumber('keepalive interval', peer.keepalive, 0xffff),
    );
  const parts = [writePrefixes(first, prefixes.slice(0, PREFIXES_PER_PART))];
  for (let start = PREFIXES_PER_PART; start < prefixes.length; start += PREFIXES_PER_PART) {
    const next = new Writer()
      .attribute(WGPEER_A.PUBLIC_KEY, publicKey)
      .attributeU32(WGPEER_A.FLAGS, WGPEER_F.UPDATE_ONLY);
    parts.push(writePrefixes(next, prefixes.slice(start, start + PREFIXES_PER_PART)));
  }
  return parts.map((part) => part.finish());
}

function writePrefixes(peer: Writer, prefixes: readonly Prefix[]): Writer {
  if (prefixes.length === 0) return peer;
  return peer.nested(WGPEER_A.ALLOWEDIPS, (list) => {
    for (const { address, length } of prefixes) {
      list.nested(0, (allowed) =>
        allowed
          .attributeU16(WGALLOWEDIP_A.FAMILY, address.family === 4 ? AF.INET : AF.INET6)
          .attributeAddress(WGALLOWEDIP_A.IPADDR, address)
          .attributeU8(WGALLOWEDIP_A.CIDR_MASK, length),
      );
    }
  });
}

/** struct sockaddr_in or sockaddr_in6 */
function endpointBytes({ address: given, port, scopeId = 0 }: WireguardEndpointSpec): Uint8Array {
  const address = Address.from(given);
  const family = new Writer()
    .u16(address.family === 4 ? AF.INET : AF.INET6)
    .be16(checkedNumber('port of the endpoint', port, 0xffff));
  if (address.family === 4) return family.bytes(address.toBytes()).bytes(new Uint8Array(8)).finish();
  return family.u32(0).bytes(address.toBytes()).u32(scopeId).finish();
}

/** Parts in as few messages as hold them; without parts one message. */
function grouped(parts: readonly Uint8Array[]): Uint8Array[][] {
  let current: Uint8Array[] = [];
  let length = 0;
  const groups = [current];
  for (const part of parts) {
    if (length > 0 && length + part.length > PEER_BYTES_PER_MESSAGE) {
      current = [];
      length = 0;
      groups.push(current);
    }
    current.push(part);
    length += part.length;
  }
  return groups;
}

import { type Address, Prefix } from '../net/index.js';
import { AF, WGALLOWEDIP_A, WGDEVICE_A, WGPEER_A } from './constants.js';
import { NetlinkDecodeError } from './errors.js';
import { Attributes, decodeAddress, Reader } from './wire.js';
import { publicKeyText } from './wireguard-key.js';

/** A WireGuard device; its private key and the preshared keys are not read. */
export interface WireguardDevice {
  ifindex: number;
  name: string;
  /** In base64; undefined while the device has no private key. */
  publicKey: string | undefined;
  /** UDP port; the kernel chooses one when the link comes up, if none was set. */
  listenPort: number;
  /** The mark by which outer packets are routed, 0 for none. */
  fwmark: number;
  peers: WireguardPeer[];
}

export interface WireguardPeer {
  /** In base64 */
  publicKey: string;
  /** Where packets go: what was set, or the source of what came last. */
  endpoint: WireguardEndpoint | undefined;
  /** Inner addresses that are sent to this peer and accepted from it. */
  allowedPrefixes: Prefix[];
  /** Seconds, 0 for off */
  keepalive: number;
  lastHandshake: Date | undefined;
  rxBytes: number;
  txBytes: number;
}

export interface WireguardEndpoint {
  address: Address;
  port: number;
  /** The ifindex to which a link-local address belongs, else 0 */
  scopeId: number;
}

/**
 * Puts the messages of a dump together: a peer with many prefixes goes on in the next message, under its key alone.
 * @throws NetlinkDecodeError
 */
export function decodeWireguardDevice(messages: readonly Attributes[]): WireguardDevice {
  const [first] = messages;
  const ifindex = first?.u32(WGDEVICE_A.IFINDEX);
  const name = first?.string(WGDEVICE_A.IFNAME);
  if (first === undefined || ifindex === undefined || name === undefined) {
    throw new NetlinkDecodeError('A WireGuard device without ifindex or name');
  }
  const publicKey = first.bytes(WGDEVICE_A.PUBLIC_KEY);
  const peers: WireguardPeer[] = [];
  for (const message of messages) {
    for (const { value } of message.nested(WGDEVICE_A.PEERS)?.entries() ?? []) {
      const peer = decodePeer(new Attributes(value));
      const last = peers.at(-1);
      if (last?.publicKey === peer.publicKey) last.allowedPrefixes.push(...peer.allowedPrefixes);
      else peers.push(peer);
    }
  }
  return {
    ifindex,
    name,
    publicKey: publicKey && publicKeyText(publicKey),
    listenPort: first.u16(WGDEVICE_A.LISTEN_PORT) ?? 0,
    fwmark: first.u32(WGDEVICE_A.FWMARK) ?? 0,
    peers,
  };
}

function decodePeer(attributes: Attributes): WireguardPeer {
  const publicKey = attributes.bytes(WGPEER_A.PUBLIC_KEY);
  if (publicKey === undefined) throw new NetlinkDecodeError('A WireGuard peer without a public key');
  const endpoint = attributes.bytes(WGPEER_A.ENDPOINT);
  return {
    publicKey: publicKeyText(publicKey),
    endpoint: endpoint && decodeEndpoint(endpoint),
    allowedPrefixes: (attributes.nested(WGPEER_A.ALLOWEDIPS)?.entries() ?? []).map(({ value }) =>
      decodeAllowedPrefix(new Attributes(value)),
    ),
    keepalive: attributes.u16(WGPEER_A.PERSISTENT_KEEPALIVE_INTERVAL) ?? 0,
    lastHandshake: decodeTime(attributes.bytes(WGPEER_A.LAST_HANDSHAKE_TIME)),
    rxBytes: attributes.u64(WGPEER_A.RX_BYTES) ?? 0,
    txBytes: attributes.u64(WGPEER_A.TX_BYTES) ?? 0,
  };
}

/** struct sockaddr_in or sockaddr_in6 */
function decodeEndpoint(bytes: Uint8Array): WireguardEndpoint | undefined {
  const reader = new Reader(bytes);
  const port = reader.be16(2);
  switch (reader.u16(0)) {
    case AF.INET:
      return { address: decodeAddress(bytes.subarray(4, 8)), port, scopeId: 0 };
    case AF.INET6:
      return { address: decodeAddress(bytes.subarray(8, 24)), port, scopeId: reader.u32(24) };
    default:
      return undefined;
  }
}

function decodeAllowedPrefix(attributes: Attributes): Prefix {
  const address = attributes.address(WGALLOWEDIP_A.IPADDR);
  const length = attributes.u8(WGALLOWEDIP_A.CIDR_MASK);
  if (address === undefined || length === undefined || length > address.bits) {
    throw new NetlinkDecodeError('An allowed prefix without address or length');
  }
  return Prefix.covering(address, length);
}

/** struct __kernel_timespec; zero is never. */
function decodeTime(bytes: Uint8Array | undefined): Date | undefined {
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  const milliseconds = reader.u64(0) * 1000 + Math.floor(reader.u64(8) / 1e6);
  return milliseconds === 0 ? undefined : new Date(milliseconds);
}

/** How a binding's outer header is made, and how many bytes that takes. */

/**
 * Who makes it: the datapath, the binding's own tunnel device, or one device for all. `home`: nobody, as the packet
 * goes to the other end by the home link.
 */
export type TunnelKind = 'bpf' | 'device' | 'external' | 'home';

/** Kinds of tunnel device that the daemon can make, by their names in `ip link`. */
export const DEVICE_KINDS = ['ip6tnl', 'ip6gre', 'vxlan', 'wireguard', 'xfrm'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** Kinds of the one device of external tunnels. */
export const EXTERNAL_KINDS = ['vxlan', 'ip6tnl', 'xfrm'] as const;
export type ExternalKind = (typeof EXTERNAL_KINDS)[number];

/** The tunnel device of one binding. */
export type DeviceConfig =
  | { readonly kind: 'ip6tnl'; readonly name: string }
  | { readonly kind: 'ip6gre'; readonly name: string; readonly key: number | undefined }
  | { readonly kind: 'vxlan'; readonly name: string; readonly vni: number; readonly port: number }
  | WireguardConfig
  | XfrmConfig
  | AdoptedDevice;

/** WireGuard; keys are in files that only root and the daemon can read. */
export interface WireguardConfig {
  readonly kind: 'wireguard';
  readonly name: string;
  readonly privateKeyFile: string;
  readonly presharedKeyFile: string | undefined;
  /** Public key of the other end, base64. */
  readonly peer: string;
  /** UDP port of the home agent. */
  readonly port: number;
}

/** ESP by security associations of our own. */
export interface XfrmConfig {
  readonly kind: 'xfrm';
  readonly name: string;
  readonly keyFile: string;
}

/** A device that somebody else has made. */
export interface AdoptedDevice {
  readonly kind: 'adopted';
  readonly name: string;
}

/** What stands between the outer link header and the inner packet, as far as it counts for sizes. */
export type Encapsulation = 'none' | 'ipv6' | 'gre' | 'gre-key' | 'vxlan' | 'wireguard' | 'esp' | 'unknown';

interface TunnelSettings {
  readonly tunnel: TunnelKind;
  readonly device?: DeviceConfig | undefined;
}

const EXTERNAL_ENCAPSULATION: Readonly<Record<ExternalKind, Encapsulation>> = {
  vxlan: 'vxlan',
  ip6tnl: 'ipv6',
  xfrm: 'esp',
};

/** What a binding puts in front of packets; `external` is the kind of that device. */
export function encapsulationOf(
  { tunnel, device }: TunnelSettings,
  external: ExternalKind | undefined,
): Encapsulation {
  if (tunnel === 'home') return 'none';
  if (tunnel === 'bpf') return 'ipv6';
  if (tunnel === 'external') return EXTERNAL_ENCAPSULATION[external ?? 'vxlan'];
  switch (device?.kind) {
    case 'ip6tnl':
      return 'ipv6';
    case 'ip6gre':
      return device.key === undefined ? 'gre' : 'gre-key';
    case 'vxlan':
    case 'wireguard':
      return device.kind;
    case 'xfrm':
      return 'esp';
    case 'adopted':
    case undefined:
      return 'unknown';
  }
}

/** Outer IPv6 header, and what follows it: GRE, UDP + VXLAN + Ethernet, UDP + WireGuard, ESP with AES-GCM. */
const OVERHEAD: Readonly<Record<Encapsulation, number>> = {
  none: 0,
  ipv6: 40,
  gre: 40 + 4,
  'gre-key': 40 + 8,
  vxlan: 40 + 8 + 8 + 14,
  wireguard: 40 + 8 + 32,
  esp: 40 + 8 + 8 + 16,
  // Somebody else's device says itself what fits; nothing takes less than this.
  unknown: 40,
};

/** Trailer of ESP: pad length and next header, after which four bytes must be full (RFC 4303 section 2.4). */
const ESP_TRAILER = 2;

/** The largest inner packet on a path that carries so many bytes. */
export function largestInner(path: number, encapsulation: Encapsulation): number {
  const room = path - OVERHEAD[encapsulation];
  return encapsulation === 'esp' ? (room & ~3) - ESP_TRAILER : room;
}

/** The narrowest path that carries inner packets of so many bytes. */
export function leastPath(inner: number, encapsulation: Encapsulation): number {
  const room = encapsulation === 'esp' ? (inner + ESP_TRAILER + 3) & ~3 : inner;
  return room + OVERHEAD[encapsulation];
}

import type { ExternalConfig, TunnelKind } from '../config/index.js';
import { type DeviceConfig, type Encapsulation, encapsulationOf, leastPath } from '../config/index.js';
import type { Link } from '../netlink/index.js';
import { IPV6_MIN_MTU, innerMtu } from './plan.js';
import type { Problem } from './problems.js';

/** What a binding's tunnel carries, or why it carries nothing. */
export interface TunnelPlan {
  /** Largest inner packet, bytes. */
  readonly mtu: number | undefined;
  readonly problem: Problem | undefined;
}

interface TunnelSettings {
  readonly tunnel: TunnelKind;
  readonly device: DeviceConfig | undefined;
}

/** What kinds of device that we know put in front of packets, by their names in `ip link`. */
const KINDS: Readonly<Record<string, Encapsulation>> = {
  ip6tnl: 'ipv6',
  ip6gre: 'gre',
  vxlan: 'vxlan',
  wireguard: 'wireguard',
  xfrm: 'esp',
};

/**
 * Sizes of a tunnel on a path, and whether a device that somebody else has made is there.
 * @param about words for the binding
 * @param path bytes that it carries, and words for it
 */
export function planTunnel(
  about: string,
  binding: TunnelSettings,
  external: ExternalConfig | undefined,
  links: readonly Link[],
  path: { readonly mtu: number; readonly about: string },
): TunnelPlan {
  const { tunnel, device } = binding;
  const adopted = device?.kind === 'adopted' ? findLink(links, device.name) : undefined;
  if (device?.kind === 'adopted' && !adopted?.up) {
    const state = adopted ? 'is down' : 'is not there';
    const message = `${about}: its tunnel interface ${device.name} ${state} now`;
    return { mtu: undefined, problem: { code: 'INTERFACE_MISSING', message } };
  }
  const encapsulation = adopted
    ? (KINDS[adopted.kind ?? ''] ?? 'unknown')
    : encapsulationOf(binding, external?.kind);
  const room = innerMtu(path.mtu, encapsulation);
  const mtu = room === undefined || !adopted ? room : Math.min(room, adopted.mtu);
  if (mtu !== undefined && mtu >= IPV6_MIN_MTU) return { mtu, problem: undefined };
  const message =
    room !== undefined && adopted
      ? `${about}: ${adopted.name} has an MTU of ${adopted.mtu}; IPv6 needs ${IPV6_MIN_MTU}`
      : `${about}: ${path.about} has an MTU of ${path.mtu}; ` +
        `tunnel ${tunnel} needs ${leastPath(IPV6_MIN_MTU, encapsulation)}`;
  return { mtu: undefined, problem: { code: 'PATH_TOO_NARROW', message } };
}

/** Whether a device has no source for its outer packets before it has a route, but a mark. */
export function asksByMark(device: DeviceConfig, links: readonly Link[]): boolean {
  return device.kind === 'adopted'
    ? findLink(links, device.name)?.kind === 'wireguard'
    : device.kind === 'wireguard';
}

/** The link of a name, which may be an alternative one. */
export function findLink(links: readonly Link[], name: string): Link | undefined {
  return links.find((link) => link.name === name || link.altNames.includes(name));
}

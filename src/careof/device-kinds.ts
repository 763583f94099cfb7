import type { DeviceConfig } from '../config/index.js';
import type { Address } from '../net/index.js';
import type { Link, Netlink, RouteSpec } from '../netlink/index.js';

/** The outer addresses of a binding's tunnel device. */
export interface DeviceEnds {
  readonly local: Address;
  readonly remote: Address;
  /** Mark of outer packets whose route chooses their source, on a mobile router. */
  readonly mark: number | undefined;
  /** By which policies and states of IPsec belong to it. */
  readonly interfaceId: number;
}

/** A device that we make, as opposed to one that was there. */
export type OurDevice = Exclude<DeviceConfig, { kind: 'adopted' }>;

/** Outer hop limit (RFC 2473 section 6.3): independent of the inner one. */
const HOP_LIMIT = 64;

/** Whether another address gets a second device: of other kinds the kernel has no two for the same far end. */
export function replacesDevice({ kind }: OurDevice): boolean {
  return kind === 'ip6tnl' || kind === 'ip6gre';
}

/** Whether packets reach us only by a device with their outer addresses: others take them from everybody, or we do. */
export function receivesByDevice({ kind }: OurDevice): boolean {
  return kind === 'ip6gre';
}

/** Whether a link is a device of that kind with those settings, whatever its addresses. */
export function isOfKind({ kind, tunnel }: Link, device: OurDevice, { interfaceId }: DeviceEnds): boolean {
  if (kind !== device.kind) return false;
  switch (device.kind) {
    case 'ip6gre':
      return tunnel?.kind === 'ip6gre' && tunnel.outputKey === device.key && tunnel.inputKey === device.key;
    case 'vxlan':
      return tunnel?.kind === 'vxlan' && tunnel.vni === device.vni && tunnel.port === device.port;
    case 'xfrm':
      return tunnel?.kind === 'xfrm' && tunnel.ifId === interfaceId;
    default:
      return true;
  }
}

/** Whether a link has these outer addresses; of a kind without addresses none has. */
export function hasEnds({ tunnel }: Link, { local, remote }: DeviceEnds): boolean {
  return (
    tunnel !== undefined &&
    'local' in tunnel &&
    tunnel.local?.equals(local) === true &&
    tunnel.remote?.equals(remote) === true
  );
}

/** Makes a device that is still down. */
export async function createDevice(
  netlink: Netlink,
  device: OurDevice,
  name: string,
  { local, remote, interfaceId }: DeviceEnds,
  mtu: number,
): Promise<void> {
  const common = { name, mtu, addrGenMode: 'none' } as const;
  const outer = { ...common, local, remote, hopLimit: HOP_LIMIT, trafficClass: 'inherit' } as const;
  switch (device.kind) {
    case 'ip6tnl':
      await netlink.createIp6Tunnel(outer);
      return;
    case 'ip6gre':
      await netlink.createIp6Gre({ ...outer, key: device.key });
      return;
    case 'vxlan':
      await netlink.createVxlan({
        ...{ ...common, local, remote, learning: false },
        ...{ vni: device.vni, dstPort: device.port },
      });
      return;
    case 'wireguard':
      await netlink.createWireguard(common);
      return;
    case 'xfrm':
      await netlink.createXfrmInterface({ ...common, ifId: interfaceId });
      return;
  }
}

/**
 * Gives a device that is there the outer addresses, where its kind has any.
 * @param routes the ways of its outer packets: a vxlan keeps its old source in what it has cached of them, until they
 *   are made anew
 */
export async function changeEnds(
  netlink: Netlink,
  link: Link,
  ends: DeviceEnds,
  routes: readonly RouteSpec[],
): Promise<void> {
  const { tunnel } = link;
  if (!tunnel || !('local' in tunnel) || tunnel.external || hasEnds(link, ends)) return;
  const { local, remote } = ends;
  const isChanged = await netlink.changeTunnel(link.ifindex, { local, remote, keepCached: true });
  if (!isChanged || tunnel.kind !== 'vxlan') return;
  for (const route of routes) await netlink.addRoute({ ...route, mode: 'replace' });
}

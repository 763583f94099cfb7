import { type Config, type DeviceConfig, otherDeviceName } from '../config/index.js';
import type { OwnSpi } from '../datapath/index.js';
import { KeyError } from '../keys/index.js';
import type { Address } from '../net/index.js';
import type { Link, Netlink } from '../netlink/index.js';
import type { OwnedDevice } from './accept-set.js';
import { ControllerError } from './controller-error.js';
import {
  changeEnds,
  createDevice,
  type DeviceEnds,
  hasEnds,
  isOfKind,
  type OurDevice,
  receivesByDevice,
  replacesDevice,
} from './device-kinds.js';
import { EspTunnels } from './esp-tunnels.js';
import { ownerOf, quietDevice } from './home-device.js';
import { type BindingPlan, carries, type Plan } from './plan.js';
import { guard, isRefusal, problemOf, type ReconcileReport, runAgain } from './reconcile-report.js';
import { findLink } from './tunnel-plan.js';
import { WireguardDevices } from './wireguard-devices.js';

/** The tunnel devices of single bindings. */
export interface Tunnels {
  /** By binding index: the one that packets are given to. */
  readonly current: ReadonlyMap<number, Link>;
  /** All that may receive, also those of addresses that bindings had or may have next. */
  readonly owned: readonly OwnedDevice[];
  /** Those of addresses that bindings may have next, by ifindex. */
  readonly awaiting: ReadonlySet<number>;
  /** Where ESP arrives that protects bindings. */
  readonly arrivals: readonly OwnSpi[];
}

/** One binding that carries packets and has a device of its own, or keys. */
interface Work {
  readonly config: Config;
  readonly plan: Plan;
  readonly binding: BindingPlan;
  readonly links: readonly Link[];
  /** The one device of external tunnels. */
  readonly external: Link | undefined;
  readonly report: ReconcileReport;
}

/** What one binding's packets go by, and what they may come by next. */
interface BindingDevices {
  readonly current: Link;
  readonly next?: Link | undefined;
}

/** Whether some binding has a tunnel device of its own, or keys, which the kernel may use as soon as they are there. */
export function hasOwnedDevices(plan: Plan): boolean {
  return plan.routers.some(({ bindings }) =>
    bindings.some(({ device, keyFile }) => device !== undefined || keyFile !== undefined),
  );
}

/**
 * Keeps a tunnel device for each binding that has one, with the binding's outer addresses. Where a kind can have
 * two devices side by side, another care-of address gets a second one: packets go by the first until one write
 * sends them by the second, and the first receives until the grace time is over.
 */
export class TunnelDevices implements Disposable {
  readonly #netlink: Netlink;
  /** Devices that nothing is sent by any more, and when they go. */
  readonly #leaving = new Map<number, number>();
  readonly #wireguard = new WireguardDevices();
  readonly #esp = new EspTunnels();

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  [Symbol.dispose](): void {
    this.#esp[Symbol.dispose]();
  }

  /** Makes or changes what bindings need that carry packets; one that gets none is down, and reported. */
  async prepare(
    config: Config,
    plan: Plan,
    { links, external }: { links: readonly Link[]; external: Link | undefined },
    report: ReconcileReport,
  ): Promise<Tunnels> {
    const current = new Map<number, Link>();
    const owned: OwnedDevice[] = [];
    const awaiting = new Set<number>();
    this.#esp.begin();
    for (const binding of plan.routers.flatMap(({ bindings }) => bindings)) {
      const { device, keyFile, index } = binding;
      if (device === undefined && keyFile === undefined) continue;
      const work = { config, plan, binding, links, external, report };
      const devices = carries(binding.state) ? await this.#attempt(work) : undefined;
      if (!devices) this.#esp.keep(interfaceIdOf(config, binding));
      if (devices) current.set(index, devices.current);
      if (devices?.next) awaiting.add(devices.next.ifindex);
      if (device === undefined) {
        const interfaceId = interfaceIdOf(config, binding);
        if (external) owned.push({ link: external, interfaceId, binding: index });
        continue;
      }
      const there = namesOf(device).flatMap((name) => findLink(links, name) ?? []);
      const all = new Map(there.map((link) => [link.ifindex, link]));
      for (const link of [devices?.current, devices?.next]) if (link) all.set(link.ifindex, link);
      for (const link of all.values()) owned.push({ link, interfaceId: 0, binding: index });
    }
    let arrivals: OwnSpi[] = [];
    await guard(report, async () => {
      arrivals = await this.#esp.arrivals(config);
    });
    return { current, owned, awaiting, arrivals };
  }

  /** Removes devices of ours that no binding is to have any more. */
  async sweep(
    config: Config,
    tunnels: Tunnels,
    links: readonly Link[],
    report: ReconcileReport,
  ): Promise<void> {
    await this.#esp.sweep(config, report);
    const now = performance.now();
    const inUse = new Set([...tunnels.current.values()].map(({ ifindex }) => ifindex));
    for (const ifindex of tunnels.awaiting) inUse.add(ifindex);
    const replaced = new Set(
      tunnels.owned.filter(({ binding }) => tunnels.current.has(binding)).map(({ link }) => link.ifindex),
    );
    const known = new Set(tunnels.owned.map(({ link }) => link.ifindex));
    const ours = links.filter((link) => link.alias === ownerOf(config.instance) && isOurTunnel(config, link));
    for (const link of ours) {
      const { ifindex } = link;
      if (inUse.has(ifindex) || (known.has(ifindex) && !replaced.has(ifindex))) {
        this.#leaving.delete(ifindex);
        continue;
      }
      const deadline = this.#leaving.get(ifindex) ?? (known.has(ifindex) ? now + config.graceTimeMs : now);
      if (deadline > now) {
        this.#leaving.set(ifindex, deadline);
        runAgain(report, deadline - now);
      } else {
        await this.#netlink.deleteLink(ifindex);
        this.#leaving.delete(ifindex);
      }
    }
  }

  async #attempt(work: Work): Promise<BindingDevices | undefined> {
    try {
      return await this.#ensure(work);
    } catch (error) {
      if (!(error instanceof ControllerError || error instanceof KeyError || isRefusal(error))) throw error;
      work.report.problems.push(problemOf(error));
      work.binding.state = 'down';
      return undefined;
    }
  }

  async #ensure(work: Work): Promise<BindingDevices | undefined> {
    const { config, binding, links, external } = work;
    const { device, keyFile, mtu, accepts } = binding;
    const ends = endsOf(config, binding);
    if (ends === undefined || mtu === undefined) return undefined;
    if (device === undefined) {
      if (external === undefined || keyFile === undefined) return undefined;
      await this.#esp.settle(config, { keyFile, ends, locals: localsOf(accepts) }, work.report);
      return { current: external };
    }
    if (device.kind === 'adopted') {
      const link = findLink(links, device.name);
      if (link) await this.#follow(work, link, ends);
      return link && { current: link };
    }
    const owner = ownerOf(config.instance);
    const there = await this.#ours(device, links, owner, ends);
    let current = there.find((one) => hasEnds(one, ends));
    if (!current && there[0] && !replacesDevice(device)) [current] = there;
    if (current) {
      await this.#settle(current, mtu);
    } else {
      const name = await this.#freeName(device, there);
      current = await this.#make(device, name, ends, mtu, owner);
    }
    await this.#follow(work, current, ends);
    if (!receivesByDevice(device)) return { current };
    // The other end may take another address before this one knows.
    const coming = accepts
      .map(({ local, remote }) => ({ ...ends, local, remote }))
      .find(({ local, remote }) => !local.equals(ends.local) || !remote.equals(ends.remote));
    if (coming === undefined) return { current };
    let next = there.find((one) => hasEnds(one, coming));
    if (next) await this.#settle(next, mtu);
    else {
      const name = await this.#freeName(device, there, current.name);
      next = await this.#make(device, name, coming, mtu, owner);
    }
    return { current, next };
  }

  /**
   * Devices of ours with a name of the binding's. What has other settings is removed, and what an interrupted run has
   * left unnamed.
   */
  async #ours(device: OurDevice, links: readonly Link[], owner: string, ends: DeviceEnds): Promise<Link[]> {
    const ours: Link[] = [];
    for (const name of namesOf(device)) {
      const link = findLink(links, name);
      if (link === undefined) continue;
      if (link.alias === owner && isOfKind(link, device, ends)) {
        ours.push(link);
      } else if (
        link.alias === owner ||
        (link.alias === undefined && !link.up && link.kind === device.kind)
      ) {
        await this.#netlink.deleteLink(link.ifindex);
      } else {
        throw new ControllerError(
          'TUNNEL_DEVICE_TAKEN',
          `there is a link ${name} that is not our ${device.kind} device`,
          'choose another name under device.name of the binding, or remove that link',
        );
      }
    }
    return ours;
  }

  /** A name for one more device than the one with the name `current`; the oldest makes way where both are taken. */
  async #freeName(device: OurDevice, there: readonly Link[], current?: string): Promise<string> {
    const taken = there.filter(({ name }) => name !== current).sort((a, b) => a.ifindex - b.ifindex);
    const free = namesOf(device).find(
      (name) => name !== current && !taken.some((link) => link.name === name),
    );
    const [oldest] = taken;
    if (free !== undefined || !oldest) return free ?? device.name;
    await this.#netlink.deleteLink(oldest.ifindex);
    return oldest.name;
  }

  async #make(device: OurDevice, name: string, ends: DeviceEnds, mtu: number, owner: string): Promise<Link> {
    await createDevice(this.#netlink, device, name, ends, mtu);
    await this.#netlink.setLink(name, { alias: owner });
    const link = await this.#netlink.getLink(name);
    if (!link) {
      throw new ControllerError('TUNNEL_DEVICE_TAKEN', `${name} went at once`, 'it is tried again');
    }
    quietDevice(name);
    await this.#netlink.setLink(link.ifindex, { up: true });
    return { ...link, up: true };
  }

  /** A device that is up gets what its kind needs to send from the care-of address. */
  async #follow({ config, plan, binding, report }: Work, link: Link, ends: DeviceEnds): Promise<void> {
    const { device, bid, accepts } = binding;
    if (link.kind === 'wireguard') {
      await this.#wireguard.settle(link, device?.kind === 'wireguard' ? device : undefined, ends);
    } else if (device?.kind === 'xfrm') {
      await this.#esp.settle(config, { keyFile: device.keyFile, ends, locals: localsOf(accepts) }, report);
    } else {
      const own = plan.routes.filter(({ spec }) => spec.table === config.routing.table + bid);
      const ways = config.role === 'mobile-router' ? own.map(({ spec }) => spec) : [];
      await changeEnds(this.#netlink, link, ends, ways);
    }
  }

  async #settle(link: Link, mtu: number): Promise<void> {
    if (link.mtu !== mtu) await this.#netlink.setLink(link.ifindex, { mtu });
    if (!link.up) await this.#netlink.setLink(link.ifindex, { up: true });
  }
}

/** Each address of this end once: a home agent accepts several care-of addresses at one. */
function localsOf(accepts: BindingPlan['accepts']): Address[] {
  return [...new Map(accepts.map(({ local }) => [local.toString(), local])).values()];
}

/** The names that a binding's devices may have. */
function namesOf(device: DeviceConfig): string[] {
  return device.kind !== 'adopted' && replacesDevice(device)
    ? [device.name, otherDeviceName(device.name)]
    : [device.name];
}

/**
 * Names the policies and states of IPsec of one binding: no other one of this network namespace has the same, as
 * instances have numbers of their own.
 */
export function interfaceIdOf({ routing }: Config, { index }: BindingPlan): number {
  return ((routing.protocol << 24) | index) >>> 0;
}

function endsOf(config: Config, binding: BindingPlan): DeviceEnds | undefined {
  const { careOf, homeAgent } = binding;
  if (careOf === undefined) return undefined;
  const interfaceId = interfaceIdOf(config, binding);
  return config.role === 'mobile-router'
    ? { local: careOf, remote: homeAgent, mark: config.routing.table + binding.bid, interfaceId }
    : { local: homeAgent, remote: careOf, mark: undefined, interfaceId };
}

/** The home interface and the device of external tunnels have our name on them, too. */
function isOurTunnel({ home, external }: Config, { name, kind }: Link): boolean {
  return kind !== 'veth' && name !== home.interface && name !== external?.device;
}

import type { Config } from '../config/index.js';
import {
  type Datapath,
  decodeCxTunnelEnd,
  encodeCxTunnelDevice,
  encodeCxTunnelDeviceKey,
  encodeCxTunnelEnd,
  encodeCxTunnelEndKey,
} from '../datapath/index.js';
import type { Link } from '../netlink/index.js';
import type { Plan } from './plan.js';

/** Where more pairs than this are about to go, they go together, at most so long after their time. */
const MANY = 64;
const TOGETHER_MS = 100;

/** A tunnel device of one binding's own, or its part of one, and the binding. */
export interface OwnedDevice {
  readonly link: Link;
  /** By which packets of the binding are told from others of an external xfrm interface, else 0. */
  readonly interfaceId: number;
  /** Binding index. */
  readonly binding: number;
}

/** Keeps the pairs of outer addresses from which bindings take packets, and the devices in their place. */
export class AcceptSet {
  readonly #datapath: Datapath;
  /** When a pair that is no longer planned will be refused, and its key: in this order, as long as the grace time is one. */
  readonly #leaving = new Map<string, { readonly deadline: number; readonly key: Uint8Array }>();

  constructor(datapath: Datapath) {
    this.#datapath = datapath;
  }

  /**
   * Makes the set as planned; old pairs stay for the grace time, as packets under way still carry them.
   * @param before what was planned for the routers of the plan, where these are not all: pairs of others, of which
   *   there is none in it, stay as they are
   * @returns the rows written, and when the next pair is to be refused, milliseconds from now
   */
  async sync(
    config: Config,
    plan: Plan,
    before?: Plan,
  ): Promise<{ written: number; dueInMs: number | undefined }> {
    const desired = desiredEnds(config, plan);
    const now = performance.now();
    for (const name of desired.keys()) {
      this.#leaving.delete(name);
    }
    const among = before && [
      ...[...desired.values()].map(([key]) => key),
      ...[...desiredEnds(config, before)].flatMap(([name, [key]]) => (desired.has(name) ? [] : [key])),
      ...this.#late(now),
    ];
    const routers = before ? undefined : new Set([0, ...plan.routers.map(({ id }) => id)]);
    const stayMs = (row: Uint8Array): number => {
      const { local, remote, router } = decodeCxTunnelEnd(row);
      if (routers?.has(router) === false) {
        // Its prefixes are gone, so nothing would pass, and its id may become another router's.
        return 0;
      }
      const name = `${local} ${remote}`;
      const { deadline } = this.#leaving.get(name) ?? { deadline: now + config.graceTimeMs };
      this.#leaving.set(name, { deadline, key: encodeCxTunnelEndKey({ local, remote }) });
      return deadline - now;
    };
    const { added, changed } = await this.#datapath.tunnelEnds.sync(desired.values(), stayMs, among);
    let dueInMs: number | undefined;
    for (const [name, { deadline }] of this.#leaving) {
      if (deadline <= now) {
        this.#leaving.delete(name);
      } else {
        dueInMs = Math.min(dueInMs ?? Number.POSITIVE_INFINITY, deadline - now);
        // Thousands may follow; after a reload with another grace time a run over all looks at each.
        if (before) break;
      }
    }
    // Of many each would have a run of its own.
    if (dueInMs !== undefined && this.#leaving.size > MANY) dueInMs = Math.max(dueInMs, TOGETHER_MS);
    return { written: added + changed, dueInMs };
  }

  /** Keys of pairs whose time is over. */
  *#late(now: number): Generator<Uint8Array> {
    for (const { deadline, key } of this.#leaving.values()) {
      if (deadline > now) return;
      yield key;
    }
  }

  /** Makes the devices as they are, until they are not there any more. Returns the rows written. */
  async syncDevices(plan: Plan, devices: readonly OwnedDevice[]): Promise<number> {
    const routers = new Map(
      plan.routers.flatMap(({ id, bindings }) => bindings.map(({ index }) => [index, id] as const)),
    );
    const rows = devices.map(({ link: { ifindex }, interfaceId, binding }) => {
      const key = { ifindex, interfaceId };
      const row = { key, binding, router: routers.get(binding) ?? 0 };
      return [encodeCxTunnelDeviceKey(key), encodeCxTunnelDevice(row)] as const;
    });
    const { added, changed } = await this.#datapath.tunnelDevices.sync(rows);
    return added + changed;
  }
}

function desiredEnds(config: Config, plan: Plan): Map<string, readonly [Uint8Array, Uint8Array]> {
  const desired = new Map<string, readonly [Uint8Array, Uint8Array]>();
  const add = (local: string, remote: string, binding: number, router: number): void => {
    const end = { local, remote };
    const name = `${local} ${remote}`;
    // Strangers are named again with each binding.
    if (binding === 0 && desired.has(name)) return;
    desired.set(name, [encodeCxTunnelEndKey(end), encodeCxTunnelEnd({ ...end, binding, router })]);
  };
  for (const router of plan.routers) {
    for (const binding of router.bindings) {
      for (const { local, remote } of binding.accepts) {
        add(local.toString(), remote.toString(), binding.index, router.id);
        add(local.toString(), '::', 0, 0);
      }
    }
  }
  if (plan.signalled) {
    // Without the row of strangers: it is no end of a tunnel, but mobility headers to it are taken.
    add(plan.signalled.toString(), config.home.agent.toString(), 0, 0);
  }
  if (config.role === 'home-agent') {
    add(config.home.agent.toString(), '::', 0, 0);
  }
  return desired;
}

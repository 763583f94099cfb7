import type { Config } from '../config/index.js';
import { Attachments, Instance, readHomeMac, readTrace } from '../datapath/index.js';
import { type Link, Netlink } from '../netlink/index.js';
import type { InstanceTarget, RemovalResult, RemoveInstance } from '../views/index.js';
import { removeAll } from './kernel-routing.js';
import { ours } from './managed-neighbours.js';

/** What is ours beside the pins. */
interface Belongings {
  /** rtnetlink protocol number of rules, routes and neighbours; 0 = none. */
  protocol: number;
  /** May it be this device? Its kind and MAC address must be right too. */
  isHome(link: Link): boolean;
  isTunnel(link: Link): boolean;
}

/**
 * Removes everything of one instance and only that: routes before devices, so that nothing is sent to a
 * home interface without programs; pins last, so that an interrupted removal can be run again.
 */
export const removeInstance: RemoveInstance = async (target): Promise<RemovalResult> => {
  const instance = new Instance(target.instance, target.bpffs);
  const removed: string[] = [];
  const belongings = belongingsOf(instance, target);
  if (belongings) {
    using netlink = Netlink.open();
    if (belongings.protocol !== 0) {
      const { protocol } = belongings;
      const { rules, routes } = await removeAll(netlink, { protocol });
      if (rules > 0) {
        removed.push(`${rules} routing rules`);
      }
      if (routes > 0) {
        removed.push(`${routes} routes`);
      }
      const held = ours(await netlink.dumpNeighbours(), protocol);
      for (const { ifindex, address } of held) {
        await netlink.deleteNeighbour({ ifindex, address });
      }
      if (held.length > 0) {
        removed.push(`${held.length} managed neighbours`);
      }
    }
    const mac = readHomeMac();
    for (const link of await netlink.dumpLinks()) {
      // An index alone says little: it may be another device by now, or another network namespace.
      const isOurs =
        (belongings.isHome(link) && link.kind === 'veth') ||
        (belongings.isTunnel(link) && link.kind === 'vxlan');
      if (isOurs && link.mac?.equals(mac) && (await netlink.deleteLink(link.ifindex))) {
        removed.push(`interface ${link.name}`);
      }
    }
    const filters = Attachments.removeClsact((await netlink.dumpLinks()).map((link) => link.ifindex));
    if (filters > 0) {
      removed.push(`${filters} clsact filters`);
    }
  }
  removed.push(...instance.remove().map((pin) => `pin ${pin}`));
  return { removed };
};

/** From what the instance wrote down, or, where that is damaged, from the config. */
function belongingsOf(instance: Instance, target: Config | InstanceTarget): Belongings | undefined {
  const trace = readTrace(instance);
  if (trace) {
    return {
      protocol: trace.routeProtocol,
      isHome: (link) => link.ifindex === trace.homeIfindex,
      isTunnel: (link) => link.ifindex === trace.tunnelIfindex,
    };
  }
  if (!instance.exists || !('routing' in target)) {
    return undefined;
  }
  return {
    protocol: target.routing.protocol,
    isHome: (link) => link.name === target.home.interface,
    isTunnel: (link) => link.name === target.external?.device,
  };
}

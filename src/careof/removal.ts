import { Attachments, Instance, readTrace } from '../datapath/index.js';
import { Netlink } from '../netlink/index.js';
import type { RemovalResult, RemoveInstance } from '../views/index.js';
import { removeAll } from './kernel-routing.js';
import { ours } from './managed-neighbours.js';

/**
 * Removes everything of one instance and only that: routes before devices, so that nothing is sent to a
 * home interface without programs; pins last, so that an interrupted removal can be run again.
 */
export const removeInstance: RemoveInstance = async (target): Promise<RemovalResult> => {
  const instance = new Instance(target.instance, target.bpffs);
  const removed: string[] = [];
  const trace = readTrace(instance);
  if (trace) {
    using netlink = Netlink.open();
    if (trace.routeProtocol !== 0) {
      const { rules, routes } = await removeAll(netlink, { protocol: trace.routeProtocol });
      if (rules > 0) {
        removed.push(`${rules} routing rules`);
      }
      if (routes > 0) {
        removed.push(`${routes} routes`);
      }
      const held = ours(await netlink.dumpNeighbours(), trace.routeProtocol);
      for (const { ifindex, address } of held) {
        await netlink.deleteNeighbour({ ifindex, address });
      }
      if (held.length > 0) {
        removed.push(`${held.length} managed neighbours`);
      }
    }
    for (const ifindex of [trace.homeIfindex, trace.tunnelIfindex]) {
      const link = ifindex === 0 ? undefined : await netlink.getLink(ifindex);
      if (link && (await netlink.deleteLink(ifindex))) {
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

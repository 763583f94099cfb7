import { Attachments, Instance, readRouteProtocol } from '../datapath/index.js';
import { Netlink } from '../netlink/index.js';
import type { RemovalResult, RemoveInstance } from '../views/index.js';
import { removeEsp } from './esp-tunnels.js';
import { ownerOf } from './home-device.js';
import { removeAll } from './kernel-routing.js';
import { ours } from './managed-neighbours.js';
import { proxiesOf } from './proxy-neighbours.js';

/**
 * Removes everything of one instance and only that: routes before devices, so that nothing is sent to a
 * home interface without programs; pins last, so that an interrupted removal can be run again.
 */
export const removeInstance: RemoveInstance = async (target): Promise<RemovalResult> => {
  const instance = new Instance(target.instance, target.bpffs);
  using netlink = Netlink.open();
  const devices = (await netlink.dumpLinks()).filter((link) => link.alias === ownerOf(target.instance));
  if (!instance.exists && devices.length === 0) {
    return { removed: [] };
  }
  // Where the instance's own note is damaged, the config says it.
  const configured = 'routing' in target ? target.routing.protocol : undefined;
  const protocol = readRouteProtocol(instance) ?? configured;
  const removed = protocol === undefined ? [] : await removeRouting(netlink, protocol);
  for (const { ifindex, name } of devices) {
    if (await netlink.deleteLink(ifindex)) {
      removed.push(`interface ${name}`);
    }
  }
  if (protocol !== undefined) {
    const { states, policies } = await removeEsp(protocol);
    if (states + policies > 0) removed.push(`${states} states and ${policies} policies of IPsec`);
  }
  const filters = Attachments.removeClsact((await netlink.dumpLinks()).map((link) => link.ifindex));
  if (filters > 0) {
    removed.push(`${filters} clsact filters`);
  }
  removed.push(...instance.remove().map((pin) => `pin ${pin}`));
  return { removed };
};

async function removeRouting(netlink: Netlink, protocol: number): Promise<string[]> {
  const { rules, routes } = await removeAll(netlink, { protocol });
  const held = ours(await netlink.dumpNeighbours(), protocol);
  for (const { ifindex, address } of held) {
    await netlink.deleteNeighbour({ ifindex, address });
  }
  const proxies = await proxiesOf(netlink, protocol);
  for (const { ifindex, address } of proxies) {
    await netlink.deleteNeighbour({ ifindex, address, proxy: true });
  }
  const counts: [number, string][] = [
    [rules, 'routing rules'],
    [routes, 'routes'],
    [held.length, 'managed neighbours'],
    [proxies.length, 'proxy neighbours'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}

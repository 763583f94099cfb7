import type { Config } from '../config/index.js';
import { checkObject } from './build-info.js';
import { checkCapabilities } from './capabilities.js';
import { type Check, fail, reasonText, warn } from './check.js';
import { checkFirewall } from './firewall.js';
import { checkInterfaces } from './interfaces.js';
import { checkBpffs, checkKernel } from './kernel.js';
import { checkMarks } from './marks.js';
import { checkRegistrationKeys } from './registration-keys.js';
import { checkHomeAgent, checkHomeInterface, checkNumbers } from './routing.js';
import { checkTunnels } from './tunnels.js';

/**
 * Looks at this machine: privileges, kernel, our own build and, with a configuration, everything it names.
 * Changes nothing (modules that a try needs are loaded) and never throws for what it finds.
 */
export async function examine(config: Config | undefined): Promise<Check[]> {
  const checks = [
    checkCapabilities(),
    checkBpffs(config?.bpffs ?? '/sys/fs/bpf'),
    checkObject(),
    ...(await checkKernel()),
    ...(await checkTunnels()),
  ];
  if (config === undefined) {
    return [
      ...checks,
      warn(
        'configuration',
        'not given',
        'add --config FILE to have interfaces, routes and addresses looked at',
      ),
    ];
  }
  return [...checks, ...checkRegistrationKeys(config), ...(await examineNetwork(config))];
}

async function examineNetwork(config: Config): Promise<Check[]> {
  try {
    const { Netlink } = await import('../netlink/index.js');
    using netlink = Netlink.open();
    const links = await netlink.dumpLinks();
    const addresses = await netlink.dumpAddresses();
    const rules = await netlink.dumpRules();
    return [
      ...(await checkInterfaces(config, links, netlink)),
      ...(await checkFirewall(config, links, addresses)),
      checkHomeInterface(config, links),
      await checkHomeAgent(config, netlink, addresses, links),
      ...checkNumbers(config, rules, await netlink.dumpRoutes()),
      ...(await checkMarks(config, rules)),
    ];
  } catch (error) {
    return [fail('network', reasonText(error), 'the native addon must load: build it with `make build`')];
  }
}

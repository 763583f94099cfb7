import { stringify } from 'yaml';
import {
  formatMark,
  formatPorts,
  formatProtocol,
  formatSelectorPrefix,
  type Policy,
} from '../policy/index.js';
import type { Config, HomeAgentBinding, MobileRouterBinding } from './config.js';

/** The configuration as a file with every setting written out; reading it gives the same configuration. */
export function formatConfig(config: Config): string {
  const { home, external, routing, limits } = config;
  const common = {
    role: config.role,
    instance: config.instance,
    socket: config.socket,
    bpffs: config.bpffs,
    external,
    routing: {
      table: routing.table,
      'rule-priority': routing.rulePriority,
      metric: routing.metric,
      protocol: routing.protocol,
    },
    'grace-time': `${config.graceTimeMs}ms`,
    silence: `${config.silenceMs}ms`,
    limits,
  };
  if (config.role === 'mobile-router') {
    return write({
      ...common,
      home: {
        agent: config.home.agent.toString(),
        address: config.home.address.toString(),
        prefixes: config.home.prefixes.map(String),
        interface: home.interface,
      },
      ingress: config.ingress,
      bindings: config.bindings.map((binding) => ({
        ...tunnel(binding),
        interface: binding.interface,
        gateway: binding.gateway.toString(),
      })),
      policies: policies(config.policies),
    });
  }
  return write({
    ...common,
    home: { agent: home.agent.toString(), interface: home.interface },
    interfaces: config.interfaces,
    routers: config.routers.map((router) => ({
      name: router.name,
      address: router.address.toString(),
      prefixes: router.prefixes.map(String),
      bindings: router.bindings.map(tunnel),
      policies: policies(router.policies),
    })),
  });
}

function write(file: object): string {
  return stringify(file, { aliasDuplicateObjects: false, lineWidth: 0 });
}

function tunnel(binding: MobileRouterBinding | HomeAgentBinding) {
  return {
    bid: binding.bid,
    name: binding.name,
    priority: binding.priority,
    'care-of': binding.careOf?.toString(),
    tunnel: binding.tunnel,
    mtu: binding.mtu,
  };
}

function policies(list: readonly Policy[]) {
  return list.map(({ fid, name, priority, selector, use }) => ({
    fid,
    name,
    priority,
    match: {
      mark: selector.mark && formatMark(selector.mark),
      source: selector.source && formatSelectorPrefix(selector.source),
      destination: selector.destination && formatSelectorPrefix(selector.destination),
      protocol: selector.protocol === undefined ? undefined : formatProtocol(selector.protocol),
      'source-port': selector.sourcePort && formatPorts(selector.sourcePort),
      'destination-port': selector.destinationPort && formatPorts(selector.destinationPort),
    },
    use,
  }));
}

import { stringify } from 'yaml';
import {
  type Action,
  type AddressMatch,
  formatAddressMatch,
  formatMark,
  formatRanges,
  type Policy,
  RANGE_FIELDS,
  RANGE_KEYS,
} from '../policy/index.js';
import type { Config, HomeAgentBinding, MobileRouterBinding } from './config.js';
import { formatSets } from './sets.js';
import type { DeviceConfig } from './tunnel.js';

/** The configuration as a file with every setting written out; reading it gives the same configuration. */
export function formatConfig(config: Config): string {
  const { home, external, routing, xdp, limits } = config;
  const common = {
    role: config.role,
    instance: config.instance,
    socket: config.socket,
    bpffs: config.bpffs,
    state: config.state,
    external,
    sets: formatSets(config.sets),
    routing: {
      table: routing.table,
      'rule-priority': routing.rulePriority,
      'bypass-mark': routing.bypassMark,
      metric: routing.metric,
      protocol: routing.protocol,
    },
    'grace-time': `${config.graceTimeMs}ms`,
    silence: `${config.silenceMs}ms`,
    xdp: {
      mode: xdp.mode,
      interfaces: Object.fromEntries(xdp.interfaces.map((item) => [item.interface, item.mode])),
    },
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
      registration: config.registration && {
        ...(config.registration.keyFile === undefined
          ? { unauthenticated: 'accept' }
          : { key: config.registration.keyFile }),
        lifetime: `${config.registration.lifetimeMs}ms`,
        mode: config.registration.mode,
        prefixes: config.registration.prefixes,
      },
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
    home: { agent: home.agent.toString(), interface: home.interface, link: config.home.link },
    interfaces: config.interfaces,
    registration: config.registration && {
      unauthenticated: config.registration.unauthenticated,
      lifetime: `${config.registration.lifetimeMs}ms`,
      bulk: config.registration.bulk,
      'home-and-foreign': config.registration.homeAndForeign,
    },
    routers: config.routers.map((router) => ({
      name: router.name,
      address: router.address.toString(),
      prefixes: router.prefixes.map(String),
      key: router.keyFile,
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
    device: binding.device && device(binding.device),
    keys: binding.keyFile,
    mtu: binding.mtu,
  };
}

function device(config: DeviceConfig): object {
  switch (config.kind) {
    case 'adopted':
      return { adopt: config.name };
    case 'wireguard': {
      const { privateKeyFile, presharedKeyFile, ...rest } = config;
      return { ...rest, 'private-key': privateKeyFile, 'preshared-key': presharedKeyFile };
    }
    case 'xfrm': {
      const { keyFile, ...rest } = config;
      return { ...rest, keys: keyFile };
    }
    default:
      return config;
  }
}

function policies(list: readonly Policy[]) {
  return list.map(({ fid, name, priority, selector, action, otherwise }) => ({
    fid,
    name,
    priority,
    match: {
      mark: selector.mark && formatMark(selector.mark),
      source: addresses(selector.source),
      destination: addresses(selector.destination),
      ...Object.fromEntries(
        RANGE_KEYS.map((key) => {
          const ranges = selector[key];
          return [RANGE_FIELDS[key].word, ranges && oneOrList(formatRanges(key, ranges))];
        }),
      ),
      interface: selector.interface && oneOrList(selector.interface),
      cgroup: selector.cgroup && oneOrList(selector.cgroup),
    },
    ...actionSettings(action),
    otherwise: otherwise === 'next' ? undefined : otherwise,
  }));
}

function actionSettings(action: Action): object {
  switch (action.kind) {
    case 'use':
    case 'copy':
      return { [action.kind]: action.bindings };
    case 'balance':
      return { balance: Object.fromEntries(action.bindings.map(({ bid, weight }) => [bid, weight])) };
    case 'drop':
    case 'bypass':
      return { [action.kind]: true };
  }
}

function addresses(match: AddressMatch | undefined): string | readonly string[] | undefined {
  return match && oneOrList(formatAddressMatch(match));
}

function oneOrList(texts: readonly string[]): string | readonly string[] | undefined {
  return texts.length === 1 ? texts[0] : texts;
}

import type { ExternalConfig, MobileRouterConfig, NamedSet } from './config.js';
import type { YamlDocument } from './document.js';
import {
  defaultExternalDevice,
  defaultSocket,
  type RawExternal,
  type RawHomeAgent,
  type RawMobileRouter,
} from './schema.js';

type CommonKey =
  | 'instance'
  | 'socket'
  | 'bpffs'
  | 'state'
  | 'external'
  | 'sets'
  | 'routing'
  | 'graceTimeMs'
  | 'silenceMs'
  | 'xdp'
  | 'limits';

/** The settings that both roles have. */
export function commonConfig(
  raw: RawMobileRouter | RawHomeAgent,
  sets: readonly NamedSet[],
): Pick<MobileRouterConfig, CommonKey> {
  return {
    instance: raw.instance,
    socket: raw.socket ?? defaultSocket(raw.instance),
    bpffs: raw.bpffs,
    state: raw.state,
    external: raw.external && externalConfig(raw.external),
    sets,
    routing: {
      table: raw.routing.table,
      rulePriority: raw.routing['rule-priority'],
      metric: raw.routing.metric,
      protocol: raw.routing.protocol,
      bypassMark: raw.routing['bypass-mark'],
    },
    graceTimeMs: raw['grace-time'],
    silenceMs: raw.silence,
    xdp: {
      mode: raw.xdp.mode,
      interfaces: Object.entries(raw.xdp.interfaces).map(([name, mode]) => ({ interface: name, mode })),
    },
    limits: raw.limits,
  };
}

function externalConfig({ kind, device, port, vni }: RawExternal): ExternalConfig {
  return { kind, device: device ?? defaultExternalDevice(kind), port, vni };
}

/** Whether the file has an optional section, and whether that is well-formed. */
export function sectionState<Name extends 'external' | 'registration'>(
  name: Name,
  sections: { readonly [Section in Name]?: unknown },
  document: YamlDocument,
): 'present' | 'absent' | 'malformed' {
  if (sections[name] !== undefined) return 'present';
  return Object.hasOwn(document.value as object, name) ? 'malformed' : 'absent';
}

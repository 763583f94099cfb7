import { existsSync } from 'node:fs';
import { BpfMap } from '../libbpf-ts/index.js';
import { CxSetting } from './generated.js';
import type { Instance } from './instance.js';
import { Settings } from './settings.js';

/** What an instance wrote down about itself, for who removes it; 0 = nothing. */
export interface InstanceTrace {
  homeIfindex: number;
  tunnelIfindex: number;
  /** rtnetlink protocol number of its routes and rules. */
  routeProtocol: number;
}

/** Reads the trace from the pinned settings; undefined when the instance has none of this layout. */
export function readTrace(instance: Instance): InstanceTrace | undefined {
  const path = instance.mapPin('cx_settings');
  if (!existsSync(path)) {
    return undefined;
  }
  using map = BpfMap.fromPin(path);
  const settings = new Settings(map);
  return {
    homeIfindex: settings.get(CxSetting.HOME_IFINDEX),
    tunnelIfindex: settings.get(CxSetting.TUNNEL_IFINDEX),
    routeProtocol: settings.get(CxSetting.ROUTE_PROTOCOL),
  };
}

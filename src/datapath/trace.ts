import { existsSync } from 'node:fs';
import { BpfMap } from '../libbpf-ts/index.js';
import { CxSetting } from './generated.js';
import type { Instance } from './instance.js';
import { Settings } from './settings.js';

/**
 * The rtnetlink protocol number of an instance's routes and rules, as it wrote it down for who removes
 * them; undefined when there is nothing of this layout, or nothing was written yet.
 */
export function readRouteProtocol(instance: Instance): number | undefined {
  const path = instance.mapPin('cx_settings');
  if (!existsSync(path)) {
    return undefined;
  }
  using map = BpfMap.fromPin(path);
  return new Settings(map).get(CxSetting.ROUTE_PROTOCOL) || undefined;
}

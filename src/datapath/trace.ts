import { existsSync } from 'node:fs';
import { BpfMap } from '../libbpf-ts/index.js';
import { CxSetting } from './generated.js';
import type { Instance } from './instance.js';
import { Settings } from './settings.js';

/**
 * The rtnetlink protocol number of an instance's routes and rules, as it wrote it down for who removes
 * them, in whatever layout: settings keep their numbers. Undefined when nothing was written yet.
 */
export function readRouteProtocol(instance: Instance): number | undefined {
  const states = [instance, ...instance.others()];
  const path = states.map((state) => state.mapPin('cx_settings')).find(existsSync);
  if (path === undefined) {
    return undefined;
  }
  using map = BpfMap.fromPin(path);
  return new Settings(map).get(CxSetting.ROUTE_PROTOCOL) || undefined;
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Text of a small configuration of a mobile router that is right. */
export function configurationText(options: { socket: string; instance?: string; bid?: number }): string {
  return `role: mobile-router
instance: ${options.instance ?? 'default'}
socket: ${options.socket}
home:
  agent: 2001:db8:ffff::1
  address: 2001:db8:77::1
  prefixes: [2001:db8:1::/64]
ingress:
  - interface: lan0
bindings:
  - bid: ${options.bid ?? 1}
    name: lte-a
    interface: wa
`;
}

/** Writes a configuration into a folder; the socket is beside it. */
export function writeConfiguration(folder: string, options: { instance?: string } = {}) {
  const file = join(folder, 'config.yaml');
  const socket = join(folder, 'a.sock');
  writeFileSync(file, configurationText({ socket, ...options }));
  return { file, socket };
}

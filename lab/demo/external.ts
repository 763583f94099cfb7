// The same policies through one vxlan device at each end.
import type { Check } from './check.js';
import { mobileRouterConfig, ports, registrarConfig } from './config.js';
import { forwarded } from './forwarded.js';

const externalVxlan: Check = {
  name: 'external-vxlan',
  needsController: true,
  run: async (scene) => {
    await scene.ha.reload(registrarConfig('external', scene.key));
    await scene.mr.reload(mobileRouterConfig('external', scene.key));
    await Promise.all([scene.bindingsUsable(scene.mr), scene.bindingsUsable(scene.ha)]);
    const a = await forwarded(scene, ports.a.first, 'a', { tunnel: 'vxlan' });
    const b = await forwarded(scene, ports.b.first, 'b', { tunnel: 'vxlan' });
    return `${a} | ${b}`;
  },
};

export const externalChecks: readonly Check[] = [externalVxlan];

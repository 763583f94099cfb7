// What no router can beat: the generator alone, a bare redirect, and the kernel's forwarding without a tunnel.
import { join } from 'node:path';
import { prefixes } from '../../../lab/topology.js';
import { plainFlows } from '../flows.js';
import type { Contender, Lane, Site } from '../lane.js';
import { attachTc, attachXdp, enterDevice } from '../worker-client.js';
import { untouched } from './expected.js';

const LAN = { node: 'lan', interface: 'eth0' } as const;
const ROUTER = { node: 'mr', interface: 'lan0' } as const;
const ACCESS = { node: 'ra', interface: 'mr0' } as const;
const UPLINK = 'wa';

const flows = plainFlows('anywhere', { sources: [prefixes.mobile] });

const lane = (takesFrames: boolean): Lane => ({
  entry: LAN,
  router: ROUTER,
  exits: [{ ...ACCESS, expected: untouched }],
  flows,
  takesFrames,
});

/** The sink sits where the router would be: what is left is the cost of making and counting packets. */
const generator: Contender = {
  name: 'generator alone',
  setUp: async () => ({ ...lane(true), exits: [{ ...ROUTER, expected: untouched }] }),
};

const bareXdp: Contender = {
  name: 'bare XDP redirect',
  async setUp(site) {
    const mr = site.lab.node('mr');
    const path = await loadRedirect(site);
    await enterDevice(mr, `${path}-out`, { row: 0, interface: UPLINK });
    await attachXdp(mr, { program: `${path}-xdp`, interface: ROUTER.interface });
    return lane(true);
  },
};

const bareTc: Contender = {
  name: 'bare TC redirect',
  async setUp(site) {
    const path = await loadRedirect(site);
    const at = { program: `${path}-tc`, interface: ROUTER.interface, link: `${path}-link` };
    await attachTc(site.lab.node('mr'), at);
    return lane(false);
  },
};

const plainForwarding: Contender = {
  name: 'plain forwarding',
  setUp: async () => lane(false),
};

export const limits: readonly Contender[] = [generator, bareXdp, bareTc, plainForwarding];

async function loadRedirect({ lab, worker }: Site): Promise<string> {
  const path = join(lab.bpffs, 'bench-redirect');
  const { ifindex } = await lab.node('mr').link(UPLINK);
  await worker.ask({ do: 'load-redirect', path, ifindex });
  return path;
}

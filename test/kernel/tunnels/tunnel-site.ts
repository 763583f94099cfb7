// Sites whose tunnels the kernel's devices make, for each way of doing so.
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { DaemonConfig } from '../../../lab/daemon.js';
import type { Uplink } from '../../../lab/lab.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import { makeEspKeys } from '../../../src/keys/index.js';
import { features } from '../../../src/libbpf-ts/index.js';
import { wireguardPublicKey } from '../../../src/netlink/index.js';
import type { Need } from '../../support/kernel-offers.js';
import { homeAgent, mobileRouter } from '../../support/site.js';

/** Kinds of device that bindings have one each of, and those that one is for all. */
export type DeviceKind = 'ip6tnl' | 'ip6gre' | 'vxlan' | 'wireguard' | 'xfrm';
export type ExternalKind = 'external vxlan' | 'external ip6tnl' | 'external xfrm';
export type TunnelWay = DeviceKind | ExternalKind;

interface Facts {
  /** What it needs of the kernel. */
  readonly needs: readonly Need[];
  /** A tcpdump expression for its outer packets. */
  readonly outer: string;
  /** The largest inner packet on links of 1500 bytes. */
  readonly mtu: number;
}

const IP6TNL = { outer: 'ip6 proto 41', mtu: 1460 };
const VXLAN = { needs: ['vxlan'], outer: 'ip6 and udp port 4789', mtu: 1430 } as const;
const ESP = { outer: 'ip6 proto 50', mtu: 1426 };

export const WAYS: Readonly<Record<TunnelWay, Facts>> = {
  ip6tnl: { ...IP6TNL, needs: ['ip6tnl'] },
  ip6gre: { needs: ['ip6gre'], outer: 'ip6 proto 47', mtu: 1456 },
  vxlan: VXLAN,
  wireguard: {
    needs: ['wireguard'],
    outer: 'ip6 and udp and (port 51821 or port 51822)',
    mtu: 1420,
  },
  xfrm: { ...ESP, needs: ['xfrm interface', 'ESP'] },
  'external vxlan': VXLAN,
  'external ip6tnl': { ...IP6TNL, needs: ['external ip6tnl'] },
  'external xfrm': {
    ...ESP,
    needs: [
      'external xfrm interface',
      'ESP',
      () => features.moduleFunction('bpf_skb_set_xfrm_info', 'xfrm_interface'),
    ],
  },
};

/** What a key takes of the inner packet; one of the ip6gre devices has one. */
export const GRE_KEY = 4;

/** Enough for the addresses of a test; a guest takes long to make a state. */
const KEY_PAIRS = 6;

export interface TunnelEnds {
  readonly mr: DaemonConfig;
  readonly ha: DaemonConfig;
  /** What both daemons may do beside what all may. */
  readonly capabilities: readonly string[];
}

/** Both ends with tunnels made in one way; keys are in files that the test removes. */
export function tunnelEnds(t: ExecutionContext, way: TunnelWay, change: DaemonConfig = {}): TunnelEnds {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-keys-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tunnels = { a: bindingSettings(way, folder, 'a'), b: bindingSettings(way, folder, 'b') };
  for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) {
    chownSync(path, DAEMON_USER, DAEMON_USER);
  }
  const withTunnels = (bindings: unknown, end: 'mr' | 'ha'): object[] =>
    (bindings as { name: Uplink }[]).map((binding) => ({ ...binding, ...tunnels[binding.name][end] }));
  const external = isExternal(way) ? { external: { kind: way.replace('external ', '') } } : {};
  const mr = mobileRouter(change);
  const ha = homeAgent(1, change);
  const [router] = ha.routers as { bindings: unknown }[];
  return {
    mr: { ...mr, ...external, bindings: withTunnels(mr.bindings, 'mr') },
    ha: {
      ...ha,
      ...external,
      routers: [{ ...router, bindings: withTunnels(router?.bindings, 'ha') }],
    },
    capabilities: way === 'external xfrm' ? ['sys_admin'] : [],
  };
}

export function isExternal(way: TunnelWay): way is ExternalKind {
  return way.startsWith('external ');
}

function bindingSettings(way: TunnelWay, folder: string, uplink: Uplink): { mr: object; ha: object } {
  const both = (settings: object): { mr: object; ha: object } => ({ mr: settings, ha: settings });
  switch (way) {
    case 'external vxlan':
    case 'external ip6tnl':
      return both({ tunnel: 'external' });
    case 'external xfrm':
      return both({ tunnel: 'external', keys: espKeys(folder, uplink) });
    default: {
      const { mr, ha } = deviceSettings(way, folder, uplink);
      return { mr: { tunnel: 'device', device: mr }, ha: { tunnel: 'device', device: ha } };
    }
  }
}

function deviceSettings(kind: DeviceKind, folder: string, uplink: Uplink): { mr: object; ha: object } {
  switch (kind) {
    case 'ip6tnl':
    case 'vxlan':
      return { mr: { kind }, ha: { kind } };
    case 'ip6gre':
      // One with a key, one without.
      return uplink === 'a' ? { mr: { kind }, ha: { kind } } : { mr: { kind, key: 7 }, ha: { kind, key: 7 } };
    case 'wireguard': {
      const port = uplink === 'a' ? 51_821 : 51_822;
      const [mr, ha] = [wireguardKey(folder, `mr-${uplink}`), wireguardKey(folder, `ha-${uplink}`)];
      const psk = join(folder, `psk-${uplink}`);
      writeFileSync(psk, randomBytes(32).toString('base64'), { mode: 0o600 });
      return {
        mr: { kind, port, 'private-key': mr.file, peer: ha.publicKey, 'preshared-key': psk },
        ha: { kind, port, 'private-key': ha.file, peer: mr.publicKey, 'preshared-key': psk },
      };
    }
    case 'xfrm': {
      const device = { kind, keys: espKeys(folder, uplink) };
      return { mr: device, ha: device };
    }
  }
}

function espKeys(folder: string, uplink: Uplink): string {
  const file = join(folder, `esp-${uplink}`);
  makeEspKeys(file, KEY_PAIRS);
  return file;
}

function wireguardKey(folder: string, name: string): { file: string; publicKey: string } {
  const key = randomBytes(32);
  const file = join(folder, name);
  writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600 });
  return { file, publicKey: wireguardPublicKey(key) };
}

// Sites whose bindings have tunnel devices of their own, for each kind of device.
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { DaemonConfig } from '../../../lab/daemon.js';
import type { Uplink } from '../../../lab/lab.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import { makeEspKeys } from '../../../src/keys/index.js';
import { wireguardPublicKey } from '../../../src/netlink/index.js';
import type { Feature } from '../../support/kernel-offers.js';
import { homeAgent, mobileRouter } from '../../support/site.js';

export type DeviceKind = 'ip6tnl' | 'ip6gre' | 'vxlan' | 'wireguard' | 'xfrm';

/** What a kernel needs for devices of a kind. */
export const NEEDS: Readonly<Record<DeviceKind, readonly Feature[]>> = {
  ip6tnl: ['ip6tnl'],
  ip6gre: ['ip6gre'],
  vxlan: ['vxlan'],
  wireguard: ['wireguard'],
  xfrm: ['xfrm interface', 'ESP'],
};

/** A tcpdump expression for outer packets of a kind. */
export const OUTER: Readonly<Record<DeviceKind, string>> = {
  ip6tnl: 'ip6 proto 41',
  ip6gre: 'ip6 proto 47',
  vxlan: 'ip6 and udp port 4789',
  wireguard: 'ip6 and udp and (port 51821 or port 51822)',
  xfrm: 'ip6 proto 50',
};

/** The largest inner packet on links of 1500 bytes. */
export const INNER_MTU: Readonly<Record<DeviceKind, number>> = {
  ip6tnl: 1460,
  ip6gre: 1456,
  vxlan: 1430,
  wireguard: 1420,
  xfrm: 1426,
};

/** What a key takes of it; one of the ip6gre devices has one. */
export const GRE_KEY = 4;

interface Ends {
  readonly mr: DaemonConfig;
  readonly ha: DaemonConfig;
}

/** Both ends with devices of one kind; keys are in files that the test removes. */
export function deviceEnds(t: ExecutionContext, kind: DeviceKind, change: DaemonConfig = {}): Ends {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-keys-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const devices = { a: deviceSettings(kind, folder, 'a'), b: deviceSettings(kind, folder, 'b') };
  for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) {
    chownSync(path, DAEMON_USER, DAEMON_USER);
  }
  const withDevices = (bindings: unknown, end: 'mr' | 'ha'): object[] =>
    (bindings as { name: Uplink }[]).map((binding) => ({
      ...binding,
      tunnel: 'device',
      device: devices[binding.name][end],
    }));
  const mr = mobileRouter(change);
  const ha = homeAgent(1, change);
  const [router] = ha.routers as { bindings: unknown }[];
  return {
    mr: { ...mr, bindings: withDevices(mr.bindings, 'mr') },
    ha: { ...ha, routers: [{ ...router, bindings: withDevices(router?.bindings, 'ha') }] },
  };
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
      const keys = join(folder, `esp-${uplink}`);
      // Enough for the addresses of a test; a guest takes long to make a state.
      makeEspKeys(keys, 6);
      return { mr: { kind, keys }, ha: { kind, keys } };
    }
  }
}

function wireguardKey(folder: string, name: string): { file: string; publicKey: string } {
  const key = randomBytes(32);
  const file = join(folder, name);
  writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600 });
  return { file, publicKey: wireguardPublicKey(key) };
}

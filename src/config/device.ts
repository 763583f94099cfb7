/** The tunnel device of a binding: which settings go with which kind. */
import type { Path } from './document.js';
import type { Report } from './report.js';
import type { RawDevice } from './schema.js';
import type { DeviceConfig, DeviceKind, TunnelKind } from './tunnel.js';
import { Uniqueness } from './uniqueness.js';

/** The name of a second device, which is there while a care-of address changes. */
export function otherDeviceName(name: string): string {
  return `${name}b`;
}

/** Default of a tunnel device's name. */
export function defaultDeviceName(bid: number): string {
  return `coax-${bid}`;
}

const VXLAN_PORT = 4789;
const WIREGUARD_PORT = 51820;

/** Settings that only some kinds have. */
const BELONGS: Readonly<Partial<Record<keyof RawDevice, readonly DeviceKind[]>>> = {
  key: ['ip6gre'],
  vni: ['vxlan'],
  port: ['vxlan', 'wireguard'],
  peer: ['wireguard'],
  'private-key': ['wireguard'],
  'preshared-key': ['wireguard'],
  keys: ['xfrm'],
};

interface RawDeviceBinding {
  readonly bid: number;
  readonly tunnel: TunnelKind;
  readonly device?: RawDevice | undefined;
}

/**
 * The device of a well-formed binding; undefined where it has none. Of one with problems it is undefined
 * too, after reports where `report` is given.
 * @param path of the binding
 */
export function readDevice(
  { bid, tunnel, device: raw }: RawDeviceBinding,
  path: Path = [],
  report?: Report,
): DeviceConfig | undefined {
  if (tunnel !== 'device') {
    if (raw !== undefined) {
      const hint = "write 'tunnel: device' in this binding, or remove it";
      report?.atKey([...path, 'device'], `tunnel: ${tunnel} has no device of its own`, hint);
    }
    return undefined;
  }
  if (raw === undefined) {
    const hint =
      "add 'device: {kind: ip6tnl}' to the binding, or 'device: {adopt: NAME}' for one that is there";
    report?.at([...path, 'tunnel'], 'tunnel: device needs a device section', hint);
    return undefined;
  }
  const at = [...path, 'device'];
  if ((raw.kind === undefined) === (raw.adopt === undefined)) {
    const message = raw.kind === undefined ? 'kind is missing' : 'a device is either made or adopted';
    report?.atKey(
      at,
      message,
      "write 'kind: KIND' for a device of ours, or 'adopt: NAME' for one that is there",
    );
    return undefined;
  }
  return wrongSettings(raw, at, report) ? undefined : build(raw, bid, at, report);
}

function wrongSettings(raw: RawDevice, at: Path, report: Report | undefined): boolean {
  let wrong = false;
  const refuse = (setting: string, message: string): void => {
    wrong = true;
    report?.atKey([...at, setting], message, 'remove it');
  };
  if (raw.adopt !== undefined && raw.name !== undefined) refuse('name', 'adopt: names the device already');
  for (const [setting, kinds] of Object.entries(BELONGS)) {
    if (raw[setting as keyof RawDevice] === undefined) continue;
    if (raw.kind === undefined) refuse(setting, 'an adopted device has its settings already');
    else if (!kinds.includes(raw.kind)) refuse(setting, `kind: ${raw.kind} has no ${setting}`);
  }
  return wrong;
}

function build(raw: RawDevice, bid: number, at: Path, report: Report | undefined): DeviceConfig | undefined {
  const name = raw.name ?? defaultDeviceName(bid);
  const missing = (setting: string, hint: string): undefined => {
    report?.atKey(at, `kind: ${raw.kind} needs ${setting}`, hint);
  };
  switch (raw.kind) {
    case undefined:
      return { kind: 'adopted', name: raw.adopt ?? name };
    case 'ip6tnl':
      return { kind: raw.kind, name };
    case 'ip6gre':
      return { kind: raw.kind, name, key: raw.key };
    case 'vxlan':
      return { kind: raw.kind, name, vni: raw.vni ?? bid, port: raw.port ?? VXLAN_PORT };
    case 'wireguard': {
      if (raw['private-key'] === undefined)
        return missing('private-key', 'write the path of a file with the key');
      if (raw.peer === undefined) return missing('peer', 'write the public key of the other end');
      return {
        kind: raw.kind,
        name,
        privateKeyFile: raw['private-key'],
        presharedKeyFile: raw['preshared-key'],
        peer: raw.peer,
        port: raw.port ?? WIREGUARD_PORT,
      };
    }
    case 'xfrm':
      if (raw.keys === undefined) return missing('keys', 'write the path of a file with the keys');
      return { kind: raw.kind, name, keyFile: raw.keys };
  }
}

/** What no two bindings of a file share. */
export class DeviceClaims {
  readonly #interfaces: Uniqueness;
  readonly #keyFiles: Uniqueness;
  readonly #identifiers: Uniqueness;
  readonly #ports: Uniqueness | undefined;

  /**
   * @param interfaces names of the file's other interfaces
   * @param isHomeAgent whether WireGuard devices listen at the port of their binding
   */
  constructor(interfaces: Uniqueness, isHomeAgent: boolean, report: Report) {
    this.#interfaces = interfaces;
    this.#keyFiles = new Uniqueness('key file', report);
    this.#identifiers = new Uniqueness('VNI', report);
    this.#ports = isHomeAgent ? new Uniqueness('port', report) : undefined;
  }

  /** Reports what the device of a binding has and another one has already. */
  add(device: DeviceConfig | undefined, path: Path): void {
    if (device === undefined) return;
    const at = [...path, 'device'];
    const hint = 'write another name, each binding has a device of its own';
    this.#interfaces.add(device.name, at, hint);
    if (device.kind !== 'adopted') this.#interfaces.add(otherDeviceName(device.name), at, hint);
    if (device.kind === 'xfrm') {
      this.addKeys(device.keyFile, at);
    } else if (device.kind === 'vxlan') {
      const identifier = `${device.vni} at port ${device.port}`;
      this.#identifiers.add(identifier, at, 'write another vni, it is how packets find their device');
    } else if (device.kind === 'wireguard') {
      this.#ports?.add(device.port, at, 'write another port, each device listens at its own');
    }
  }

  /** Reports the file with keys of a binding that another one has already. */
  addKeys(keyFile: string | undefined, path: Path): void {
    if (keyFile === undefined) return;
    this.#keyFiles.add(keyFile, path, 'write another file, no key may protect two bindings');
  }
}

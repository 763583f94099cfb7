import type { Config, MobileRouterConfig } from '../config/index.js';
import type { Attachment, AttachmentChanges } from '../datapath/index.js';
import { ARPHRD, type Link } from '../netlink/index.js';
import type { Plan } from './plan.js';
import { factsOf } from './policy-facts.js';
import { findLink } from './tunnel-plan.js';

/** What sits where, and which interfaces of the config are not there. */
export interface AttachmentPlan {
  readonly attachments: readonly Attachment[];
  readonly missing: readonly { readonly name: string; readonly role: Attachment['role'] }[];
}

/** The devices of an instance that programs sit on. */
export interface ProgramDevices {
  readonly home: Link;
  readonly peer: Link;
  /** The one device of all external tunnels. */
  readonly tunnel: Link | undefined;
  /** Tunnel devices of single bindings. */
  readonly owned: readonly Link[];
}

/** The TC programs of an instance. */
export function planAttachments(
  config: Config,
  plan: Plan,
  devices: ProgramDevices,
  links: readonly Link[],
): AttachmentPlan {
  const missing: { name: string; role: Attachment['role'] }[] = [];
  const attachments: Attachment[] = [];
  const add = (
    role: Attachment['role'],
    link: Link,
    direction: Attachment['direction'],
    program: string,
  ): void => {
    const { name, ifindex } = link;
    if (!attachments.some((item) => item.role === role && item.ifindex === ifindex)) {
      attachments.push({ role, interface: name, ifindex, direction, program });
    }
  };
  const onDevice = (role: Attachment['role'], link: Link, program: string): void =>
    add(role, link, 'ingress', link.type === ARPHRD.ETHER ? program : `${program}_l3`);
  const onLink = (role: Attachment['role'], name: string, program: string): void => {
    const link = findLink(links, name);
    if (link) {
      onDevice(role, link, program);
    } else {
      missing.push({ name, role });
    }
  };
  add('home', devices.home, 'egress', 'coax_home');
  add('peer', devices.peer, 'ingress', 'coax_peer');
  const onTunnel = (link: Link, program: string): void => {
    if (link.kind === 'xfrm') add('tunnel', link, 'ingress', 'coax_device_xfrm');
    else onDevice('tunnel', link, program);
  };
  if (devices.tunnel) onTunnel(devices.tunnel, 'coax_tunnel');
  for (const link of devices.owned) onTunnel(link, 'coax_device');
  if (config.role === 'mobile-router') {
    for (const name of fastIngress(plan)) {
      onLink('ingress', name, 'coax_ingress');
    }
    for (const name of bypassIngress(config, plan)) {
      onLink('ingress', name, 'coax_bypass');
    }
    for (const binding of config.bindings) {
      onLink('uplink', binding.interface, 'coax_uplink');
    }
  } else {
    for (const name of config.interfaces) {
      onLink('transit', name, 'coax_transit');
    }
  }
  return { attachments, missing };
}

/** Whether packets from a mobile network take the stack from now on that did not before. */
export function goesToStack(changes: AttachmentChanges | undefined): boolean {
  if (changes === undefined) return false;
  const { detached, updated } = changes;
  return (
    detached.some((pin) => pin.startsWith('ingress-')) ||
    updated.some(({ role, program }) => role === 'ingress' && program.startsWith('coax_bypass'))
  );
}

/** Ingress interfaces whose packets need not enter the stack. */
export function fastIngress(plan: Plan): string[] {
  return plan.ingress.filter((item) => item.forwarding === 'fast').map((item) => item.interface);
}

/** Ingress interfaces whose packets take the stack, and some of them by the kernel's own routes. */
function bypassIngress(config: MobileRouterConfig, plan: Plan): string[] {
  const { bypassInterfaces: named } = factsOf(config.policies);
  return plan.ingress
    .filter((item) => item.forwarding === 'stack' && named.has(item.interface))
    .map((item) => item.interface);
}

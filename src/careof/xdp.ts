/** Which interfaces get an XDP program in front of their TC program, and where XDP may send. */
import type { XdpConfig, XdpMode } from '../config/index.js';
import type { Attachment, Port, XdpAttachment } from '../datapath/index.js';
import { watchesEgress } from '../netfilter/index.js';
import { ARPHRD, type Link, type XdpFeatures } from '../netlink/index.js';
import type { Firewall } from './forwarding.js';
import type { Problem } from './problems.js';

/** What decides about XDP and is no part of a snapshot: read by `readXdpFacts`. */
export interface XdpFacts {
  /** By ifindex; undefined where the kernel does not tell (before 6.3). */
  readonly features: ReadonlyMap<number, XdpFeatures> | undefined;
  /** Kinds of the queueing disciplines of a link. */
  readonly qdiscs: ReadonlyMap<number, readonly string[]>;
  /** Links whose packets programs or filters of others look at when they leave. */
  readonly watched: ReadonlySet<number>;
  /** XDP programs of others: link -> id. */
  readonly foreign: ReadonlyMap<number, number>;
  /** Chains of netfilter at a device's egress are among its rules. */
  readonly firewall: Firewall;
}

/** What becomes of an interface. */
export interface XdpPlan {
  readonly interface: string;
  readonly ifindex: number;
  readonly program: string;
  readonly mode: 'native' | 'generic' | 'off';
  /** In words. */
  readonly why: string;
  /** May XDP programs send by it, beside its queue? */
  readonly transmits: boolean;
  readonly whyTransmits: string;
}

/** Queueing disciplines that do nothing a packet would miss: they neither shape nor choose. */
const PLAIN_QDISCS: ReadonlySet<string> = new Set(['noqueue', 'mq', 'pfifo_fast', 'pfifo', 'bfifo']);
/** Where filters hang; what they are is looked at by themselves. */
const HOOK_QDISCS: ReadonlySet<string> = new Set(['clsact', 'ingress']);

/** Programs that there are for XDP too. */
const PROGRAMS: ReadonlySet<string> = new Set(['coax_ingress', 'coax_uplink', 'coax_transit']);

export function xdpModeOf({ mode, interfaces }: XdpConfig, name: string): XdpMode {
  return interfaces.find((item) => item.interface === name)?.mode ?? mode;
}

/**
 * Decides for the interfaces that have a TC program of ours. A setting is followed as far as answers stay right;
 * `auto` takes XDP where it is sure to win: in the driver, where what is lost with it (segments put together, queues)
 * was not there before.
 */
export function planXdp(
  config: XdpConfig,
  attachments: readonly Attachment[],
  links: readonly Link[],
  facts: XdpFacts,
): XdpPlan[] {
  const plans = attachments.flatMap((item): XdpPlan[] => {
    const link = links.find(({ ifindex }) => ifindex === item.ifindex);
    const { role, program } = item;
    if (!link || !(role === 'ingress' || role === 'uplink' || role === 'transit')) return [];
    const setting = xdpModeOf(config, item.interface);
    const shared = attachments.filter((other) => other !== item && other.ifindex === item.ifindex);
    const [mode, why] =
      shared.length > 0
        ? (['off', 'it is ingress interface and uplink at once'] as const)
        : PROGRAMS.has(program)
          ? modeOf(setting, link, links, facts)
          : (['off', 'its packets are looked at by TC alone'] as const);
    const [transmits, whyTransmits] = transmitsOf(setting, link, facts);
    return [
      { interface: item.interface, ifindex: item.ifindex, program, mode, why, transmits, whyTransmits },
    ];
  });
  return plans.map((plan) => {
    if (plan.mode === 'off' || xdpModeOf(config, plan.interface) !== 'auto') return plan;
    const others = plans.filter(({ program, ifindex }) => isGoal(plan, program, ifindex));
    if (others.some(({ transmits }) => transmits)) return plan;
    const [first] = others;
    const reason = first ? `${first.interface}: ${first.whyTransmits}` : 'there is none';
    return { ...plan, mode: 'off', why: `auto, no interface that it could send to (${reason})` };
  });
}

/** Do packets from one interface leave by the other? */
function isGoal(from: XdpPlan, program: string, ifindex: number): boolean {
  if (from.program === 'coax_transit') return true;
  return program !== from.program && ifindex !== from.ifindex;
}

function modeOf(
  setting: XdpMode,
  link: Link,
  links: readonly Link[],
  { features, foreign }: XdpFacts,
): readonly [mode: XdpPlan['mode'], why: string] {
  if (setting === 'off') return ['off', 'set by the configuration'];
  if (link.type !== ARPHRD.ETHER || link.mac === undefined)
    return ['off', 'its packets have no Ethernet header'];
  const vlan = links.find((other) => other.kind === 'vlan' && other.link === link.ifindex);
  // A card that takes the tag off leaves XDP nothing to tell them by.
  if (vlan) return ['off', `packets of its VLAN ${vlan.name} would be taken for its own`];
  const other = foreign.get(link.ifindex);
  if (other !== undefined) return ['off', `the XDP program ${other} of somebody else is there`];
  if (setting !== 'auto') return [setting, 'set by the configuration'];
  if (features === undefined) return ['off', 'auto, the kernel does not tell what its driver does with XDP'];
  if (!features.get(link.ifindex)?.native) return ['off', 'auto, its driver does not run XDP programs'];
  if (link.kind === 'veth') return ['off', 'auto, its other end would lose segmentation offload'];
  return ['native', 'auto, its driver runs XDP programs'];
}

function transmitsOf(
  setting: XdpMode,
  { ifindex, name, type, mac }: Link,
  { features, qdiscs, watched, firewall }: XdpFacts,
): readonly [transmits: boolean, why: string] {
  if (setting === 'off') return [false, 'set by the configuration'];
  if (type !== ARPHRD.ETHER || mac === undefined) return [false, 'its packets have no Ethernet header'];
  if (features !== undefined && !features.get(ifindex)?.transmits)
    return [false, 'its driver takes no packets from XDP now'];
  if (setting !== 'auto') return [true, 'set by the configuration'];
  if (features === undefined) return [false, 'the kernel does not tell what its driver does with XDP'];
  const queue = (qdiscs.get(ifindex) ?? []).find((kind) => !PLAIN_QDISCS.has(kind) && !HOOK_QDISCS.has(kind));
  if (queue) return [false, `packets would not wait in its queue (${queue})`];
  if (watched.has(ifindex)) return [false, 'programs or filters of others look at what leaves'];
  if (firewall instanceof Error)
    return [false, `the rules of netfilter could not be read: ${firewall.message}`];
  if (watchesEgress(firewall, name)) return [false, 'a chain of netfilter looks at what leaves'];
  return [true, 'auto, its driver takes packets from XDP'];
}

/** What the plans make of the interfaces for the datapath. */
export function xdpAttachments(plans: readonly XdpPlan[]): XdpAttachment[] {
  return plans.flatMap(({ interface: name, ifindex, program, mode }) =>
    mode === 'off' ? [] : [{ interface: name, ifindex, program, mode }],
  );
}

/** What XDP programs must know of interfaces: nothing as long as there is none. */
export function xdpPorts(plans: readonly XdpPlan[], links: readonly Link[]): Port[] {
  if (plans.every(({ mode }) => mode === 'off')) return [];
  return plans.flatMap(({ ifindex, transmits }): Port[] => {
    const mac = links.find((link) => link.ifindex === ifindex)?.mac;
    return mac ? [{ ifindex, mac, transmits }] : [];
  });
}

/** Settings that could not be followed. */
export function xdpProblems(config: XdpConfig, plans: readonly XdpPlan[]): Problem[] {
  return plans.flatMap((plan): Problem[] => {
    const setting = xdpModeOf(config, plan.interface);
    if (setting === 'auto' || setting === plan.mode) return [];
    return [{ code: 'XDP_REFUSED', message: `no XDP on ${plan.interface}: ${plan.why}` }];
  });
}

import type { MobileRouterConfig } from '../config/index.js';
import { bypassedPolicies } from '../ipsec/index.js';
import { Prefix } from '../net/index.js';
import {
  bypassedRules,
  formatBypassedRule,
  hasIp6tables,
  type Ruleset,
  readRuleset,
} from '../netfilter/index.js';
import { type InterfaceAddress, type Link, RulesetMonitor } from '../netlink/index.js';
import type { Ipsec } from './ipsec-watch.js';
import type { ForwardingProblem, IngressPlan } from './plan.js';
import { Reading } from './reading.js';

/** All rules of netfilter, or why they could not be read. */
export type Firewall = Ruleset | Error;

/** What of the kernel the way of forwarded packets depends on. */
export interface ForwardingFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly firewall: Firewall;
  readonly ipsec: Ipsec;
}

/** What the fast path would bypass of one kind, or why nobody can say whether there is any. */
interface Finding {
  /** In words, such as `1 rule of netfilter, such as ...`; undefined: nothing. */
  bypassed: string | undefined;
  unknown: string | undefined;
  /** What there may be as long as it is not known. */
  kind: string;
  codes: { bypassed: ForwardingProblem['code']; unknown: ForwardingProblem['code'] };
}

/**
 * Which way the packets of each ingress interface take, and why. `auto` is `stack` as soon as there is a rule of
 * netfilter or an IPsec policy that the fast path would bypass, and as long as nobody can say whether there is one.
 */
export function planIngress(config: MobileRouterConfig, facts: ForwardingFacts): IngressPlan[] {
  return config.ingress.map(({ interface: name, forwarding: setting }): IngressPlan => {
    if (setting === 'stack') {
      return { interface: name, forwarding: 'stack', why: 'set by the configuration', problems: [] };
    }
    if (config.external?.kind === 'xfrm') {
      const why = 'an external xfrm interface needs the route of each packet, which the stack finds';
      return { interface: name, forwarding: 'stack', why: `${setting}, ${why}`, problems: [] };
    }
    const findings = [netfilterFinding(config, name, facts), ipsecFinding(config, name, facts)];
    const forwarding = setting === 'auto' ? chooseFor(name, findings) : keepFast(name, findings);
    return { interface: name, ...forwarding };
  });
}

type Forwarding = Omit<IngressPlan, 'interface'>;

/** What `auto` is. */
function chooseFor(name: string, findings: readonly Finding[]): Forwarding {
  const bypassed = findings.flatMap((one) => one.bypassed ?? []);
  const reasons = [
    ...(bypassed.length > 0 ? [`its packets are seen by ${bypassed.join('; and by ')}`] : []),
    ...findings.flatMap(({ unknown }) => unknown ?? []),
  ];
  if (reasons.length === 0) {
    const why = 'auto, no rule of netfilter and no IPsec policy sees its packets';
    return { forwarding: 'fast', why, problems: [] };
  }
  const problems = findings.flatMap(({ unknown, codes }): ForwardingProblem[] => {
    const message = `packets of ${name} go through the stack, which is slower: ${unknown}`;
    return unknown === undefined ? [] : [{ code: codes.unknown, message }];
  });
  return { forwarding: 'stack', why: `auto, ${reasons.join('; ')}`, problems };
}

/** What `fast` leaves out. */
function keepFast(name: string, findings: readonly Finding[]): Forwarding {
  const bypassed = findings.flatMap((one) => one.bypassed ?? []);
  const problems = findings.flatMap((finding): ForwardingProblem[] => {
    const { unknown, kind, codes } = finding;
    if (unknown !== undefined) {
      const message = `packets of ${name} skip the stack, and with it ${kind} that there may be: ${unknown}`;
      return [{ code: codes.unknown, message }];
    }
    const message = `forwarding: fast of ${name} bypasses ${finding.bypassed}; "coax doctor --config FILE" names them all`;
    return finding.bypassed === undefined ? [] : [{ code: codes.bypassed, message }];
  });
  const what = bypassed.length > 0 ? `, bypasses ${bypassed.join('; and ')}` : '';
  return { forwarding: 'fast', why: `set by the configuration${what}`, problems };
}

function netfilterFinding(
  config: MobileRouterConfig,
  name: string,
  { firewall, links }: ForwardingFacts,
): Finding {
  const codes = { bypassed: 'FIREWALL_BYPASSED', unknown: 'FIREWALL_UNKNOWN' } as const;
  const kind = 'rules';
  if (firewall instanceof Error) {
    const unknown = `the rules of netfilter could not be read: ${firewall.message}`;
    return { bypassed: undefined, unknown, kind, codes };
  }
  const traffic = { ingress: namesOf(name, links), home: config.home.interface };
  const rules = bypassedRules(firewall, traffic);
  const [first] = rules;
  const bypassed =
    first && `${count(rules.length, 'rule', 'rules')} of netfilter, such as ${formatBypassedRule(first)}`;
  return { bypassed, unknown: undefined, kind, codes };
}

function ipsecFinding(
  config: MobileRouterConfig,
  name: string,
  { ipsec, links, addresses }: ForwardingFacts,
): Finding {
  const codes = { bypassed: 'IPSEC_BYPASSED', unknown: 'IPSEC_UNKNOWN' } as const;
  const kind = 'IPsec policies';
  if (ipsec instanceof Error) {
    const unknown = `the IPsec policies could not be read: ${ipsec.message}`;
    return { bypassed: undefined, unknown, kind, codes };
  }
  const { address, prefixes, interface: home } = config.home;
  const policies = bypassedPolicies(ipsec, {
    prefixes: [Prefix.host(address), ...prefixes],
    interfaces: [name, home],
    links,
    addresses,
  });
  const [first] = policies;
  const bypassed = first && `${count(policies.length, 'IPsec policy', 'IPsec policies')}, such as ${first}`;
  return { bypassed, unknown: undefined, kind, codes };
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** An interface as rules name it: never by an alternative name, but by the bridge or VRF it belongs to, too. */
function namesOf(name: string, links: readonly Link[]): string[] {
  const link = links.find((one) => one.name === name || one.altNames.includes(name));
  const master = links.find((one) => one.ifindex === link?.master);
  return [link?.name ?? name, ...(master ? [master.name] : [])];
}

/** Follows the rules of netfilter, off the way of packets: they are read again when the kernel says so. */
export class FirewallWatch implements Disposable {
  readonly #monitor: RulesetMonitor;
  readonly #reading: Reading<Ruleset>;

  /** @param onChange called when other rules have been read */
  constructor(onChange: () => void) {
    this.#reading = new Reading<Ruleset>(() => this.#read(), [], onChange);
    this.#monitor = new RulesetMonitor(() => void this.refresh());
  }

  get firewall(): Firewall {
    return this.#reading.value;
  }

  /** Reads the rules; resolves when they are known, or why they cannot be. Never rejects. */
  async refresh(): Promise<void> {
    await this.#reading.refresh();
  }

  /** Looks at what the kernel does not announce, and tries again what has failed. */
  async audit(): Promise<void> {
    if (this.firewall instanceof Error || hasIp6tables()) {
      await this.refresh();
    }
  }

  [Symbol.dispose](): void {
    this.#reading.stop();
    this.#monitor.stop();
  }

  async #read(): Promise<Ruleset> {
    this.#monitor.start();
    return readRuleset(() => this.#monitor.everChanged());
  }
}

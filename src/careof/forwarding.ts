import type { MobileRouterConfig } from '../config/index.js';
import {
  bypassedRules,
  formatBypassedRule,
  hasIp6tables,
  type Ruleset,
  readRuleset,
} from '../netfilter/index.js';
import { type Link, RulesetMonitor } from '../netlink/index.js';
import type { IngressPlan } from './plan.js';

/** All rules of netfilter, or why they could not be read. */
export type Firewall = Ruleset | Error;

/**
 * Which way the packets of each ingress interface take, and why. `auto` is `stack` as soon as there is a rule
 * that the fast path would bypass, and as long as nobody can say whether there is one.
 */
export function planIngress(
  config: MobileRouterConfig,
  links: readonly Link[],
  firewall: Firewall,
): IngressPlan[] {
  return config.ingress.map((item): IngressPlan => {
    const { interface: name, forwarding: setting } = item;
    if (setting === 'stack') {
      return { interface: name, forwarding: 'stack', why: 'set by the configuration', problem: undefined };
    }
    const auto = setting === 'auto';
    if (firewall instanceof Error) {
      const reason = `the rules of netfilter could not be read: ${firewall.message}`;
      const message = auto
        ? `packets of ${name} go through the stack, which is slower: ${reason}`
        : `packets of ${name} skip the stack, and with it rules that there may be: ${reason}`;
      const why = auto ? `auto, ${reason}` : 'set by the configuration';
      const problem = { code: 'FIREWALL_UNKNOWN', message } as const;
      return { interface: name, forwarding: auto ? 'stack' : 'fast', why, problem };
    }
    const bypassed = bypassedRules(firewall, {
      ingress: namesOf(name, links),
      home: config.home.interface,
    });
    const [first] = bypassed;
    if (!first) {
      const why = auto ? 'auto, no rule of netfilter sees its packets' : 'set by the configuration';
      return { interface: name, forwarding: 'fast', why, problem: undefined };
    }
    const rules = `${countRules(bypassed.length)} of netfilter, such as ${formatBypassedRule(first)}`;
    if (auto) {
      const why = `auto, its packets are seen by ${rules}`;
      return { interface: name, forwarding: 'stack', why, problem: undefined };
    }
    return {
      interface: name,
      forwarding: 'fast',
      why: `set by the configuration, bypasses ${rules}`,
      problem: {
        code: 'FIREWALL_BYPASSED',
        message: `forwarding: fast of ${name} bypasses ${rules}; "coax doctor --config FILE" names them all`,
      },
    };
  });
}

function countRules(count: number): string {
  return count === 1 ? '1 rule' : `${count} rules`;
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
  readonly #onChange: () => void;
  #firewall: Firewall = [];
  #text = '[]';
  #reading: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /** @param onChange called when other rules have been read */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#monitor = new RulesetMonitor(() => void this.refresh());
  }

  get firewall(): Firewall {
    return this.#firewall;
  }

  /**
   * Reads the rules; resolves when they are known, or why they cannot be. What changes meanwhile is read
   * after that. Never rejects.
   */
  async refresh(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Looks at what the kernel does not announce, and tries again what has failed. */
  async audit(): Promise<void> {
    if (this.#firewall instanceof Error || hasIp6tables()) {
      await this.refresh();
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#monitor.stop();
  }

  async #read(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const firewall = await this.#readAll();
      const text = firewall instanceof Error ? firewall.message : JSON.stringify(firewall);
      if (!this.#stopped && text !== this.#text) {
        this.#text = text;
        this.#firewall = firewall;
        this.#onChange();
      }
    }
  }

  async #readAll(): Promise<Firewall> {
    try {
      this.#monitor.start();
      return await readRuleset(() => this.#monitor.everChanged());
    } catch (error) {
      // Whatever it is: as long as the rules are not known there may be some.
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

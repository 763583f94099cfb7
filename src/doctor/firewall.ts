import type { Config } from '../config/index.js';
import { bypassedPolicies, type IpsecPolicies, readIpsecPolicies } from '../ipsec/index.js';
import { Prefix } from '../net/index.js';
import { bypassedRules, formatBypassedRule, type Ruleset, readRuleset } from '../netfilter/index.js';
import { type InterfaceAddress, type Link, RulesetMonitor } from '../netlink/index.js';
import { type Check, ok, reasonText, warn } from './check.js';

/** An interface between which and the home interface packets are forwarded. */
interface ForwardedInterface {
  name: string;
  forwarding: 'auto' | 'fast' | 'stack';
}

/** Which rules of netfilter and which IPsec policies packets would meet in the stack, and whether they do. */
export async function checkFirewall(
  config: Config,
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): Promise<Check[]> {
  const [ruleset, ipsec] = await Promise.all([attempt(readRules), attempt(readIpsecPolicies)]);
  return forwardedInterfaces(config).flatMap((item) => {
    const unread = [
      ...describeUnread(item, 'the rules of netfilter', ruleset, ', with nftables installed'),
      ...describeUnread(item, 'the IPsec policies', ipsec, ''),
    ];
    if (unread.length > 0 && item.forwarding === 'stack') {
      return [ok(`firewall on ${item.name}`, 'stack: its packets meet whatever there is')];
    }
    const rules = ruleset instanceof Error ? [] : rulesBypassed(item, ruleset, config.home.interface, links);
    const policies = ipsec instanceof Error ? [] : policiesBypassed(item, ipsec, config, links, addresses);
    // Of what could not be read nobody says that there is none.
    const silent = unread.length > 0 && rules.length + policies.length === 0;
    return [...unread, ...(silent ? [] : describeFirewall(item, rules, policies))];
  });
}

async function attempt<T>(read: () => Promise<T>): Promise<T | Error> {
  try {
    return await read();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function readRules(): Promise<Ruleset> {
  using monitor = new RulesetMonitor(() => undefined);
  monitor.start();
  return await readRuleset(() => monitor.everChanged());
}

function describeUnread(
  { name, forwarding }: ForwardedInterface,
  what: string,
  read: unknown,
  needs: string,
): Check[] {
  if (!(read instanceof Error)) return [];
  const reason = `${what} could not be read: ${reasonText(read)}`;
  const found = forwarding === 'auto' ? `${reason}; auto then means stack` : reason;
  return [warn(`firewall on ${name}`, found, `run \`coax doctor\` as root${needs}`)];
}

function forwardedInterfaces(config: Config): ForwardedInterface[] {
  return config.role === 'mobile-router'
    ? config.ingress.map(({ interface: name, forwarding }) => ({ name, forwarding }))
    : config.interfaces.map((name) => ({ name, forwarding: 'fast' }));
}

/** The rules of netfilter that the fast path of an interface bypasses, in words. */
export function rulesBypassed(
  { name }: ForwardedInterface,
  ruleset: Ruleset,
  home: string,
  links: readonly Link[],
): string[] {
  const link = links.find((one) => one.name === name || one.altNames.includes(name));
  const master = links.find((one) => one.ifindex === link?.master);
  const ingress = [link?.name ?? name, ...(master ? [master.name] : [])];
  return bypassedRules(ruleset, { ingress, home }).map(formatBypassedRule);
}

function policiesBypassed(
  { name }: ForwardedInterface,
  ipsec: IpsecPolicies,
  config: Config,
  links: readonly Link[],
  addresses: readonly InterfaceAddress[],
): string[] {
  const routers = config.role === 'mobile-router' ? [config.home] : config.routers;
  const prefixes = routers.flatMap((router) => [Prefix.host(router.address), ...router.prefixes]);
  const interfaces = [name, config.home.interface];
  return bypassedPolicies(ipsec, { prefixes, interfaces, links, addresses }).map(
    (policy) => `IPsec policy ${policy}`,
  );
}

/** What netfilter and IPsec have to do with one interface: a line for the whole, or one for each rule and policy. */
export function describeFirewall(
  { name, forwarding }: ForwardedInterface,
  rules: readonly string[],
  policies: readonly string[],
): Check[] {
  const title = `firewall on ${name}`;
  const bypassed = [...rules, ...policies];
  const auto = bypassed.length === 0 ? 'fast' : 'stack';
  if (bypassed.length === 0) {
    const chosen = forwarding === 'auto' ? 'auto means fast' : `${forwarding}, auto would mean fast`;
    return [ok(title, `${chosen}: no rule of netfilter and no IPsec policy sees its packets`)];
  }
  if (forwarding === 'fast') {
    return bypassed.map((one) =>
      warn(title, `fast bypasses ${one}`, 'set forwarding: auto or stack, unless that is meant'),
    );
  }
  const chosen = forwarding === 'auto' ? `auto means ${auto}` : `stack, auto would mean ${auto}`;
  return bypassed.map((one) => ok(title, `${chosen}: fast would bypass ${one}`));
}

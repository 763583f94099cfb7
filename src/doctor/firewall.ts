import type { Config } from '../config/index.js';
import { bypassedRules, formatBypassedRule, type Ruleset, readRuleset } from '../netfilter/index.js';
import type { Link } from '../netlink/index.js';
import { type Check, ok, reasonText, warn } from './check.js';

/** An interface between which and the home interface packets are forwarded. */
interface ForwardedInterface {
  name: string;
  forwarding: 'auto' | 'fast' | 'stack';
}

/** Which rules of netfilter packets would meet in the stack, and whether they do. */
export async function checkFirewall(config: Config, links: readonly Link[]): Promise<Check[]> {
  const interfaces = forwardedInterfaces(config);
  try {
    const { RulesetMonitor } = await import('../netlink/index.js');
    using monitor = new RulesetMonitor(() => undefined);
    monitor.start();
    const ruleset = await readRuleset(() => monitor.everChanged());
    return interfaces.flatMap((item) => describeFirewall(item, ruleset, config.home.interface, links));
  } catch (error) {
    const reason = `the rules of netfilter could not be read: ${reasonText(error)}`;
    return interfaces.map(({ name, forwarding }) =>
      forwarding === 'stack'
        ? ok(`firewall on ${name}`, 'stack: its packets meet whatever rules there are')
        : warn(
            `firewall on ${name}`,
            forwarding === 'auto' ? `${reason}; auto then means stack` : reason,
            'run `coax doctor` as root, with nftables installed',
          ),
    );
  }
}

function forwardedInterfaces(config: Config): ForwardedInterface[] {
  return config.role === 'mobile-router'
    ? config.ingress.map(({ interface: name, forwarding }) => ({ name, forwarding }))
    : config.interfaces.map((name) => ({ name, forwarding: 'fast' }));
}

/** What netfilter has to do with one interface: a line for the whole, and one for each rule. */
export function describeFirewall(
  { name, forwarding }: ForwardedInterface,
  ruleset: Ruleset,
  home: string,
  links: readonly Link[],
): Check[] {
  const title = `firewall on ${name}`;
  const link = links.find((one) => one.name === name || one.altNames.includes(name));
  const master = links.find((one) => one.ifindex === link?.master);
  const ingress = [link?.name ?? name, ...(master ? [master.name] : [])];
  const rules = bypassedRules(ruleset, { ingress, home }).map(formatBypassedRule);
  const auto = rules.length === 0 ? 'fast' : 'stack';
  if (rules.length === 0) {
    const chosen = forwarding === 'auto' ? 'auto means fast' : `${forwarding}, auto would mean fast`;
    return [ok(title, `${chosen}: no rule of netfilter sees its packets`)];
  }
  if (forwarding === 'fast') {
    return rules.map((rule) =>
      warn(title, `fast bypasses ${rule}`, 'set forwarding: auto or stack, unless that is meant'),
    );
  }
  const chosen = forwarding === 'auto' ? `auto means ${auto}` : `stack, auto would mean ${auto}`;
  return rules.map((rule) => ok(title, `${chosen}: fast would bypass ${rule}`));
}

import type { Config } from '../config/index.js';
import type { InterfaceAddress, Link, Netlink, Route, Rule } from '../netlink/index.js';
import { type Check, fail, ok, reasonText, warn } from './check.js';

/** Whether the home agent can be reached, or, on a home agent, whether its address is here. */
export async function checkHomeAgent(
  config: Config,
  netlink: Netlink,
  addresses: readonly InterfaceAddress[],
  links: readonly Link[],
): Promise<Check> {
  const name = 'home agent';
  const { agent } = config.home;
  const own = addresses.find((one) => one.address.equals(agent));
  if (config.role === 'home-agent') {
    if (own !== undefined) return ok(name, `${agent} is an address of ${linkName(links, own.ifindex)}`);
    return fail(
      name,
      `${agent} is not an address of this machine`,
      `ip addr add ${agent}/64 dev INTERFACE, or correct home.agent`,
    );
  }
  if (own !== undefined) {
    return fail(name, `${agent} is an address of this machine`, 'home.agent is the address of the other end');
  }
  try {
    const route = await netlink.getRoute({ destination: agent });
    if (route.type !== 'unicast') throw new Error(`the route to it is ${route.type}`);
    if (linkName(links, route.ifindex) === config.home.interface) {
      return ok(name, `${agent} by way of the bindings, which are up`);
    }
    const via = route.gateway === undefined ? 'on-link' : `via ${route.gateway}`;
    return ok(name, `${agent} ${via} on ${linkName(links, route.ifindex)}`);
  } catch (error) {
    return fail(
      name,
      `${agent} is not routable: ${reasonText(error)}`,
      'an uplink needs a default route, from advertisements or by hand; the daemon waits for one',
    );
  }
}

/** Whether the numbers that our rules and tables take are free. */
export function checkNumbers(config: Config, rules: readonly Rule[], routes: readonly Route[]): Check[] {
  const { rulePriority, protocol, table } = config.routing;
  const foreign = rules.filter((rule) => rule.priority === rulePriority && rule.protocol !== protocol);
  const before = rules.filter(
    (rule) => rule.priority < rulePriority && rule.priority !== 0 && rule.protocol !== protocol,
  );
  const checks: Check[] = [];
  if (foreign.length > 0) {
    checks.push(
      warn(
        'rule priority',
        `another rule has priority ${rulePriority} too: ${describeRule(foreign[0])}`,
        'set routing.rule-priority to a free one',
      ),
    );
  } else if (before.length > 0) {
    checks.push(
      warn(
        'rule priority',
        `rules of others come before ours (${rulePriority}), such as ${describeRule(before[0])}`,
        'make sure they do not catch packets from a care-of address, or lower routing.rule-priority',
      ),
    );
  } else {
    checks.push(ok('rule priority', `${rulePriority} is free, nothing comes before it`));
  }
  const tables = tablesOf(config);
  const taken = routes.find((route) => tables.includes(route.table) && route.protocol !== protocol);
  checks.push(
    taken === undefined
      ? ok(
          'routing tables',
          tables.length === 0 ? `${table} and up, as bindings appear` : `${tables.join(', ')} free`,
        )
      : warn(
          'routing tables',
          `table ${taken.table} has routes of others (${taken.destination})`,
          'set routing.table so that table + BID is free for every binding',
        ),
  );
  return checks;
}

/** Whether the name of the home interface is free or already ours. */
export function checkHomeInterface(config: Config, links: readonly Link[]): Check {
  const wanted = config.home.interface;
  const link = links.find((one) => one.name === wanted);
  if (link === undefined) return ok('home interface', `${wanted} will be made`);
  if (link.kind === 'veth') return ok('home interface', `${wanted} is there already (veth)`);
  return fail(
    'home interface',
    `${wanted} exists and is ${link.kind ?? 'a physical interface'}`,
    'give home.interface another name',
  );
}

function tablesOf(config: Config): number[] {
  if (config.role === 'home-agent') return [];
  return config.bindings.map((binding) => config.routing.table + binding.bid);
}

function describeRule(rule: Rule | undefined): string {
  if (rule === undefined) return '';
  const from = rule.source === undefined ? 'all' : String(rule.source);
  return `${rule.priority}: from ${from} ${rule.action === 'table' ? `lookup ${rule.table}` : rule.action}`;
}

function linkName(links: readonly Link[], ifindex: number | undefined): string {
  return links.find((link) => link.ifindex === ifindex)?.name ?? `interface ${ifindex}`;
}

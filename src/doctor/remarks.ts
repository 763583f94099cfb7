import { readFileSync } from 'node:fs';
import type { Config } from '../config/index.js';
import { checkHomeAgent } from './routing.js';

/** Something that a configuration names and this machine does not have. */
export interface Remark {
  /** Steps from the top of the file to the setting. */
  path: (string | number)[];
  message: string;
  hint: string;
}

/** Interfaces that are not here, a home agent that cannot be reached. Needs no root. */
export async function remarksHere(config: Config): Promise<Remark[]> {
  const here = interfaceNames();
  const remarks: Remark[] = [];
  const look = (name: string, path: (string | number)[]): void => {
    if (!here.has(name)) {
      remarks.push({
        path,
        message: `there is no interface ${name} on this machine`,
        hint: 'create it, plug it in or correct its name; the daemon waits for it',
      });
    }
  };
  if (config.role === 'mobile-router') {
    for (const [at, item] of config.ingress.entries()) look(item.interface, ['ingress', at, 'interface']);
    for (const [at, item] of config.bindings.entries()) look(item.interface, ['bindings', at, 'interface']);
  } else {
    for (const [at, name] of config.interfaces.entries()) look(name, ['interfaces', at]);
  }
  const unreachable = await homeAgentRemark(config);
  return unreachable ? [unreachable, ...remarks] : remarks;
}

async function homeAgentRemark(config: Config): Promise<Remark | undefined> {
  try {
    const { Netlink } = await import('../netlink/index.js');
    using netlink = Netlink.open();
    const [addresses, links] = [await netlink.dumpAddresses(), await netlink.dumpLinks()];
    const check = await checkHomeAgent(config, netlink, addresses, links);
    return check.verdict === 'ok'
      ? undefined
      : { path: ['home', 'agent'], message: check.found, hint: check.advice };
  } catch {
    // Where netlink or the addon cannot be used the file can still be checked.
    return undefined;
  }
}

function interfaceNames(): Set<string> {
  const lines = readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2);
  return new Set(lines.map((line) => line.split(':')[0]?.trim() ?? ''));
}

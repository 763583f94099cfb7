import type { Chain, InterfaceMatch, Rule, Ruleset, Touch } from './ruleset.js';
import { isTrackingMatch, touchesOfTarget } from './statement.js';

/** Hooks by the chain that is entered there. */
const HOOKS: Readonly<Record<string, string>> = {
  PREROUTING: 'prerouting',
  FORWARD: 'forward',
  POSTROUTING: 'postrouting',
  INPUT: 'input',
  OUTPUT: 'output',
};

/**
 * Reads `ip6tables-save`: the rules of the kernel's older tables, which `nft` does not list. The handle of a
 * rule is its number in its chain.
 */
export function parseIp6tables(text: string): Ruleset {
  const chains = new Map<string, Chain>();
  let table = '';
  for (const line of text.split('\n')) {
    const [, name] = /^\*(\S+)/.exec(line) ?? [];
    const [, declared, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    const [, target, words] = /^(?:\[\S+\] )?-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      table = name;
    } else if (declared !== undefined) {
      const hook = HOOKS[declared];
      chains.set(`${table} ${declared}`, {
        family: 'ip6',
        table,
        name: declared,
        hook: hook === undefined ? undefined : hookAt(hook, policy),
        rules: [],
      });
    } else if (target !== undefined) {
      const chain = chains.get(`${table} ${target}`);
      const own = [...chains.values()].filter((one) => one.table === table && !one.hook);
      chain?.rules.push(readRule(words ?? '', chain.rules.length + 1, new Set(own.map((one) => one.name))));
    }
  }
  return [...chains.values()];
}

function hookAt(name: string, policy: string | undefined): Chain['hook'] {
  return { name, policy: policy === 'DROP' ? 'drop' : 'accept', devices: undefined };
}

function readRule(text: string, handle: number, chains: ReadonlySet<string>): Rule {
  const words = text.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  const interfaces: InterfaceMatch[] = [];
  const touches = new Set<Touch>();
  const calls: string[] = [];
  for (const [at, word] of words.entries()) {
    const value = words[at + 1] ?? '';
    if (word === '-i' || word === '-o') {
      const name = value.endsWith('+') ? `${value.slice(0, -1)}*` : value;
      interfaces.push({
        direction: word === '-i' ? 'in' : 'out',
        names: [name],
        negated: words[at - 1] === '!',
      });
    } else if (word === '-m' && isTrackingMatch(value)) {
      touches.add('tracks');
    } else if (word === '-j' || word === '-g') {
      if (chains.has(value)) {
        calls.push(value);
      } else {
        for (const touch of touchesOfTarget(value)) {
          touches.add(touch);
        }
      }
    }
  }
  return { handle, text, interfaces, calls, touches: [...touches] };
}

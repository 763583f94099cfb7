import type { Config } from './config.js';
import type { ConfigProblem } from './config-error.js';
import type { Path } from './document.js';
import type { Places } from './places.js';

/** Problems with what a policy can say and the programs in the kernel cannot carry out yet. */
export function unbuiltPolicies(config: Config, places: Places): ConfigProblem[] {
  const lists =
    config.role === 'mobile-router'
      ? [{ policies: config.policies, path: ['policies'] as Path }]
      : config.routers.map(({ policies }, at) => ({ policies, path: ['routers', at, 'policies'] as Path }));
  return lists.flatMap(({ policies, path }) =>
    policies.flatMap(({ name, action, selector }): ConfigProblem[] => {
      const refuse = (message: string, hint: string): ConfigProblem[] => [
        places.problemAt(path, `policy ${name}: ${message}`, hint),
      ];
      if (action.kind === 'copy') return refuse('copy is not carried out yet', 'write use: or balance:');
      if (action.kind === 'bypass' && (selector.cgroup !== undefined || config.role === 'home-agent')) {
        return refuse(
          'bypass is carried out for forwarded packets of a mobile router only, so far',
          'match on interface:, or leave the policy out',
        );
      }
      return [];
    }),
  );
}

import type { Config } from './config.js';
import type { ConfigProblem } from './config-error.js';
import type { Places } from './places.js';
import { placeOfPolicy } from './policies.js';

/** Problems with what a policy can say and the programs in the kernel cannot carry out yet. */
export function unbuiltPolicies(config: Config, places: Places): ConfigProblem[] {
  const routers = config.role === 'mobile-router' ? [config] : config.routers;
  return routers.flatMap(({ policies }) =>
    policies.flatMap((policy): ConfigProblem[] => {
      const { name, action, selector } = policy;
      const refuse = (message: string, hint: string): ConfigProblem[] => [
        places.problemAt(placeOfPolicy(policy) ?? [], `policy ${name}: ${message}`, hint),
      ];
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

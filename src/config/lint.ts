import { formatAction, type LintFinding, lintPolicies, type Policy } from '../policy/index.js';
import type { Config, HomeAgentBinding, MobileRouterBinding } from './config.js';
import type { ConfigProblem } from './config-error.js';
import { loadConfigWithPlaces } from './load.js';
import { placeOfPolicy } from './policies.js';

/** What is remarkable about one policy of a file, at the place where the policy stands. */
export interface LintRemark extends ConfigProblem {
  readonly kind: LintFinding['kind'];
  /** Name of the router; null on a mobile router. */
  readonly router: string | null;
  readonly fid: number;
  readonly name: string;
  /** The policies that decide instead, in the order in which they are asked. */
  readonly by: readonly { readonly fid: number; readonly name: string }[];
}

/** What `coax policies lint` says about a file. */
export interface LintReport {
  readonly file: string;
  /** No policy is hidden by others and none is there twice; notes do not count. */
  readonly ok: boolean;
  /** Policies of all routers. */
  readonly policies: number;
  readonly findings: readonly LintRemark[];
}

/**
 * Looks for policies in a configuration file that never decide.
 * @throws ConfigError when the file is not right in itself
 */
export async function lintConfigFile(file: string): Promise<LintReport> {
  const { config, places } = await loadConfigWithPlaces(file);
  let policies = 0;
  const findings: LintRemark[] = [];
  for (const router of routersOf(config)) {
    policies += router.policies.length;
    const nameOf = (bid: number): string =>
      router.bindings.find((binding) => binding.bid === bid)?.name ?? String(bid);
    for (const finding of lintPolicies(router.policies, { interfaces: interfacesOf(config) })) {
      const { kind, policy, by } = finding;
      const [message, hint] = describe(finding, nameOf);
      findings.push({
        kind,
        router: router.name,
        fid: policy.fid,
        name: policy.name,
        by: by.map(({ fid, name }) => ({ fid, name })),
        ...places.problemAt(placeOfPolicy(policy) ?? [], message, hint),
      });
    }
  }
  const wrong = findings.some(({ kind }) => kind === 'hidden' || kind === 'equal');
  return { file, ok: !wrong, policies, findings };
}

interface LintedRouter {
  readonly name: string | null;
  readonly policies: readonly Policy[];
  readonly bindings: readonly (MobileRouterBinding | HomeAgentBinding)[];
}

function routersOf(config: Config): readonly LintedRouter[] {
  return config.role === 'home-agent' ? config.routers : [{ ...config, name: null }];
}

function interfacesOf(config: Config): readonly string[] {
  return config.role === 'home-agent' ? config.interfaces : config.ingress.map((one) => one.interface);
}

const MOST_NAMES = 8;

function describe(
  { kind, policy, by }: LintFinding,
  nameOf: (bid: number) => string,
): [message: string, hint: string] {
  const names = by.slice(0, MOST_NAMES).map((one) => `${one.name} (${formatAction(one, nameOf)})`);
  const more = by.length > MOST_NAMES ? ` and ${by.length - MOST_NAMES} more` : '';
  const others = `${by.length === 1 ? 'policy' : 'policies'} ${names.join(', ')}${more}`;
  const first = by[0]?.priority ?? 0;
  switch (kind) {
    case 'equal':
      return [
        `policy ${policy.name} is the same as ${others} and never decides`,
        'remove one of the two, or change its match',
      ];
    case 'hidden':
      return by.length === 0
        ? [`policy ${policy.name} matches no packet that there is`, 'remove it, or change its match']
        : [
            `policy ${policy.name} never decides: ${others} ${by.length === 1 ? 'matches' : 'together match'} all that it does`,
            first > 1
              ? `remove it, narrow what is above it, or give it a smaller priority than ${first}`
              : 'remove it, or narrow what is above it',
          ];
    case 'standby':
      return [
        `note: policy ${policy.name} decides only while ${others} ${by.length === 1 ? 'has' : 'have'} no usable binding`,
        'nothing is wrong if that is meant',
      ];
    case 'undecided':
      return [
        `note: not decided whether policy ${policy.name} can match, too many policies above it overlap`,
        'join some of the policies above it by lists or sets',
      ];
  }
}

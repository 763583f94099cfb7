/**
 * What may bypass: the packets of which the answer is known before the kernel looks up their route. For
 * forwarded traffic that is all but the mark, for local traffic the cgroup of the socket (docs/policies.md).
 */
import { ANY, canMatchSame, isAlwaysActive, type Policy, type Selector } from '../policy/index.js';
import type { Path } from './document.js';
import type { Report } from './report.js';

/** Reports `bypass` policies whose answer would not be known in time; the policies are in order. */
export function checkBypasses(
  policies: readonly Policy[],
  role: 'mobile-router' | 'home-agent',
  placeOf: (policy: Policy) => Path,
  report: Report,
): void {
  for (const [position, policy] of policies.entries()) {
    if (policy.action.kind !== 'bypass') continue;
    if (role === 'home-agent') {
      report.atKey(
        [...placeOf(policy), 'bypass'],
        'a home agent has no other way to a mobile router than ours, so that nothing can bypass',
        'write drop:, or which bindings carry it',
      );
      continue;
    }
    const match = [...placeOf(policy), 'match'];
    const { selector } = policy;
    if (selector.mark !== undefined) {
      report.atKey(
        [...match, 'mark'],
        'a mark is not known before routing, so that it cannot say what bypasses',
        'remove the mark; name the interface or the cgroup',
      );
      continue;
    }
    // Both together can never match, which is reported already.
    if (selector.interface !== undefined && selector.cgroup !== undefined) continue;
    if (selector.interface === undefined && selector.cgroup === undefined) {
      report.atKey(
        [...placeOf(policy), 'bypass'],
        'this policy could match local traffic, of which only the cgroup is known before routing',
        'add interface: (for forwarded traffic) or cgroup: (for local traffic) to match',
      );
      continue;
    }
    const local = selector.cgroup !== undefined;
    if (local) {
      const other = fieldsOf(selector).find((field) => field !== 'cgroup');
      if (other !== undefined) {
        report.at(
          match,
          `of local traffic only the cgroup is known before routing, and this policy asks for more (${other})`,
          'match on cgroup: alone',
        );
        continue;
      }
    }
    const before = policies.slice(0, position).find((above) => decidesTooLate(above, policy, local));
    if (before !== undefined) {
      report.at(
        placeOf(policy),
        `policy ${before.name} is asked before this one, can match the same packets, and ${
          local ? 'is not decided before routing' : 'its mark is not known before routing'
        }`,
        `give this policy a smaller priority than ${before.priority}, or narrow one of the two`,
      );
    }
  }
}

/** Whether a policy with a higher rank leaves it open, until after routing, which of the two decides. */
function decidesTooLate(above: Policy, bypass: Policy, local: boolean): boolean {
  if (!canMatchSame(above.selector, bypass.selector)) return false;
  if (!local) return above.selector.mark !== undefined;
  const onlyCgroup = fieldsOf(above.selector).every((field) => field === 'cgroup');
  return !(onlyCgroup && isAlwaysActive(above));
}

function fieldsOf(selector: Selector): (keyof Selector)[] {
  return (Object.keys(ANY) as (keyof Selector)[]).filter((field) => selector[field] !== undefined);
}

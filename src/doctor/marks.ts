import type { Config } from '../config/index.js';
import { readRuleset } from '../netfilter/index.js';
import type { Rule } from '../netlink/index.js';
import { type Check, ok, reasonText, warn } from './check.js';

/** A mark, or what becomes of one: the bits of `mask` are `value`. */
interface Mark {
  value: number;
  mask: number;
}

interface MarkedPolicy {
  name: string;
  mark: Mark;
}

const U32 = 0xffff_ffff;
const NAME = 'marks';

/** The policies that ask for a mark, of all routers. */
function markedPolicies(config: Config): MarkedPolicy[] {
  const policies =
    config.role === 'mobile-router'
      ? config.policies
      : config.routers.flatMap((router) => [...router.policies]);
  return policies.flatMap(({ name, selector: { mark } }) => (mark ? [{ name, mark }] : []));
}

/** Whether somebody else gives the bits of a mark that policies look at another meaning. */
export async function checkMarks(config: Config, rules: readonly Rule[]): Promise<Check[]> {
  const policies = markedPolicies(config);
  if (policies.length === 0) {
    return [];
  }
  const collisions = ruleCollisions(policies, rules, config.routing.protocol);
  let unread: Check[] = [];
  try {
    const { RulesetMonitor } = await import('../netlink/index.js');
    using monitor = new RulesetMonitor(() => undefined);
    monitor.start();
    for (const chain of await readRuleset(() => monitor.everChanged())) {
      collisions.push(...chain.rules.flatMap(({ text }) => netfilterCollision(policies, text) ?? []));
    }
  } catch (error) {
    unread = [
      warn(
        NAME,
        `the rules of netfilter could not be read: ${reasonText(error)}`,
        'run `coax doctor` as root',
      ),
    ];
  }
  const found = collisions.map(({ found, advice }) => warn(NAME, found, advice));
  const bits = policies.map(({ name, mark }) => `${name} ${formatMark(mark)}`).join(', ');
  return found.length + unread.length > 0
    ? [...found, ...unread]
    : [ok(NAME, `nobody else uses the bits of ${bits}`)];
}

interface Collision {
  found: string;
  advice: string;
}

/** Routing rules of others that look at the bits of a policy's mark (VPN daemons, multi-WAN scripts). */
export function ruleCollisions(
  policies: readonly MarkedPolicy[],
  rules: readonly Rule[],
  ownProtocol: number,
): Collision[] {
  return rules.flatMap(({ fwmark, fwmask, priority, protocol }) => {
    const rule = { value: fwmark ?? 0, mask: fwmask ?? 0 };
    const policy = policies.find(({ mark }) => (mark.mask & rule.mask) !== 0);
    return policy === undefined || protocol === ownProtocol
      ? []
      : [
          {
            found: `ip rule ${priority} looks at fwmark ${formatMark(rule)}, policy ${policy.name} at ${formatMark(policy.mark)}: bits in common`,
            advice: 'give one of them a mask of bits that the other does not use',
          },
        ];
  });
}

/** A rule of netfilter that writes into the bits of a policy's mark what no policy asks for. */
export function netfilterCollision(policies: readonly MarkedPolicy[], text: string): Collision | undefined {
  const set = markThatIsSet(text);
  const touched = set && policies.find(({ mark }) => (mark.mask & set.mask) !== 0);
  const wanted =
    set &&
    policies.some(
      ({ mark }) => (mark.mask & ~set.mask) === 0 && (set.value & mark.mask) >>> 0 === mark.value,
    );
  return !touched || wanted
    ? undefined
    : {
        found: `a rule of netfilter writes ${formatMark(set)}, which policy ${touched.name} (${formatMark(touched.mark)}) looks into and no policy asks for: ${text}`,
        advice: 'let it leave the bits of the policies alone, or give the policies others',
      };
}

const NUMBER = '(0x[0-9a-f]+|\\d+)';
const NFT_WHOLE = new RegExp(`\\bmeta mark set ${NUMBER}(?=\\s|$)`, 'i');
const NFT_PART = new RegExp(
  `\\bmeta mark set (?:meta )?mark (?:(?:&|and) ${NUMBER} ?)?(?:(?:\\||or|\\^|xor) ${NUMBER})?`,
  'i',
);
const IP6TABLES = new RegExp(`--set-x?mark ${NUMBER}(?:/${NUMBER})?`, 'i');

/** What a rule's text says of the packet's mark; undefined when it sets none, or one that is not written there. */
function markThatIsSet(text: string): Mark | undefined {
  const older = IP6TABLES.exec(text);
  if (older) {
    const mask = older[2] === undefined ? U32 : Number(older[2]);
    return { value: (Number(older[1]) & mask) >>> 0, mask };
  }
  const whole = NFT_WHOLE.exec(text);
  if (whole) {
    return { value: Number(whole[1]), mask: U32 };
  }
  const part = NFT_PART.exec(text);
  if (part === null || (part[1] ?? part[2]) === undefined) {
    return undefined;
  }
  const value = Number(part[2] ?? 0);
  const cleared = part[1] === undefined ? 0 : ~Number(part[1]);
  return { value, mask: (cleared | value) >>> 0 };
}

function formatMark({ value, mask }: Mark): string {
  const hex = (number: number) => `0x${number.toString(16)}`;
  return mask === U32 ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

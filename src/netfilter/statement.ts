import * as z from 'zod';
import type { InterfaceMatch, Rule, Touch } from './ruleset.js';

/** A statement of a rule: one key, its name, and what belongs to it (libnftables-json(5)). */
export const statementSchema = z.record(z.string(), z.unknown());

type Statement = z.output<typeof statementSchema>;

/** Statements after which a packet is what it was before. */
const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'return',
  'continue',
  'counter',
  'limit',
  'quota',
  'last',
  'comment',
]);

const TOUCHES: Readonly<Record<string, Touch>> = {
  drop: 'drops',
  reject: 'drops',
  queue: 'drops',
  dnat: 'translates',
  snat: 'translates',
  masquerade: 'translates',
  redirect: 'translates',
  tproxy: 'translates',
  notrack: 'tracks',
  flow: 'tracks',
  synproxy: 'tracks',
  'ct helper': 'tracks',
  'ct timeout': 'tracks',
  'ct expectation': 'tracks',
  'ct count': 'tracks',
};

/** Marks of a packet that the policies themselves can ask for, and tracing. */
const OWN_KEYS: ReadonlySet<string> = new Set(['mark', 'nftrace']);

/** Matches of iptables that look at a connection, not at a packet. */
const TRACKING_MATCHES: ReadonlySet<string> = new Set([
  'connbytes',
  'connlabel',
  'connlimit',
  'connmark',
  'conntrack',
  'helper',
  'state',
]);

const matchSchema = z.object({ op: z.string(), left: z.unknown(), right: z.unknown() });
const metaSchema = z.object({ meta: z.object({ key: z.string() }) });
const payloadSchema = z.object({ payload: z.object({ protocol: z.string() }) });
const jumpSchema = z.object({ target: z.string() });
const mangleSchema = z.object({ key: z.unknown(), value: z.unknown() });
const namesSchema = z.union([
  z.string().transform((name) => [name]),
  z.object({ set: z.array(z.string()) }).transform(({ set }) => set),
]);
const verdictMapSchema = z.object({
  data: z.object({ set: z.array(z.tuple([z.unknown(), statementSchema])) }),
});
const extensionSchema = z.object({ type: z.string(), name: z.string() });

/** What is read out of a rule's statements; undefined for a rule that no IPv6 packet can match. */
export function readStatements(
  statements: readonly Statement[],
): Pick<Rule, 'interfaces' | 'calls' | 'touches'> | undefined {
  const interfaces: InterfaceMatch[] = [];
  const calls = new Set<string>();
  const touches = new Set<Touch>();
  for (const statement of statements) {
    if (mentions(statement, 'ct')) {
      touches.add('tracks');
    }
    for (const [name, body] of Object.entries(statement)) {
      if (name === 'match') {
        const match = matchSchema.safeParse(body).data;
        if (match && isForIpv4(match)) {
          return undefined;
        }
        interfaces.push(...(match ? interfaceMatch(match) : []));
      } else {
        readAction(name, body, calls, touches);
      }
    }
  }
  return { interfaces, calls: [...calls], touches: [...touches] };
}

function readAction(name: string, body: unknown, calls: Set<string>, touches: Set<Touch>): void {
  if (HARMLESS.has(name)) {
    return;
  }
  if (name === 'jump' || name === 'goto') {
    const jump = jumpSchema.safeParse(body).data;
    if (jump) {
      calls.add(jump.target);
    } else {
      touches.add('changes');
    }
  } else if (name === 'vmap') {
    const verdicts = verdictMapSchema.safeParse(body).data;
    if (!verdicts) {
      // A named map: its verdicts may change without a word.
      touches.add('drops');
    }
    for (const [, verdict] of verdicts?.data.set ?? []) {
      for (const [kind, target] of Object.entries(verdict)) {
        readAction(kind, target, calls, touches);
      }
    }
  } else if (name === 'mangle') {
    const key = metaSchema.safeParse(mangleSchema.safeParse(body).data?.key).data?.meta.key;
    if (key === undefined || !OWN_KEYS.has(key)) {
      touches.add('changes');
    }
  } else if (name === 'xt') {
    readExtension(body, touches);
  } else {
    touches.add(TOUCHES[name] ?? 'changes');
  }
}

/** An extension of iptables that has no words in nft: only its kind and name are known. */
function readExtension(body: unknown, touches: Set<Touch>): void {
  const extension = extensionSchema.safeParse(body).data;
  if (extension?.type === 'match') {
    if (TRACKING_MATCHES.has(extension.name)) {
      touches.add('tracks');
    }
    return;
  }
  for (const touch of touchesOfTarget(extension?.name)) {
    touches.add(touch);
  }
}

/** What a target of iptables does; of one that is not known (or without a name) nothing good is assumed. */
export function touchesOfTarget(name: string | undefined): readonly Touch[] {
  switch (name) {
    case 'ACCEPT':
    case 'RETURN':
    case 'MARK':
    case 'TRACE':
      return [];
    case 'DROP':
    case 'REJECT':
    case 'NFQUEUE':
      return ['drops'];
    case 'DNAT':
    case 'SNAT':
    case 'MASQUERADE':
    case 'REDIRECT':
    case 'NETMAP':
    case 'SNPT':
    case 'DNPT':
    case 'TPROXY':
      return ['translates'];
    case 'CT':
    case 'NOTRACK':
    case 'CONNMARK':
    case 'CONNSECMARK':
    case 'SYNPROXY':
      return ['tracks'];
    default:
      return ['changes'];
  }
}

/** Does a match of iptables look at a connection? */
export function isTrackingMatch(name: string): boolean {
  return TRACKING_MATCHES.has(name);
}

function interfaceMatch({ op, left, right }: z.output<typeof matchSchema>): InterfaceMatch[] {
  const key = metaSchema.safeParse(left).data?.meta.key;
  const names = namesSchema.safeParse(right).data;
  const input = key === 'iif' || key === 'iifname';
  const output = key === 'oif' || key === 'oifname';
  // A named set (`@name`) may hold any interface.
  if (!(input || output) || !names || names.some((name) => name.startsWith('@'))) {
    return [];
  }
  if (op !== '==' && op !== 'in' && op !== '!=') {
    return [];
  }
  return [{ direction: input ? 'in' : 'out', names, negated: op === '!=' }];
}

function isForIpv4({ op, left, right }: z.output<typeof matchSchema>): boolean {
  const protocol = payloadSchema.safeParse(left).data?.payload.protocol;
  if (protocol === 'ip' || protocol === 'arp' || protocol === 'icmp') {
    return true;
  }
  const key = metaSchema.safeParse(left).data?.meta.key;
  return op === '==' && ((key === 'nfproto' && right === 'ipv4') || (key === 'protocol' && right === 'ip'));
}

/** Is there an expression of that name anywhere inside? */
function mentions(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return Object.entries(value).some(
    ([key, inner]) => (!Array.isArray(value) && key === name) || mentions(inner, name),
  );
}

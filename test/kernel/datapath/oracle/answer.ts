/** What the reference foresees of a packet, in words that can be compared with what a program did. */
import { Prefix } from '../../../../src/net/index.js';
import type { Decision, decide } from '../../../../src/policy/index.js';
import type { ReasonName } from '../test-datapath.js';
import { INTERFACES } from '../world-writer.js';
import type { OracleCase, OracleRouter } from './oracle-case.js';
import { type PacketRecipe, pieceOf, seenOf } from './packet-recipe.js';

/** The reference classifier, or one that a test has spoilt. */
export type Reference = typeof decide;

/** How packets end, as the counters of reasons tell. */
export type Ending = 'sent' | 'dropped' | 'bypass' | 'mark-decides' | 'no-binding' | 'malformed';

/** What is counted beside that. */
type Beside = 'copies' | 'alone';

export interface Foreseen {
  /** The source that the packet leaves with, `pass` or `drop`: any of these is right. */
  readonly answers: readonly string[];
  readonly ending: Ending;
  /** Copies beside the packet itself. */
  readonly copies: number;
  /** Whether it is a later fragment that follows its first one. */
  readonly firstIsKnown: boolean;
  /** Whether it is a later fragment of which a policy asks for more than it shows. */
  readonly alone: boolean;
  /** The policy whose counter goes up. */
  readonly counted: { readonly routerId: number; readonly fid: number } | undefined;
  /** For people. */
  readonly decision: Decision | undefined;
}

/** The address by which a sent packet tells its binding. */
export const careOf = (routerId: number, bid: number): string =>
  `2001:db8:c0a:${routerId}::${bid.toString(16)}`;

const ENDINGS: Partial<Record<ReasonName, Ending | Beside>> = {
  ENCAPSULATED: 'sent',
  DROP_BY_POLICY: 'dropped',
  BYPASS: 'bypass',
  DROP_BYPASS: 'bypass',
  MARK_DECIDES: 'mark-decides',
  NO_BINDING: 'no-binding',
  DROP_NO_BINDING: 'no-binding',
  DROP_TRUNCATED: 'malformed',
  DROP_HEADER_CHAIN: 'malformed',
  ALSO_COPY_LOST: 'copies',
  ALSO_FRAGMENT_ALONE: 'alone',
};

/** What a counted reason says; a reason that no packet of the oracle should have is its own word. */
export function endingOf(reason: ReasonName): string {
  return ENDINGS[reason] ?? reason;
}

const prefixes = new Map<string, Prefix>();

function prefixOf(text: string): Prefix {
  const prefix = prefixes.get(text) ?? Prefix.parse(text);
  prefixes.set(text, prefix);
  return prefix;
}

/** A mobile router has itself; at a home agent the longest prefix of the destination decides. */
export function routerOf({ role, routers }: OracleCase, packet: PacketRecipe): OracleRouter | undefined {
  if (role === 'MOBILE_ROUTER') return routers[0];
  let best: { router: OracleRouter; length: number } | undefined;
  for (const router of routers) {
    for (const text of router.prefixes) {
      const prefix = prefixOf(text);
      if (prefix.contains(packet.destination) && prefix.length > (best?.length ?? -1)) {
        best = { router, length: prefix.length };
      }
    }
  }
  return best?.router;
}

/** The packets of which the first fragment was seen where a policy asks for what only that one shows. */
export class FirstFragments {
  readonly #known = new Set<string>();

  /** Takes note of a packet; answers whether it is a later fragment of which the first one is known. */
  follow(each: OracleCase, packet: PacketRecipe): boolean {
    const piece = pieceOf(packet);
    if (piece === undefined || seenOf(packet, false) === undefined) return false;
    const router = routerOf(each, packet);
    if (router === undefined || !asksForFirst(router)) return false;
    if (piece.first) this.#known.add(piece.packet);
    return !piece.first && this.#known.has(piece.packet);
  }
}

function asksForFirst({ policies }: OracleRouter): boolean {
  return policies.some(
    ({ selector: { sourcePort, destinationPort, spi, icmpType, icmpCode, interface: names } }) =>
      [sourcePort, destinationPort, spi, icmpType, icmpCode].some((asked) => asked !== undefined) &&
      // One for interfaces that are not there matches nothing.
      (names?.some((name) => INTERFACES.has(name)) ?? true),
  );
}

export function foresee(
  each: OracleCase,
  packet: PacketRecipe,
  reference: Reference,
  firsts = new FirstFragments(),
): Foreseen {
  const firstIsKnown = firsts.follow(each, packet);
  const seen = seenOf(packet, firstIsKnown);
  if (seen === undefined) {
    const nothing = { copies: 0, firstIsKnown: false, alone: false, counted: undefined, decision: undefined };
    return { answers: ['drop'], ending: 'malformed', ...nothing };
  }
  const router = routerOf(each, packet);
  if (router === undefined) throw new Error('no router of the case has the destination of the packet');
  const markKnown = packet.hook === 'home';
  const decision = reference(router, seen, { markKnown, usable: (bid) => router.usable.includes(bid) });
  const isLater = pieceOf(packet)?.first === false;
  return {
    ...answerOf(decision, router.routerId, markKnown),
    copies: decision.kind === 'copy' ? decision.bindings.length - 1 : 0,
    firstIsKnown,
    alone: isLater && !firstIsKnown && asksForFirst(router),
  };
}

/** Behind the stack nothing is let through; at ingress what we do not send is the stack's. */
function answerOf(
  decision: Decision,
  routerId: number,
  behindStack: boolean,
): Omit<Foreseen, 'copies' | 'firstIsKnown' | 'alone'> {
  const left = behindStack ? 'drop' : 'pass';
  const by = (ending: Ending, answers: readonly string[], fid: number | null = null) => ({
    answers,
    ending,
    counted: fid === null ? undefined : { routerId, fid },
    decision,
  });
  switch (decision.kind) {
    case 'binding':
      return by('sent', [careOf(routerId, decision.bid)], decision.fid);
    case 'balance':
      return by(
        'sent',
        decision.bindings.map(({ bid }) => careOf(routerId, bid)),
        decision.fid,
      );
    case 'copy':
      // What a test run gives back is the packet itself; for the copies there is no device.
      return by(
        'sent',
        decision.bindings.map((bid) => careOf(routerId, bid)),
        decision.fid,
      );
    case 'drop':
      return by('dropped', ['drop'], decision.fid);
    case 'bypass':
      return by('bypass', [left], decision.fid);
    case 'mark-decides':
      return by('mark-decides', [left]);
    case 'none':
      return by('no-binding', [left]);
  }
}

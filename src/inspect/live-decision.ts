/** What the kernel programs decided, in the words of the reference classifier, and where the two differ. */
import {
  type ActivePolicy,
  CX_ABSENT_ICMP,
  CX_ABSENT_PORT,
  CxAction,
  CxField,
  CxReason,
  type Explained,
} from '../datapath/index.js';
import { bindingsOf, type Decision, type Packet, type Policy } from '../policy/index.js';
import { wireFid } from '../registration/index.js';
import { type ConfiguredRouter, isActive, type LiveRouter, listedBids, policyName } from './world.js';

/**
 * A decision of the live programs; several bindings when each carries a copy. `left`: all that was asked is whether
 * it bypasses us, and it does not.
 */
export interface LiveDecision {
  readonly kind: 'binding' | 'drop' | 'bypass' | 'mark-decides' | 'none' | 'left' | 'other';
  readonly bids: readonly number[];
  readonly fid: number | null;
}

/** The policy that decided: the active match of the best rank. */
export function decidingPolicy(explained: Explained, { policies }: LiveRouter): ActivePolicy | undefined {
  const active = explained.policies.filter(({ rank, bindings }) => {
    const policy = policies[rank];
    return policy !== undefined && isActive(policy, bindings);
  });
  const best = active.reduce<number | undefined>(
    (rank, one) => (rank === undefined || one.rank < rank ? one.rank : rank),
    undefined,
  );
  return best === undefined ? undefined : policies[best];
}

/** What was decided about a packet that came as far as the policies. */
export function liveDecision(explained: Explained, router: LiveRouter): LiveDecision {
  const fid = decidingPolicy(explained, router)?.fid ?? null;
  const bids = explained.choices.map(
    ({ index }) => router.bindings.find((binding) => binding.index === index)?.bid ?? 0,
  );
  if (bids.length > 0) return { kind: 'binding', bids, fid };
  switch (explained.reason) {
    case CxReason.MARK_DECIDES:
      return { kind: 'mark-decides', bids, fid };
    case CxReason.BYPASS:
    case CxReason.DROP_BYPASS:
      return { kind: 'bypass', bids, fid };
    case CxReason.DROP_BY_POLICY:
      return { kind: 'drop', bids, fid };
    case CxReason.NO_BINDING:
    case CxReason.DROP_NO_BINDING:
      return { kind: 'none', bids, fid: null };
    case CxReason.LEFT_TO_STACK:
      // coax_bypass only asks whether a packet bypasses us.
      return leftDecision(explained, router, fid);
    default:
      return { kind: 'other', bids, fid };
  }
}

function leftDecision(explained: Explained, router: LiveRouter, fid: number | null): LiveDecision {
  const policy = decidingPolicy(explained, router);
  const open = explained.policies.some(({ rank, markOpen }) => router.policies[rank] === policy && markOpen);
  if (open) return { kind: 'mark-decides', bids: [], fid };
  if (policy?.action === CxAction.DROP) return { kind: 'drop', bids: [], fid };
  return { kind: 'left', bids: [], fid };
}

/** Do the two mean the same? Of shares any may be the flow's. */
export function sameDecision(live: LiveDecision, reference: Decision): boolean {
  const fid = 'fid' in reference ? reference.fid : null;
  if (live.fid !== fid) return false;
  const [first] = live.bids;
  switch (reference.kind) {
    case 'binding':
      return live.kind === 'left' || (live.bids.length === 1 && first === reference.bid);
    case 'balance':
      return (
        live.kind === 'left' ||
        (live.bids.length === 1 && reference.bindings.some(({ bid }) => bid === first))
      );
    case 'copy':
      return live.kind === 'left' || sameBids(live.bids, reference.bindings);
    default:
      return live.kind === reference.kind || (live.kind === 'left' && reference.kind === 'none');
  }
}

function sameBids(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bid) => b.includes(bid));
}

const ACTIONS: Readonly<Record<Policy['action']['kind'], CxAction>> = {
  use: CxAction.USE,
  balance: CxAction.BALANCE,
  copy: CxAction.COPY,
  drop: CxAction.DROP,
  bypass: CxAction.BYPASS,
};

/** Where the policies of the file are not those of the active generation; selectors are not compared. */
export function generationDifferences({ configured, policies, bindings }: LiveRouter): string[] {
  if (configured === undefined) return ['the configuration file has no such router'];
  const differences: string[] = [];
  const inFile = [...configured.policies].sort((a, b) => a.priority - b.priority);
  for (const policy of inFile) {
    const live = policies.find(({ fid }) => fid === policy.fid);
    if (live === undefined) {
      differences.push(`${expectedName(configured, policy)} is not active`);
    } else if (
      live.priority !== policy.priority ||
      live.action !== ACTIONS[policy.action.kind] ||
      listedBids(live, bindings).join() !== bindingsOf(policy.action).join()
    ) {
      differences.push(
        `${expectedName(configured, policy)} is another one than the active one with FID ${live.fid}`,
      );
    }
  }
  for (const { fid } of policies) {
    if (!inFile.some((policy) => policy.fid === fid)) {
      differences.push(
        wireFid(fid) === undefined
          ? `the active policy with FID ${fid} is not in the file`
          : `${policyName(configured, fid)} is active, but not among the registrations that its home agent has written down`,
      );
    }
  }
  return differences;
}

/** A policy that should be active, with where that is said. */
function expectedName(router: ConfiguredRouter, { fid }: Policy): string {
  const name = policyName(router, fid);
  return wireFid(fid) === undefined ? `${name} of the file` : `${name}, as it is registered,`;
}

/** Fields that the programs have read otherwise than the specifications say. */
export function keyDifferences(key: readonly number[], packet: Packet, markKnown: boolean): string[] {
  const expected: [name: string, field: number, value: number][] = [
    ...words('source', CxField.SOURCE, packet.source.toBigInt()),
    ...words('destination', CxField.DESTINATION, packet.destination.toBigInt()),
    ['protocol', CxField.PROTOCOL, packet.protocol],
    ['source-port', CxField.SOURCE_PORT, packet.sourcePort ?? CX_ABSENT_PORT],
    ['destination-port', CxField.DESTINATION_PORT, packet.destinationPort ?? CX_ABSENT_PORT],
    ['dscp', CxField.DSCP, packet.dscp],
    ['flow-label', CxField.FLOW_LABEL, packet.flowLabel],
    ['spi', CxField.SPI, packet.spi ?? 0],
    ['icmp-type', CxField.ICMP_TYPE, packet.icmpType ?? CX_ABSENT_ICMP],
    ['icmp-code', CxField.ICMP_CODE, packet.icmpCode ?? CX_ABSENT_ICMP],
    ['mark', CxField.MARK, markKnown ? (packet.mark ?? 0) : 0],
  ];
  return expected
    .filter(([, field, value]) => key[field] !== value)
    .map(([name, field, value]) => `the programs read ${name} as ${key[field]}, the packet says ${value}`);
}

function words(name: string, field: number, value: bigint): [string, number, number][] {
  return [0, 1, 2, 3].map((at) => [
    name,
    field + at,
    Number((value >> BigInt(32 * (3 - at))) & 0xffff_ffffn),
  ]);
}

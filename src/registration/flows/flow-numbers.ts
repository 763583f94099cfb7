/**
 * FIDs and FID-PRIs of flows. They depend on the policy alone as far as 16 bits have room for that: a flow whose number
 * changes must be sent again as a whole, while one that keeps it is a number in a Flow Summary.
 */

/** Most flows of one policy. */
export const FLOWS_PER_POLICY = 16;

const HIGHEST = 0xffff;
const FIRST_FURTHER = 0x8000;
/** Policies with a block of their own, by FID and by priority. */
const BLOCKS = 0x8000 / FLOWS_PER_POLICY;

/** A policy to be numbered. */
export interface Numbered {
  /** Of the policy. */
  readonly fid: number;
  readonly priority: number;
  /** How many flows it has, 1 to {@link FLOWS_PER_POLICY}. */
  readonly count: number;
}

/** The numbers of one policy's flows, in their order. */
export interface FlowNumbers {
  readonly fids: readonly number[];
  readonly priorities: readonly number[];
}

/**
 * Numbers flows: the answer is by the FID of the policy.
 *
 * FIDs: the first flow has the policy's own. Further ones have a block of 16 in the upper half, by the policy's FID
 * modulo 2048. A number that is taken gives way to the next free one, where the policy of lower FID comes first.
 *
 * FID-PRIs: 16 for each priority below 2048. Above that two priorities share one number, and flows are moved behind
 * those that need the room.
 * @param reserved FIDs of all policies, so that one that stays local today finds its own free tomorrow; together with the
 *   further flows at most 65535
 */
export function numberFlows(
  policies: readonly Numbered[],
  reserved: ReadonlySet<number>,
): ReadonlyMap<number, FlowNumbers> {
  const priorities = prioritiesOf(policies);
  const taken = new Set(reserved);
  const numbers = new Map<number, FlowNumbers>();
  for (const { fid, count } of [...policies].sort((a, b) => a.fid - b.fid)) {
    const fids = [fid];
    for (let position = 1; position < count; position++) {
      fids.push(takeFree(FIRST_FURTHER + FLOWS_PER_POLICY * (fid % BLOCKS) + position, taken));
    }
    numbers.set(fid, { fids, priorities: priorities.get(fid) ?? [] });
  }
  return numbers;
}

function takeFree(wanted: number, taken: Set<number>): number {
  let fid = wanted;
  for (let tried = 0; taken.has(fid); tried++) {
    if (tried === HIGHEST) throw new RangeError(`All ${HIGHEST} FIDs are taken`);
    fid = fid === HIGHEST ? 1 : fid + 1;
  }
  taken.add(fid);
  return fid;
}

function prioritiesOf(policies: readonly Numbered[]): ReadonlyMap<number, readonly number[]> {
  const numbers = new Map<number, readonly number[]>();
  let next = 1;
  for (const { fid, priority, count } of [...policies].sort((a, b) => a.priority - b.priority)) {
    const first = Math.max(next, firstPriority(priority));
    numbers.set(
      fid,
      Array.from({ length: count }, (_, position) => first + position),
    );
    next = first + count;
  }
  return numbers;
}

/** At most 64511, which leaves more room above it than one Binding Update has flows. */
function firstPriority(priority: number): number {
  if (priority < BLOCKS) return FLOWS_PER_POLICY * priority;
  return FLOWS_PER_POLICY * BLOCKS + Math.floor((priority - BLOCKS) / 2);
}

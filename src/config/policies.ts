import {
  ANY,
  formatProtocol,
  hasPorts,
  isExtensionHeader,
  POLICIES_PER_ROUTER,
  type Policy,
  type Selector,
} from '../policy/index.js';
import type { Path } from './document.js';
import type { Report } from './report.js';
import { defaultPolicyName, defaultPolicyPriority, type RawPolicy } from './schema.js';
import { Uniqueness } from './uniqueness.js';

/** The bindings that policies of one router can name. */
export interface BindingNames {
  /** Name or BID as text -> BID. */
  readonly bids: ReadonlyMap<string, number>;
  /** How the bindings are listed in a hint. */
  readonly listed: string;
  /** False when some bindings are malformed or ambiguous, so that an unknown name proves nothing. */
  readonly clear: boolean;
}

/**
 * Completes the policies of one router (FIDs, names, priorities, BIDs of binding names) and reports what is
 * wrong with them. Malformed ones are undefined and left out. The result is in the order of priority.
 */
export function readPolicies(
  raw: readonly (RawPolicy | undefined)[],
  bindings: BindingNames,
  path: Path,
  report: Report,
): readonly Policy[] {
  if (raw.length > POLICIES_PER_ROUTER) {
    report.at(
      [...path, POLICIES_PER_ROUTER],
      `a router has at most ${POLICIES_PER_ROUTER} policies`,
      'join some of them by wider selectors',
    );
  }
  const fids = new Uniqueness('FID', report);
  const names = new Uniqueness('policy name', report);
  const priorities = new Uniqueness('policy priority', report);
  const nextFid = freeFids(raw);
  const policies: Policy[] = [];
  for (const [position, policy] of raw.entries()) {
    if (policy === undefined) continue;
    const at = [...path, position];
    const fid = policy.fid ?? nextFid();
    const name = policy.name ?? defaultPolicyName(fid);
    const priority = policy.priority ?? defaultPolicyPriority(position, raw.length);
    fids.add(fid, [...at, 'fid'], 'write another one, or leave it out to get the next free one');
    names.add(name, [...at, 'name'], 'write another name');
    priorities.add(
      priority,
      policy.priority === undefined ? at : [...at, 'priority'],
      'write another one; policies without a priority have 10, 20, ... by position',
    );
    const selector = readSelector(policy.match, [...at, 'match'], report);
    const use = readUse(policy.use, bindings, [...at, 'use'], report);
    policies.push({ fid, name, priority, selector, use });
  }
  return policies.sort((a, b) => a.priority - b.priority);
}

function freeFids(raw: readonly (RawPolicy | undefined)[]): () => number {
  const taken = new Set(raw.map((policy) => policy?.fid));
  let next = 1;
  return () => {
    while (taken.has(next)) next++;
    return next++;
  };
}

function readSelector(match: RawPolicy['match'], path: Path, report: Report): Selector {
  const { protocol } = match;
  for (const key of ['source-port', 'destination-port'] as const) {
    if (match[key] === undefined) continue;
    if (protocol === undefined) {
      report.atKey(
        [...path, key],
        'a port needs a protocol that has ports',
        "add 'protocol: udp' or 'protocol: tcp'",
      );
    } else if (!hasPorts(protocol)) {
      report.atKey(
        [...path, key],
        `protocol ${formatProtocol(protocol)} has no ports`,
        'remove the port, or write tcp, udp or sctp as protocol',
      );
    }
  }
  if (protocol !== undefined && isExtensionHeader(protocol)) {
    report.at(
      [...path, 'protocol'],
      `${formatProtocol(protocol)} is an extension header, packets are known by the protocol behind it`,
      'write the protocol that follows it',
    );
  }
  const selector = {
    ...ANY,
    mark: match.mark,
    source: match.source,
    destination: match.destination,
    protocol,
    sourcePort: match['source-port'],
    destinationPort: match['destination-port'],
  };
  return selector;
}

function readUse(
  use: RawPolicy['use'],
  bindings: BindingNames,
  path: Path,
  report: Report,
): readonly number[] {
  const bids: number[] = [];
  for (const [position, reference] of use.entries()) {
    const found = bindings.bids.get(String(reference));
    if (found === undefined) {
      if (bindings.clear)
        report.at([...path, position], `there is no binding ${JSON.stringify(reference)}`, bindings.listed);
    } else if (bids.includes(found)) {
      if (bindings.clear)
        report.at(
          [...path, position],
          `binding ${JSON.stringify(reference)} is listed twice`,
          'remove one of the two',
        );
    } else bids.push(found);
  }
  return bids;
}

/** A case of the oracle: some routers with their policies, and packets. It can be written down and read again. */
import { Address } from '../../../../src/net/index.js';
import {
  type AddressMatch,
  bindingsOf,
  formatAction,
  formatSelector,
  type Policy,
  type RouterPolicySet,
} from '../../../../src/policy/index.js';
import { describePacket } from '../../../support/packet-text.js';
import { bytesOf, type PacketRecipe } from './packet-recipe.js';

/** One router, its policies and what can carry its packets. */
export interface OracleRouter extends RouterPolicySet {
  /** A home agent gives the router what goes to these; the longest one decides. */
  readonly prefixes: readonly string[];
  /** BIDs of the bindings that can carry packets. */
  readonly usable: readonly number[];
}

export interface OracleCase {
  readonly role: 'MOBILE_ROUTER' | 'HOME_AGENT';
  readonly routers: readonly OracleRouter[];
  readonly packets: readonly PacketRecipe[];
}

/** A file is not a case of the oracle. */
export class OracleCaseError extends Error {
  readonly code = 'ORACLE_CASE_INVALID';
}

const FORM = 'coaxial-oracle-case';

/** The case as JSON text. */
export function writeCase(each: OracleCase): string {
  return `${JSON.stringify({ form: FORM, ...each }, undefined, 1)}\n`;
}

/** @throws OracleCaseError naming what is wrong */
export function readCase(text: string): OracleCase {
  try {
    const { form, role, routers, packets } = JSON.parse(text) as OracleCase & { form: unknown };
    if (form !== FORM) throw new TypeError(`"form" is not "${FORM}"`);
    return {
      role,
      routers: routers.map((router) => ({
        ...router,
        policies: router.policies.map((policy) => ({ ...policy, selector: readSelector(policy.selector) })),
      })),
      packets: packets.map((packet) => ({
        ...packet,
        source: readAddress(packet.source),
        destination: readAddress(packet.destination),
        // JSON has no undefined.
        cut: packet.cut,
        interface: packet.interface,
        cgroup: packet.cgroup,
      })),
    };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new OracleCaseError(`not a case that check-oracle has written: ${what}`, { cause: error });
  }
}

/** What stands where an address was before it became text. */
function readAddress(written: unknown): Address {
  if (typeof written !== 'string') throw new TypeError('an address is missing');
  return Address.parse(written);
}

function readSelector(written: Policy['selector']): Policy['selector'] {
  const addresses = (match: AddressMatch | undefined): AddressMatch | undefined =>
    match && {
      set: match.set,
      ranges: match.ranges.map(({ low, high }) => ({ low: readAddress(low), high: readAddress(high) })),
    };
  return { ...written, source: addresses(written.source), destination: addresses(written.destination) };
}

/** The policies in the order in which they are asked, and the bindings; in brackets what is not usable. */
export function describeRouter({ routerId, prefixes, policies, bindings, usable }: OracleRouter): string[] {
  const bids = (list: readonly number[]): string =>
    list.map((bid) => (usable.includes(bid) ? `${bid}` : `(${bid})`)).join(' ');
  const inOrder = [...policies].sort((a, b) => a.priority - b.priority);
  const defaults = [...bindings].sort((a, b) => a.priority - b.priority || a.bid - b.bid);
  return [
    `router ${routerId}, ${prefixes.join(' ')}`,
    ...inOrder.map(
      ({ fid, priority, selector, action, otherwise }) =>
        `  fid ${fid} priority ${priority}: ${formatSelector(selector)} -> ` +
        `${formatAction({ action, otherwise }, String)} [${bids(bindingsOf(action))}]`,
    ),
    `  default -> ${bids(defaults.map(({ bid }) => bid))}   (in brackets: not usable)`,
  ];
}

/** A packet, layer by layer, and what is known beside its bytes. */
export function describeRecipe(recipe: PacketRecipe): string[] {
  const { hook, mark, interface: name, cgroup } = recipe;
  const beside = [`mark 0x${mark.toString(16)}`];
  if (name !== undefined) beside.push(`interface ${name}`);
  if (cgroup !== undefined) beside.push(`cgroup ${cgroup}`);
  const layers = describePacket(bytesOf(recipe), hook !== 'ingress-l3');
  return [`packet at ${hook}, ${beside.join(', ')}`, ...layers.map((line) => `  ${line}`)];
}

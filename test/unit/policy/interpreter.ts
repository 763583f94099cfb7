/** Walks a compiled generation the way the kernel program does, over its rows. */
import {
  CX_NODE_FIELD_SHIFT,
  CX_NODE_STEP_SHIFT,
  CxAction,
  CxField,
  CxNodeKind,
  CxOtherwise,
  CxPolicySetSize,
  CxPolicySize,
  CxRouterSize,
  decodeCxPolicy,
  decodeCxPolicySet,
  decodeCxRouter,
} from '../../../src/datapath/generated.js';
import type { Address } from '../../../src/net/index.js';
import type { CompiledGeneration, Packet } from '../../../src/policy/index.js';

/** `policyId` is null when no policy decided. */
export type Outcome =
  | { readonly kind: 'binding'; readonly index: number; readonly policyId: number | null }
  | { readonly kind: 'list'; readonly action: CxAction; readonly policyId: number }
  | { readonly kind: 'mark-decides' }
  | { readonly kind: 'none' };

/** What the packet's fields are to this machine. */
export interface Machine {
  ifindex(name: string): number;
  cgroupNumber(path: string): number;
  usable(index: number): boolean;
}

export function interpret(
  generation: CompiledGeneration,
  routerId: number,
  packet: Packet,
  markKnown: boolean,
  machine: Machine,
): Outcome & { steps: number } {
  const router = decodeCxRouter(generation.routers, routerId * CxRouterSize);
  const set = decodeCxPolicySet(generation.policySets, router.policySet * CxPolicySetSize);
  /** Binding indices of the router, in the order of BID-PRI. */
  const bindings = set.bindings.slice(0, set.bindingCount).map((each) => router.firstBinding + each);
  const policyAt = (rank: number): Listed => {
    const row = decodeCxPolicy(generation.policies, (set.firstPolicy + rank) * CxPolicySize);
    const listed = [...row.bindings.subarray(0, row.bindingCount)];
    return {
      id: router.firstPolicyId + row.id,
      action: row.action,
      otherwise: row.otherwise,
      bindings: listed.map((position) => bindings[position] ?? Number.NaN),
    };
  };
  const key = keyOf(packet, machine);
  const word = (at: number): number => generation.nodes[at] ?? Number.NaN;
  let at = markKnown ? set.knownRoot : set.unknownRoot;
  let [next, best, decides, steps] = [0, Number.POSITIVE_INFINITY, false, 0];
  let answer: Outcome | undefined;
  while (at !== 0) {
    steps++;
    const [operation, low, extent, target] = [0, 1, 2, 3].map((part) => word(4 * at + part)) as [
      number,
      number,
      number,
      number,
    ];
    const value = key[(operation >>> CX_NODE_FIELD_SHIFT) & 31] ?? 0;
    const step = operation >>> CX_NODE_STEP_SHIFT;
    switch (operation & 7) {
      case CxNodeKind.RANGE:
        at = (value - low) >>> 0 <= extent ? target : target + step;
        continue;
      case CxNodeKind.CUT:
        at = target + Math.min(((value - low) >>> 0) >>> step, extent);
        continue;
      case CxNodeKind.MASK:
        at = (value & extent) >>> 0 === low ? target : target + step;
        continue;
      case CxNodeKind.BITS:
        at = target + ((value >>> step) & extent);
        continue;
      case CxNodeKind.TREE:
        if (low >= best) at = 0;
        else [next, at] = [extent, target];
        continue;
      case CxNodeKind.MATCH:
      case CxNodeKind.DECIDE: {
        if (target < best) {
          const found = doing(policyAt(target), bindings, machine);
          if (found === undefined) {
            at = extent;
            continue;
          }
          [answer, best, decides] = [found, target, (operation & 7) === CxNodeKind.DECIDE];
        }
        break;
      }
    }
    [at, next] = [next, 0];
  }
  if (decides) return { kind: 'mark-decides', steps };
  return { ...(answer ?? byDefault(bindings, null, machine)), steps };
}

/** A policy with the numbers that its router's packets know. */
interface Listed {
  readonly id: number;
  readonly action: CxAction;
  readonly otherwise: CxOtherwise;
  /** Binding indices. */
  readonly bindings: readonly number[];
}

/** What a policy does now; undefined when it is inactive. */
function doing(
  policy: Listed,
  defaults: readonly number[],
  { usable, ...machine }: Machine,
): Outcome | undefined {
  const { id, action } = policy;
  const needsNone = action === CxAction.DROP || action === CxAction.BYPASS;
  const index = policy.bindings.find((each) => usable(each));
  if (action === CxAction.USE && index !== undefined) return { kind: 'binding', index, policyId: id };
  if (needsNone || index !== undefined) return { kind: 'list', action, policyId: id };
  if (policy.otherwise === CxOtherwise.DROP) return { kind: 'list', action: CxAction.DROP, policyId: id };
  return policy.otherwise === CxOtherwise.DEFAULT
    ? byDefault(defaults, id, { usable, ...machine })
    : undefined;
}

function byDefault(bindings: readonly number[], policyId: number | null, { usable }: Machine): Outcome {
  const index = bindings.find((each) => usable(each));
  return index === undefined ? { kind: 'none' } : { kind: 'binding', index, policyId };
}

function keyOf(packet: Packet, machine: Machine): Uint32Array {
  const key = new Uint32Array(32);
  const put = (field: number, address: Address): void => {
    const bytes = address.toBytes();
    for (let at = 0; at < 4; at++) key[field + at] = new DataView(bytes.buffer).getUint32(4 * at);
  };
  put(CxField.SOURCE, packet.source);
  put(CxField.DESTINATION, packet.destination);
  key[CxField.PROTOCOL] = packet.protocol;
  key[CxField.SOURCE_PORT] = packet.sourcePort ?? 0x10000;
  key[CxField.DESTINATION_PORT] = packet.destinationPort ?? 0x10000;
  key[CxField.DSCP] = packet.dscp;
  key[CxField.FLOW_LABEL] = packet.flowLabel;
  key[CxField.SPI] = packet.spi ?? 0;
  key[CxField.ICMP_TYPE] = packet.icmpType ?? 0x100;
  key[CxField.ICMP_CODE] = packet.icmpCode ?? 0x100;
  key[CxField.INTERFACE] = packet.interface === undefined ? 0 : machine.ifindex(packet.interface);
  key[CxField.CGROUP] = packet.cgroup === undefined ? 0 : machine.cgroupNumber(packet.cgroup);
  key[CxField.MARK] = packet.mark ?? 0;
  return key;
}

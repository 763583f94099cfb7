import type { BpfMap } from '../libbpf-ts/index.js';
import {
  CX_REASON_ROWS,
  type CxBindingStats,
  CxHook,
  type CxPolicyStats,
  type CxReasonStats,
  cxHookName,
  cxReasonName,
  decodeCxBindingStats,
  decodeCxPolicyStats,
  decodeCxReasonStats,
} from './generated.js';
import { readable } from './row-names.js';
import { encodeWord } from './word.js';

type Sums<T> = { [K in keyof T]: number };

/** Sum over all CPUs of a row of 64-bit counters. */
function sum<T extends object>(map: BpfMap, key: number, decode: (bytes: Uint8Array) => T): Sums<T> {
  const totals: Record<string, number> = {};
  for (const part of map.getPerCpu(encodeWord(key)) ?? []) {
    for (const [field, value] of Object.entries(decode(part))) {
      totals[field] = (totals[field] ?? 0) + Number(value);
    }
  }
  return totals as Sums<T>;
}

/** How many packets left a hook for a reason. */
export interface ReasonCount {
  hook: string;
  reason: string;
  packets: number;
  bytes: number;
}

/** Counters of packets, policies and bindings, summed over the CPUs. */
export class Counters {
  readonly #reasons: BpfMap;
  readonly #policies: BpfMap;
  readonly #bindings: BpfMap;

  constructor(maps: { reasons: BpfMap; policies: BpfMap; bindings: BpfMap }) {
    this.#reasons = maps.reasons;
    this.#policies = maps.policies;
    this.#bindings = maps.bindings;
  }

  binding(index: number): Sums<CxBindingStats> {
    return sum(this.#bindings, index, decodeCxBindingStats);
  }

  policy(id: number): Sums<CxPolicyStats> {
    return sum(this.#policies, id, decodeCxPolicyStats);
  }

  /** All reasons that were ever given. */
  reasons(): ReasonCount[] {
    const counts: ReasonCount[] = [];
    for (const hook of Object.values(CxHook)) {
      for (let reason = 0; reason < CX_REASON_ROWS; reason++) {
        const key = hook * CX_REASON_ROWS + reason;
        if (key >= this.#reasons.maxEntries) {
          break;
        }
        const { packets, bytes } = sum<CxReasonStats>(this.#reasons, key, decodeCxReasonStats);
        if (packets) {
          counts.push({
            hook: readable(cxHookName(hook)),
            reason: readable(cxReasonName(reason)),
            packets,
            bytes,
          });
        }
      }
    }
    return counts;
  }
}

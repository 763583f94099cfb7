import { existsSync } from 'node:fs';
import { BpfMap, type Btf, LibbpfTsError, possibleCpus } from '../libbpf-ts/index.js';
import { convert } from './conversion.js';
import { DatapathError } from './datapath-error.js';
import { CxSetting } from './generated.js';
import type { OtherState } from './instance.js';
import { LAYOUT_PIN, readLayout } from './layout.js';
import type { MapName } from './map-catalogue.js';
import { decodeWord } from './word.js';

/**
 * What a new state takes over from an older version's: who the numbers are, what was said at run time, which
 * care-of addresses are in use, and the counters. Everything else follows from the kernel and the config.
 * Numbers of settings, hooks and reasons are never given to another meaning, so rows may be copied by index.
 */
const INHERITED: readonly MapName[] = [
  'cx_settings',
  'cx_router_keys',
  'cx_policy_keys',
  'cx_policy_count',
  'cx_binding_keys',
  'cx_binding_count',
  'cx_binding_rows',
  'cx_binding_slot',
  'cx_tunnel_end_rows',
  'cx_tunnel_ends',
  'cx_reasons',
];

/** Types of one map. */
interface Types {
  btf: Btf;
  key: number;
  value: number;
}

/**
 * Copies into maps that no packet uses yet. What was counted between now and the exchange of the programs
 * is not in the copy.
 * @param maps the new maps
 * @throws DatapathError PINNED_STATE_UNREADABLE, LIMITS_CHANGED
 */
export function inherit(
  predecessor: OtherState,
  instance: string,
  maps: (name: MapName) => BpfMap,
  btf: Btf,
): void {
  const oldBtf = readLayout(predecessor.mapPin(LAYOUT_PIN), instance);
  for (const name of INHERITED) {
    const path = predecessor.mapPin(name);
    if (!existsSync(path)) {
      continue;
    }
    try {
      using old = BpfMap.fromPin(path);
      copyMap(name, old, typesOf(old, oldBtf), maps(name), typesOf(maps(name), btf));
    } catch (error) {
      if (!(error instanceof LibbpfTsError)) {
        throw error;
      }
      throw new DatapathError(
        'PINNED_STATE_UNREADABLE',
        `map ${name} of the older state (schema ${predecessor.schema}) of instance ${instance} cannot be taken over: ${error.message}`,
        `remove it with "coax down --instance ${instance}", then start again`,
        { cause: error },
      );
    }
  }
}

function typesOf(map: BpfMap, btf: Btf): Types {
  const { btfKeyTypeId, btfValueTypeId } = map.info;
  return { btf, key: btfKeyTypeId, value: btfValueTypeId };
}

function copyMap(name: MapName, old: BpfMap, oldTypes: Types, next: BpfMap, types: Types): void {
  const key = converter(oldTypes.btf, oldTypes.key, types.btf, types.key, `${name} key`);
  const value = converter(oldTypes.btf, oldTypes.value, types.btf, types.value, name);
  const indexed = next.type === 'array' || next.type === 'percpu_array';
  const used = old.readAll().filter(([, bytes]) => bytes.some((byte) => byte !== 0));
  for (const [oldKey, oldValue] of used) {
    // Which slot holds the active generation is nothing to take over: both are empty.
    if (name === 'cx_settings' && decodeWord(oldKey) === CxSetting.GENERATION) {
      continue;
    }
    if (indexed && decodeWord(oldKey) >= next.maxEntries) {
      throw new DatapathError(
        'LIMITS_CHANGED',
        `the older state uses row ${decodeWord(oldKey)} of ${name}, which has ${next.maxEntries} now`,
        'give "limits" their old values or larger ones for the upgrade',
      );
    }
    next.set(key(oldKey), next.isPerCpu ? eachCpu(oldValue, old.valueSize, next, value) : value(oldValue));
  }
}

type Convert = (bytes: Uint8Array) => Uint8Array;

function converter(from: Btf, fromType: number, to: Btf, toType: number, what: string): Convert {
  const old = from.codec<unknown>(fromType);
  const next = to.codec<unknown>(toType);
  const empty = next.decode(new Uint8Array(next.size));
  return (bytes) => next.encode(convert(old.decode(bytes), empty, what));
}

/** Values of all CPUs, each padded to 8 bytes as the kernel has them. */
function eachCpu(bytes: Uint8Array, size: number, next: BpfMap, value: Convert): Uint8Array {
  const all = new Uint8Array(next.valueBytes);
  const cpus = possibleCpus();
  for (let cpu = 0; cpu < cpus; cpu++) {
    const at = (bytes.length / cpus) * cpu;
    all.set(value(bytes.subarray(at, at + size)), (all.length / cpus) * cpu);
  }
  return all;
}

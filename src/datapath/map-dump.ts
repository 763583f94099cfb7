import type { BpfMap, Btf } from '../libbpf-ts/index.js';
import { MAP_MEANINGS, type MapName } from './map-catalogue.js';

/** A map in one line. */
export interface MapSummary {
  name: string;
  type: string;
  key: string;
  value: string;
  entries: number;
  maxEntries: number;
  meaning: string;
}

/** A decoded row. */
export interface DumpedRow {
  key: unknown;
  value: unknown;
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function usedRows(map: BpfMap): [Uint8Array, Uint8Array][] {
  const rows = map.readAll();
  return map.type === 'array' || map.type === 'percpu_array'
    ? rows.filter(([, value]) => !isZero(value))
    : rows;
}

export function summarizeMap(name: MapName, map: BpfMap, btf: Btf | undefined): MapSummary {
  const { btfKeyTypeId, btfValueTypeId, type, keySize, valueSize, maxEntries } = map.info;
  return {
    name,
    type,
    key: btf && btfKeyTypeId ? btf.typeName(btfKeyTypeId) : `${keySize} bytes`,
    value: btf && btfValueTypeId ? btf.typeName(btfValueTypeId) : `${valueSize} bytes`,
    entries: usedRows(map).length,
    maxEntries,
    meaning: MAP_MEANINGS[name],
  };
}

/** The rows of a map decoded by its BTF; of arrays only those that are not all zero. Per-CPU values are a
 * list, one of each CPU. */
export function dumpMap(map: BpfMap): DumpedRow[] {
  const typed = map.typed<unknown, unknown>();
  return usedRows(map).map(([key, value]) => ({
    key: typed.decodeKey(key),
    value: map.type.startsWith('percpu_') ? typed.getPerCpu(typed.decodeKey(key)) : typed.decodeValue(value),
  }));
}

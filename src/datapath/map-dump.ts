import type { BpfMap, Btf } from '../libbpf-ts/index.js';
import { MAP_MEANINGS, type MapName } from './map-catalogue.js';
import { nameKey, nameMembers } from './row-names.js';

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
  if (map.type === 'ringbuf') return []; // one reader has what is in it
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

/**
 * The rows of a map decoded by its BTF, numbers of an enum as its names; of arrays only the rows that are not
 * all zero. Per-CPU values are summed.
 */
export function dumpMap(name: MapName, map: BpfMap, btf: Btf | undefined): DumpedRow[] {
  const typed = map.typed<unknown, unknown>();
  const valueType = map.info.btfValueTypeId;
  return usedRows(map).map(([key, value]) => {
    const decoded = typed.decodeKey(key);
    const content = map.type.startsWith('percpu_')
      ? sum(typed.getPerCpu(decoded) ?? [])
      : typed.decodeValue(value);
    return {
      key: nameKey(name, decoded),
      value: btf && valueType ? nameMembers(btf, valueType, content) : content,
    };
  });
}

/** Sum of structs of counters, one of each CPU. */
function sum(parts: readonly unknown[]): Record<string, bigint> {
  const totals: Record<string, bigint> = {};
  for (const part of parts) {
    for (const [field, value] of Object.entries(part as Record<string, bigint>)) {
      totals[field] = (totals[field] ?? 0n) + value;
    }
  }
  return totals;
}

import type { JsonValue, MapDumpView } from '../api/index.js';
import { type Column, formatTable } from './table.js';

type Row = MapDumpView['rows'][number];

/** Which rows of a dump to show: without the empty ones of an array, and not more than the limit. */
export function shownRows(
  dump: MapDumpView,
  options: { all?: boolean; limit?: number },
): { rows: Row[]; leftOut: number } {
  const isArray = dump.type.includes('array');
  const rows = options.all === true || !isArray ? dump.rows : dump.rows.filter((row) => !isZero(row.value));
  const shown = rows.slice(0, options.limit ?? rows.length);
  return { rows: shown, leftOut: rows.length - shown.length };
}

/** Rows as a table: a column for each field of the key and the value, in the order of the struct. */
export function formatRows(rows: readonly Row[]): string {
  const flat = rows.map((row) => new Map([...fields('key', row.key), ...fields('value', row.value)]));
  const titles = new Set(flat.flatMap((row) => [...row.keys()]));
  const columns: Column<ReadonlyMap<string, JsonValue>>[] = [...titles].map((title) => {
    const numeric = flat.every((row) => typeof (row.get(title) ?? 0) === 'number');
    const cell = (row: ReadonlyMap<string, JsonValue>) => cellText(row.get(title));
    return numeric ? { title, align: 'right', cell } : { title, cell };
  });
  return formatTable(columns, flat, 'no rows');
}

/** A field of its own for each member of a struct; padding says nothing. */
function fields(name: string, value: JsonValue): [string, JsonValue][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[name, value]];
  const members = Object.entries(value).filter(([member]) => !/^_*pad(ding)?[0-9]*$/.test(member));
  return members.map(([member, part]) => [name === 'value' ? member : `${name}.${member}`, part]);
}

function cellText(value: JsonValue | undefined): string | number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (Array.isArray(value)) return value.map((part) => cellText(part) ?? '-').join(' ');
  return JSON.stringify(value);
}

/** Whether nothing was ever written to a value; an unspecified address is zero, too. */
function isZero(value: JsonValue): boolean {
  if (value === null || value === 0 || value === false) return true;
  if (typeof value === 'string') return /^(0*|::|(0\.){3}0|(00:){5}00)$/.test(value);
  if (typeof value !== 'object') return false;
  return (Array.isArray(value) ? value : Object.values(value)).every(isZero);
}

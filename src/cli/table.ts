import { stripVTControlCharacters } from 'node:util';
import { paint } from './output.js';

/** One column of a table for people. */
export interface Column<T> {
  title: string;
  /** Numbers stand at the right. */
  align?: 'right';
  cell: (row: T) => string | number | null | undefined;
}

/**
 * Rows under aligned titles, without trailing spaces. What is not there is a dash.
 * @param empty the text instead of a table without rows
 */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[], empty: string): string {
  if (rows.length === 0) return empty;
  const cells = rows.map((row) => columns.map((column) => cellText(column.cell(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => visibleWidth(line[index] ?? ''))),
  );
  const line = (texts: readonly string[]) =>
    columns
      .map((column, index) => pad(texts[index] ?? '', widths[index] ?? 0, column.align === 'right'))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(columns.map((column) => column.title))), ...cells.map(line)].join('\n');
}

/** Names and values, one pair a line, values aligned. */
export function formatPairs(
  pairs: readonly (readonly [string, string | number | null | undefined])[],
): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${paint('bold', name.padEnd(width))}  ${cellText(value)}`).join('\n');
}

function cellText(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '-' : String(value);
}

function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - visibleWidth(text)));
  return right ? space + text : text + space;
}

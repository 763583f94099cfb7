import { type Command, InvalidArgumentError } from 'commander';
import type { MapView } from '../../views/index.js';
import { connectDaemon } from '../daemon-client.js';
import { formatRows, shownRows } from '../map-rows.js';
import { paint, print } from '../output.js';
import { type Column, formatTable } from '../table.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

const COLUMNS: readonly Column<MapView>[] = [
  { title: 'NAME', cell: (map) => map.name },
  { title: 'TYPE', cell: (map) => map.type },
  { title: 'KEY', cell: (map) => map.key },
  { title: 'VALUE', cell: (map) => map.value },
  { title: 'ROWS', align: 'right', cell: (map) => `${map.entries}/${map.maxEntries}` },
  { title: 'MEANING', cell: (map) => map.meaning },
];

interface MapsOptions extends TargetOptions {
  all?: boolean;
  limit?: number;
}

/** `coax maps`: the list of our maps, or the typed rows of one. */
export function addMaps(program: Command): void {
  addTargetOptions(program.command('maps').description('list our maps, or print the rows of one'))
    .argument('[name]', 'map whose rows to print')
    .option('--all', 'print rows of arrays that are all zero, too')
    .option('--limit <rows>', 'print at most so many rows', parseLimit)
    .action(async (name: string | undefined, options: MapsOptions) => {
      const client = await connectDaemon(options);
      const json = options.json === true;
      if (name === undefined) {
        const maps = await client.maps();
        print(json, maps, () => formatTable(COLUMNS, maps, 'no maps'));
        return;
      }
      const dump = await client.map(name);
      const shown = shownRows(dump, options);
      print(json, { ...dump, rows: shown.rows }, () => {
        const note = shown.leftOut === 0 ? '' : `\n${paint('dim', `${shown.leftOut} more rows: --limit`)}`;
        return `${paint('dim', dump.meaning)}\n${formatRows(shown.rows)}${note}`;
      });
    });
}

function parseLimit(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('give a number of rows, 1 or more');
  return Number(text);
}

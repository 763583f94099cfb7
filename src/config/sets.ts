import { type AddressRange, formatAddressRange, isSetName, joinAddressRanges } from '../policy/index.js';
import type { NamedSet } from './config.js';
import type { YamlDocument } from './document.js';
import type { Report } from './report.js';
import type { RawSets } from './schema.js';
import type { OneOrMore } from './values.js';

/** The sets that policies can name. */
export interface SetNames {
  /** Complete with what the sets refer to, in the order of the file. */
  readonly sets: readonly NamedSet[];
  /** How the sets are listed in a hint. */
  readonly listed: string;
  /** False when some sets are malformed, so that an unknown name proves nothing. */
  readonly clear: boolean;
  find(name: string): readonly AddressRange[] | undefined;
}

/** Puts the sets together and reports names that are none, sets that are not there and sets in circles. */
export function readSets(raw: RawSets | undefined, document: YamlDocument, report: Report): SetNames {
  const given = raw ?? {};
  const names = Object.keys(given);
  const listed =
    names.length > 0 ? `there are ${names.join(', ')}` : 'add it to sets: at the top of the file';
  const clear = raw !== undefined || !Object.hasOwn(document.value as object, 'sets');
  const done = new Map<string, readonly AddressRange[]>();
  const open: string[] = [];

  const resolve = (name: string): readonly AddressRange[] => {
    const known = done.get(name);
    if (known !== undefined) return known;
    open.push(name);
    const ranges: AddressRange[] = [];
    for (const [position, term] of (given[name]?.items ?? []).entries()) {
      if (!('set' in term)) {
        ranges.push(term);
        continue;
      }
      const place = placeOf(['sets', name], given[name], position);
      const circle = open.indexOf(term.set);
      if (circle >= 0) {
        const way = open.slice(circle + 1).map((other) => `@${other}`);
        const text = way.length === 0 ? '' : ` by way of ${way.join(', ')}`;
        report.at(place, `set ${term.set} refers to itself${text}`, 'write the addresses, or another set');
      } else if (Object.hasOwn(given, term.set)) {
        for (const range of resolve(term.set)) ranges.push(range);
      } else {
        report.at(place, `there is no set "@${term.set}"`, listed);
      }
    }
    open.pop();
    const joined = joinAddressRanges(ranges);
    done.set(name, joined);
    return joined;
  };

  for (const name of names) {
    if (!isSetName(name)) {
      const hint = "write a letter, then up to 63 letters, digits, '-', '_' or '.'";
      report.atKey(['sets', name], `${JSON.stringify(name)} is not the name of a set`, hint);
    }
    resolve(name);
  }
  return {
    sets: names.map((name) => ({ name, ranges: done.get(name) ?? [] })),
    listed,
    clear,
    find: (name) => done.get(name),
  };
}

/** Where a value stands that may be one of a list. */
export function placeOf(
  path: readonly (string | number)[],
  values: OneOrMore<unknown> | undefined,
  position: number,
): readonly (string | number)[] {
  return values?.isList ? [...path, position] : path;
}

/** The sets as they are written. */
export function formatSets(sets: readonly NamedSet[]): Record<string, string[]> {
  return Object.fromEntries(sets.map(({ name, ranges }) => [name, ranges.map(formatAddressRange)]));
}

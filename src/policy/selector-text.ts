import { formatAddressMatch } from './address-match.js';
import { formatMark } from './mark.js';
import { formatRanges, RANGE_FIELDS, RANGE_KEYS } from './range.js';
import type { Selector } from './selector.js';

/**
 * The one text of a selector: fields in fixed order as `keyword value`, lists with commas, `any` when there
 * is no field. A set is shown by its name.
 */
export function formatSelector(selector: Selector): string {
  const { mark, source, destination, interface: interfaces, cgroup } = selector;
  const fields: string[] = [];
  if (mark) fields.push(`mark ${formatMark(mark)}`);
  if (source) fields.push(`source ${formatAddressMatch(source).join(',')}`);
  if (destination) fields.push(`destination ${formatAddressMatch(destination).join(',')}`);
  for (const key of RANGE_KEYS) {
    const ranges = selector[key];
    if (ranges) fields.push(`${RANGE_FIELDS[key].word} ${formatRanges(key, ranges).join(',')}`);
  }
  if (interfaces) fields.push(`interface ${interfaces.map(word).join(',')}`);
  if (cgroup) fields.push(`cgroup ${cgroup.map(word).join(',')}`);
  return fields.length > 0 ? fields.join(' ') : 'any';
}

/** Names of interfaces and cgroups may have anything in them; what would be misread stands in quotes. */
function word(text: string): string {
  return /^[^\s,"]+$/.test(text) ? text : JSON.stringify(text);
}

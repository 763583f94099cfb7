/** Small helpers for the words of problem messages. */

const SHOWN = 60;

// Schema errors are single strings; JSON text never holds a bare line feed, so it can separate the parts.
const SEPARATOR = '\n';

/** A message and its hint as one string, for zod. */
export function problem(message: string, hint: string): string {
  return message + SEPARATOR + hint;
}

/** The two parts of {@link problem}; text without a hint gets a general one. */
export function splitProblem(text: string): { message: string; hint: string } {
  const at = text.indexOf(SEPARATOR);
  if (at < 0) return { message: text, hint: 'see the documentation of this setting' };
  return { message: text.slice(0, at), hint: text.slice(at + 1) };
}

/** A value as it is shown in messages: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of settings';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** The known word that was most probably meant, if one is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const kebab = word
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(kebab.length / 3)) + 1;
  for (const candidate of known) {
    const near = editDistance(kebab, candidate);
    const prefixed = kebab.length >= 3 && candidate.startsWith(kebab) ? 1 : near;
    if (Math.min(near, prefixed) < bestDistance) {
      best = candidate;
      bestDistance = Math.min(near, prefixed);
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 10) return 99;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      let distance = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + cost,
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 99;
}

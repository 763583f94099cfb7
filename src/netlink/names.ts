/** Looks a number up in a table of constants whose names are the public words. */
export function nameOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  value: number,
  fallback: Name,
): Name {
  for (const name in table) {
    if (table[name] === value) return name;
  }
  return fallback;
}

/** The names of all bits that are set. */
export function namesOfBits<Name extends string>(
  table: Readonly<Record<Name, number>>,
  value: number,
): Name[] {
  const names: Name[] = [];
  for (const name in table) {
    if ((value & table[name]) !== 0) names.push(name);
  }
  return names;
}

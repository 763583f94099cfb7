import { camelCase, pascalCase } from './btf/naming.js';
import type { BtfType } from './btf/types.js';

/** A number where it can be one exactly. */
function literal(value: bigint, big: boolean): string {
  return big ? `${value}n` : `${value}`;
}

/** `export const CX_MAX = 5;` */
export function constantLines(constants: readonly (readonly [string, bigint])[]): string[] {
  const lines = constants.map(([name, value]) => {
    const big = value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER);
    return `export const ${name} = ${literal(value, big)};`;
  });
  return lines.length === 0 ? [] : [...lines, ''];
}

/** The part all enumerators share, up to an underscore; what is left must still be a name. */
function commonPrefix(enumName: string, names: readonly string[]): string {
  const fits = (prefix: string): boolean =>
    names.every((name) => name.startsWith(prefix) && /^[A-Za-z]/.test(name.slice(prefix.length)));
  const own = `${enumName.toUpperCase()}_`;
  if (fits(own)) return own;
  if (names.length < 2) return '';
  let prefix = names[0] ?? '';
  while (prefix !== '' && !fits(prefix)) {
    const cut = prefix.replace(/_$/, '').lastIndexOf('_');
    prefix = cut < 0 ? '' : prefix.slice(0, cut + 1);
  }
  return prefix;
}

/** The object of values, its type, and the function that names a value. */
export function enumLines(type: BtfType & { kind: 'enum' | 'enum64' }): string[] {
  const name = pascalCase(type.name);
  const big = type.kind === 'enum64';
  const prefix = commonPrefix(
    type.name,
    type.values.map((each) => each.name),
  );
  const entries = type.values.map(
    (each) => [each.name.slice(prefix.length), literal(each.value, big)] as const,
  );
  const valueType = big ? 'bigint' : 'number';
  return [
    `/** enum ${type.name} */`,
    `export const ${name} = {`,
    ...entries.map(([key, value]) => `  ${key}: ${value},`),
    '} as const;',
    '',
    `export type ${name} = (typeof ${name})[keyof typeof ${name}];`,
    '',
    '/** The name of a value; its number when it has none. */',
    `export function ${lowerFirst(camelCase(type.name))}Name(value: ${valueType}): string {`,
    `  const entry = Object.entries(${name}).find(([, each]) => each === value);`,
    '  return entry?.[0] ?? String(value);',
    '}',
    '',
  ];
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

import type { BtfType } from './types.js';

const MAX_DEPTH = 32;

/** The name of a type as C writes it: `struct cx_row`, `const char *`, `__u8[16]`. */
export function typeName(source: { type(id: number): BtfType }, id: number, depth = 0): string {
  if (depth > MAX_DEPTH) return '...';
  const type = source.type(id);
  const below = (inner: number): string => typeName(source, inner, depth + 1);
  const named = (keyword: string): string =>
    `${keyword} ${type.name === '' ? `(anonymous ${id})` : type.name}`;
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'struct':
    case 'union':
      return named(type.kind);
    case 'enum':
    case 'enum64':
      return named('enum');
    case 'fwd':
      return named(type.union ? 'union' : 'struct');
    case 'ptr':
      return `${below(type.type)} *`;
    case 'array': {
      const element = below(type.type);
      const bracket = element.indexOf('[');
      const size = `[${type.length}]`;
      return bracket < 0 ? element + size : element.slice(0, bracket) + size + element.slice(bracket);
    }
    case 'const':
    case 'volatile':
    case 'restrict':
      return `${type.kind} ${below(type.type)}`;
    case 'type_tag':
      return below(type.type);
    case 'func_proto':
      return `${below(type.returns)} (${type.parameters.map((parameter) => below(parameter.type)).join(', ')})`;
    case 'int':
    case 'float':
    case 'typedef':
    case 'func':
    case 'var':
    case 'datasec':
    case 'decl_tag':
      return type.name;
  }
}

/** Writes a TypeScript module from BTF, so that layouts are written once, in C. */
import type { Btf } from './btf/btf.js';
import { pascalCase } from './btf/naming.js';
import type { BtfType } from './btf/types.js';
import { constantLines, enumLines } from './codegen-enum.js';
import { RecordWriter } from './codegen-record.js';
import { NotFoundError } from './errors.js';

export interface GenerateOptions {
  /** All structs, unions, enums and constants whose name begins so; constants in any case. */
  prefix?: string;
  /** More of them by name. What they are made of is added. */
  structs?: readonly string[];
  enums?: readonly string[];
  /** Comment at the top. */
  header?: string;
  /** Where the module finds this library. */
  importFrom?: string;
}

/**
 * For each struct an interface, `<Name>Size`, `encode<Name>` and `decode<Name>`; for each enum an object of its values, a
 * type and `<name>Name`; for each anonymous enum its constants. The text depends on the types only, and agrees with what
 * `Btf.codec` does.
 * @throws NotFoundError for a name that is not there, BtfError for a type without size
 */
export function generateTypes(btf: Btf, options: GenerateOptions): string {
  const enums = new Map<string, BtfType & { kind: 'enum' | 'enum64' }>();
  for (const type of btf.types()) {
    if (isEnum(type) && type.name !== '' && begins(type.name, options.prefix)) enums.set(type.name, type);
  }
  for (const name of options.enums ?? []) enums.set(name, findEnum(btf, name));

  const records = new RecordWriter((name) => {
    const known = enums.get(name) ?? btf.find(name, 'enum') ?? btf.find(name, 'enum64');
    if (known !== undefined) enums.set(name, known);
    return known;
  });
  for (const name of rootNames(btf, options.prefix)) records.add(name, btf.part(name));
  for (const name of options.structs ?? []) records.add(name, btf.part(btf.id(name)));

  const body = [
    ...constantLines(anonymousEnums(btf, options.prefix)),
    ...[...enums.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((type) => enumLines(type)),
    ...records.lines(),
  ];
  const header = options.header ?? 'Generated from the BTF of an object file. Do not edit.';
  const head = header.split('\n').map((line) => `// ${line}`.trimEnd());
  const imports = records.imports(options.importFrom ?? '../libbpf-ts/index.js');
  return `${[...head, ...imports, '', ...body].join('\n').trimEnd()}\n`;
}

function isEnum(type: BtfType): type is BtfType & { kind: 'enum' | 'enum64' } {
  return type.kind === 'enum' || type.kind === 'enum64';
}

function begins(name: string, prefix: string | undefined): boolean {
  return prefix !== undefined && name.toLowerCase().startsWith(prefix.toLowerCase());
}

function findEnum(btf: Btf, name: string): BtfType & { kind: 'enum' | 'enum64' } {
  const type = btf.find(name, 'enum') ?? btf.find(name, 'enum64');
  if (type !== undefined) return type;
  const names = btf.types().filter((each) => isEnum(each) && each.name !== '');
  throw new NotFoundError(
    'enum',
    name,
    names.map((each) => each.name),
  );
}

/** Structs and unions by name, and typedefs of anonymous ones. */
function rootNames(btf: Btf, prefix: string | undefined): string[] {
  const names = new Set<string>();
  for (const type of btf.types()) {
    if (!begins(type.name, prefix)) continue;
    if ((type.kind === 'struct' || type.kind === 'union') && type.size > 0) names.add(type.name);
    if (type.kind !== 'typedef') continue;
    const target = btf.type(type.type);
    if ((target.kind === 'struct' || target.kind === 'union') && target.name === '') names.add(type.name);
  }
  const sorted = [...names].sort();
  const clash = sorted.find(
    (name, i) => sorted.findIndex((other) => pascalCase(other) === pascalCase(name)) !== i,
  );
  return clash === undefined ? sorted : sorted.filter((name) => name !== clash);
}

function anonymousEnums(btf: Btf, prefix: string | undefined): (readonly [string, bigint])[] {
  const constants = new Map<string, bigint>();
  for (const type of btf.types()) {
    if (!isEnum(type) || type.name !== '') continue;
    for (const { name, value } of type.values) if (begins(name, prefix)) constants.set(name, value);
  }
  return [...constants].sort(([a], [b]) => (a < b ? -1 : 1));
}

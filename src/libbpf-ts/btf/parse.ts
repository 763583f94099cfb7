import { BtfError } from '../errors.js';
import type { BtfEnumerator, BtfMember, BtfParameter, BtfType, BtfVariable } from './types.js';

const MAGIC = 0xeb9f;
const HEADER = 24;
const MAX_TYPES = 1 << 20;

const KIND = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** Words from the type section, with one check of its end. */
class Reader {
  readonly #view: DataView;
  readonly littleEndian: boolean;
  offset: number;
  readonly #end: number;

  constructor(view: DataView, littleEndian: boolean, offset: number, end: number) {
    this.#view = view;
    this.littleEndian = littleEndian;
    this.offset = offset;
    this.#end = end;
  }

  get done(): boolean {
    return this.offset >= this.#end;
  }

  /** Makes sure that `count` records of `size` bytes are there before an array of them is made. */
  need(count: number, size: number): void {
    if (this.offset + count * size > this.#end) throw new BtfError('BTF: a type reaches beyond its section');
  }

  u32(): number {
    this.need(1, 4);
    const value = this.#view.getUint32(this.offset, this.littleEndian);
    this.offset += 4;
    return value;
  }

  i32(): number {
    return this.u32() | 0;
  }
}

export interface ParsedBtf {
  types: BtfType[];
  littleEndian: boolean;
}

/**
 * Parses raw BTF (the section `.BTF`, /sys/kernel/btf/..., or what the kernel gives for an id), of either byte order.
 * The result is checked for references that lead nowhere, not for sense: cycles are found where types are used.
 * @throws BtfError and nothing else
 */
export function parseBtf(bytes: Uint8Array): ParsedBtf {
  if (bytes.length < HEADER) throw new BtfError(`BTF: ${bytes.length} bytes are too short for a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== MAGIC) throw new BtfError('BTF: wrong magic number');
  const u32 = (offset: number): number => view.getUint32(offset, littleEndian);
  const headerLength = u32(4);
  const typesAt = headerLength + u32(8);
  const typesEnd = typesAt + u32(12);
  const stringsAt = headerLength + u32(16);
  const stringsEnd = stringsAt + u32(20);
  if (headerLength < HEADER || typesEnd > bytes.length || stringsEnd > bytes.length) {
    throw new BtfError('BTF: a section reaches beyond the end');
  }
  const strings = new Strings(bytes.subarray(stringsAt, stringsEnd));
  const reader = new Reader(view, littleEndian, typesAt, typesEnd);
  const types: BtfType[] = [{ id: 0, kind: 'void', name: 'void' }];
  while (!reader.done) {
    if (types.length > MAX_TYPES) throw new BtfError('BTF: more types than the kernel accepts');
    types.push(parseType(reader, strings, types.length));
  }
  for (const type of types) checkReferences(type, types.length);
  return { types, littleEndian };
}

class Strings {
  readonly #bytes: Buffer;
  readonly #known = new Map<number, string>();

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  at(offset: number): string {
    if (offset === 0) return '';
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.#bytes.length) throw new BtfError('BTF: a name lies beyond the string section');
    const end = this.#bytes.indexOf(0, offset);
    if (end < 0) throw new BtfError('BTF: the string section does not end');
    const text = this.#bytes.toString('utf8', offset, end);
    this.#known.set(offset, text);
    return text;
  }
}

function parseType(reader: Reader, strings: Strings, id: number): BtfType {
  const name = strings.at(reader.u32());
  const info = reader.u32();
  const sizeOrType = reader.u32();
  const count = info & 0xffff;
  const flag = info >>> 31 === 1;
  const base = { id, name };
  switch ((info >>> 24) & 0x1f) {
    case KIND.INT: {
      const encoding = reader.u32();
      const bits = encoding & 0xff;
      const shape = { signed: (encoding & (1 << 24)) !== 0, char: (encoding & (1 << 25)) !== 0 };
      return { ...base, kind: 'int', size: sizeOrType, bits, ...shape, bool: (encoding & (1 << 26)) !== 0 };
    }
    case KIND.FLOAT:
      return { ...base, kind: 'float', size: sizeOrType };
    case KIND.PTR:
      return { ...base, kind: 'ptr', type: sizeOrType };
    case KIND.ARRAY:
      return { ...base, kind: 'array', type: reader.u32(), indexType: reader.u32(), length: reader.u32() };
    case KIND.STRUCT:
      return { ...base, kind: 'struct', size: sizeOrType, members: members(reader, strings, count, flag) };
    case KIND.UNION:
      return { ...base, kind: 'union', size: sizeOrType, members: members(reader, strings, count, flag) };
    case KIND.ENUM:
      return {
        ...base,
        kind: 'enum',
        size: sizeOrType,
        signed: flag,
        values: enums(reader, strings, count, flag),
      };
    case KIND.ENUM64: {
      const values = enums64(reader, strings, count, flag);
      return { ...base, kind: 'enum64', size: sizeOrType, signed: flag, values };
    }
    case KIND.FWD:
      return { ...base, kind: 'fwd', union: flag };
    case KIND.TYPEDEF:
      return { ...base, kind: 'typedef', type: sizeOrType };
    case KIND.VOLATILE:
      return { ...base, kind: 'volatile', type: sizeOrType };
    case KIND.CONST:
      return { ...base, kind: 'const', type: sizeOrType };
    case KIND.RESTRICT:
      return { ...base, kind: 'restrict', type: sizeOrType };
    case KIND.TYPE_TAG:
      return { ...base, kind: 'type_tag', type: sizeOrType };
    case KIND.FUNC:
      return { ...base, kind: 'func', type: sizeOrType, linkage: count };
    case KIND.FUNC_PROTO:
      return {
        ...base,
        kind: 'func_proto',
        returns: sizeOrType,
        parameters: parameters(reader, strings, count),
      };
    case KIND.VAR:
      return { ...base, kind: 'var', type: sizeOrType, linkage: reader.u32() };
    case KIND.DATASEC:
      return { ...base, kind: 'datasec', size: sizeOrType, variables: variables(reader, count) };
    case KIND.DECL_TAG:
      return { ...base, kind: 'decl_tag', type: sizeOrType, component: reader.i32() };
    default:
      throw new BtfError(`BTF: type ${id} has an unknown kind ${(info >>> 24) & 0x1f}`);
  }
}

function members(reader: Reader, strings: Strings, count: number, bitFields: boolean): BtfMember[] {
  reader.need(count, 12);
  return Array.from({ length: count }, () => {
    const name = strings.at(reader.u32());
    const type = reader.u32();
    const offset = reader.u32();
    if (!bitFields) return { name, type, bitOffset: offset, bits: 0 };
    return { name, type, bitOffset: offset & 0xffffff, bits: offset >>> 24 };
  });
}

function enums(reader: Reader, strings: Strings, count: number, signed: boolean): BtfEnumerator[] {
  reader.need(count, 8);
  return Array.from({ length: count }, () => {
    const name = strings.at(reader.u32());
    return { name, value: BigInt(signed ? reader.i32() : reader.u32()) };
  });
}

function enums64(reader: Reader, strings: Strings, count: number, signed: boolean): BtfEnumerator[] {
  reader.need(count, 12);
  return Array.from({ length: count }, () => {
    const name = strings.at(reader.u32());
    const low = BigInt(reader.u32());
    const value = (BigInt(reader.u32()) << 32n) | low;
    return { name, value: signed ? BigInt.asIntN(64, value) : value };
  });
}

function parameters(reader: Reader, strings: Strings, count: number): BtfParameter[] {
  reader.need(count, 8);
  return Array.from({ length: count }, () => ({ name: strings.at(reader.u32()), type: reader.u32() }));
}

function variables(reader: Reader, count: number): BtfVariable[] {
  reader.need(count, 12);
  return Array.from({ length: count }, () => ({
    type: reader.u32(),
    offset: reader.u32(),
    size: reader.u32(),
  }));
}

function checkReferences(type: BtfType, count: number): void {
  const references: number[] = [];
  if ('type' in type) references.push(type.type);
  if ('members' in type) for (const member of type.members) references.push(member.type);
  if ('parameters' in type) for (const parameter of type.parameters) references.push(parameter.type);
  if ('variables' in type) for (const variable of type.variables) references.push(variable.type);
  if (type.kind === 'func_proto') references.push(type.returns);
  for (const reference of references) {
    if (reference >= count)
      throw new BtfError(`BTF: type ${type.id} refers to type ${reference}, which is not there`);
  }
}

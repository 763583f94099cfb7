import { BtfError } from '../errors.js';
import {
  ADDRESSES,
  array,
  bigInteger,
  bitField,
  boolean,
  byteArray,
  type Field,
  float,
  type Part,
  record,
  smallInteger,
  text,
} from './codec.js';
import { camelCase } from './naming.js';
import type { BtfMember, BtfType } from './types.js';

/** What the compiler needs of a BTF. */
export interface TypeSource {
  readonly littleEndian: boolean;
  type(id: number): BtfType;
  declTags(id: number, component?: number): string[];
}

const MAX_DEPTH = 64;
const BIG_ENDIAN_TAGS: readonly string[] = ['be16', 'be32', 'be64'];
/** Typedefs of the kernel's headers that say what a tag would. */
const TELLING_TYPEDEFS: Readonly<Record<string, string | undefined>> = {
  __be16: 'be16',
  __be32: 'be32',
  __be64: 'be64',
};

/** Makes codecs of types. Tags (`ipv6`, `mac`, `be16`, ...) come from members, variables and typedefs. */
export class CodecCompiler {
  readonly #source: TypeSource;
  readonly #known = new Map<string, Part>();
  readonly #open = new Set<string>();

  constructor(source: TypeSource) {
    this.#source = source;
  }

  /** @throws BtfError for types without size, cycles and members outside of their struct */
  part(id: number, tags: readonly string[] = []): Part {
    const key = `${id}:${tags.join(',')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#open.has(key)) throw new BtfError(`BTF: type ${id} contains itself`);
    if (this.#open.size > MAX_DEPTH) throw new BtfError(`BTF: type ${id} is nested too deeply`);
    this.#open.add(key);
    try {
      const part = this.#make(this.#source.type(id), tags);
      this.#known.set(key, part);
      return part;
    } finally {
      this.#open.delete(key);
    }
  }

  #make(type: BtfType, tags: readonly string[]): Part {
    const little = this.#source.littleEndian && !tags.some((tag) => BIG_ENDIAN_TAGS.includes(tag));
    switch (type.kind) {
      case 'typedef': {
        const own = [...this.#source.declTags(type.id)];
        const telling = TELLING_TYPEDEFS[type.name];
        if (telling !== undefined) own.push(telling);
        return this.part(type.type, [...tags, ...own]);
      }
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.part(type.type, tags);
      case 'var':
        return this.part(type.type, [...tags, ...this.#source.declTags(type.id)]);
      case 'int':
        return this.#tagged(type.size, tags) ?? withEnum(integer(type, little), enumTag(tags));
      case 'enum':
      case 'enum64':
        return withEnum(integer({ ...type, bool: false }, little), type.name);
      case 'float':
        if (type.size !== 4 && type.size !== 8) throw new BtfError(`BTF: a float of ${type.size} bytes`);
        return float(type.size, little);
      case 'ptr':
        return bigInteger(8, false, little, 'a pointer');
      case 'array':
        return this.#array(type, tags);
      case 'struct':
      case 'union': {
        const own = type.name === 'in6_addr' && type.size === 16 ? [...tags, 'ipv6'] : tags;
        return this.#tagged(type.size, own) ?? this.#record(type);
      }
      case 'datasec':
        return this.#section(type);
      case 'void':
      case 'fwd':
      case 'func':
      case 'func_proto':
      case 'decl_tag':
        throw new BtfError(`BTF: ${type.kind} ${type.name} has no values`);
    }
  }

  #tagged(size: number, tags: readonly string[]): Part | undefined {
    for (const tag of tags) {
      const part = ADDRESSES[tag];
      if (part?.size === size) return part;
    }
    return undefined;
  }

  #array(type: BtfType & { kind: 'array' }, tags: readonly string[]): Part {
    const element = this.part(type.type, tags);
    const size = element.size * type.length;
    if (!Number.isSafeInteger(size)) throw new BtfError(`BTF: array ${type.id} is too large`);
    const tagged = this.#tagged(size, tags);
    if (tagged !== undefined) return tagged;
    const base = this.#bare(type.type);
    if (base.kind === 'int' && base.size === 1 && !base.bool) {
      // Each element must not be an address by itself, which 1 byte never is.
      return tags.includes('string') || isChar(base) ? text(size) : byteArray(size);
    }
    return array(element, type.length);
  }

  #record(type: BtfType & { kind: 'struct' | 'union' }): Part {
    const union = type.kind === 'union';
    if (type.size === 0) return record(0, [], type.name, union);
    const fields: Field[] = [];
    type.members.forEach((member, index) => {
      fields.push(...this.#member(type, member, index));
    });
    return record(type.size, fields, type.name, union);
  }

  /** The variables of a section, as a struct. */
  #section(type: BtfType & { kind: 'datasec' }): Part {
    const fields = type.variables.map((variable) => {
      const part = this.part(variable.type);
      if (variable.offset + part.size > type.size) {
        throw new BtfError(`BTF: a variable lies outside of section ${type.name}`);
      }
      const name = camelCase(this.#source.type(variable.type).name);
      return { name, offset: variable.offset, part, inUnion: false };
    });
    return record(type.size, fields, type.name);
  }

  #member(type: BtfType & { kind: 'struct' | 'union' }, member: BtfMember, index: number): Field[] {
    const inUnion = type.kind === 'union';
    const bits = member.bits || this.#oldStyleBits(member);
    if (bits > 0) {
      if (member.bitOffset + bits > type.size * 8 || bits > 64) throw this.#outside(type, member);
      const base = this.#bare(member.type);
      const signed = 'signed' in base && base.signed;
      const part = bitField(member.bitOffset, bits, signed, this.#source.littleEndian);
      return member.name === '' ? [] : [{ name: camelCase(member.name), offset: 0, part, inUnion }];
    }
    if (member.bitOffset % 8 !== 0) throw this.#outside(type, member);
    const offset = member.bitOffset / 8;
    const part = this.part(member.type, this.#source.declTags(type.id, index));
    if (offset + part.size > type.size) throw this.#outside(type, member);
    if (member.name !== '') return [{ name: camelCase(member.name), offset, part, inUnion }];
    // The members of an anonymous struct or union are used as if they were the outer one's.
    const inner = this.#bare(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') return [];
    const fields: Field[] = [];
    inner.members.forEach((innerMember, i) => {
      for (const field of this.#member(inner, innerMember, i)) {
        fields.push({ ...field, offset: field.offset + offset, inUnion: inUnion || field.inUnion });
      }
    });
    return fields;
  }

  /** Before the flag for bit fields, an int of fewer bits than its size has was one. */
  #oldStyleBits(member: BtfMember): number {
    const base = this.#bare(member.type);
    return base.kind === 'int' && base.bits > 0 && base.bits < base.size * 8 && !base.bool ? base.bits : 0;
  }

  #outside(type: BtfType, member: BtfMember): BtfError {
    return new BtfError(`BTF: member ${member.name} lies outside of ${type.kind} ${type.name}`);
  }

  /** The type below typedefs and qualifiers. */
  #bare(id: number): BtfType {
    let type = this.#source.type(id);
    for (let steps = 0; 'type' in type && isWrapper(type.kind); steps++) {
      if (steps > MAX_DEPTH) throw new BtfError(`BTF: type ${id} is nested too deeply`);
      type = this.#source.type(type.type);
    }
    return type;
  }
}

function isWrapper(kind: BtfType['kind']): boolean {
  return (
    kind === 'typedef' ||
    kind === 'const' ||
    kind === 'volatile' ||
    kind === 'restrict' ||
    kind === 'type_tag'
  );
}

/** Clang marks char by name only. */
function isChar(type: BtfType & { kind: 'int' }): boolean {
  return type.char || type.name === 'char';
}

function integer(
  type: { size: number; signed: boolean; bool: boolean; name: string },
  little: boolean,
): Part {
  if (type.bool) return boolean(Math.max(1, Math.min(type.size, 16)));
  switch (type.size) {
    case 1:
    case 2:
    case 4:
      return smallInteger(type.size, type.signed, little, type.name);
    case 8:
    case 16:
      return bigInteger(type.size, type.signed, little, type.name);
    default:
      throw new BtfError(`BTF: an integer of ${type.size} bytes`);
  }
}

function enumTag(tags: readonly string[]): string | undefined {
  return tags.find((tag) => tag.startsWith('enum:'))?.slice('enum:'.length);
}

function withEnum(part: Part, name: string | undefined): Part {
  const { shape } = part;
  if (name === undefined || name === '' || (shape.kind !== 'integer' && shape.kind !== 'bigint')) return part;
  return { ...part, shape: { ...shape, enumName: name } };
}

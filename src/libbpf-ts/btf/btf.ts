import { readFileSync } from 'node:fs';
import { addon } from '../../native/addon.js';
import { checkNumber } from '../check.js';
import { BtfError, NotFoundError, native } from '../errors.js';
import { systemError } from '../system-error.js';
import { type Codec, codecOf, type Part } from './codec.js';
import { CodecCompiler, type TypeSource } from './compile.js';
import { elfSection } from './elf.js';
import { parseBtf } from './parse.js';
import { typeName } from './type-name.js';
import type { BtfKind, BtfType } from './types.js';

/** Kinds a name without a kind may mean, best first. */
const NAMED: readonly BtfKind[] = ['struct', 'union', 'enum', 'enum64', 'typedef', 'int', 'float'];

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw systemError(error, `read ${path}`);
  }
}

/** Type information: of an object file, a loaded map, or the kernel. Immutable. */
export class Btf implements TypeSource {
  /** What it was made from: the content of a .BTF section. */
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #types: readonly BtfType[];
  readonly #byName = new Map<string, number[]>();
  readonly #tags = new Map<number, { component: number; text: string }[]>();
  readonly #compiler = new CodecCompiler(this);
  readonly #codecs = new Map<number, Codec<unknown>>();

  private constructor(bytes: Uint8Array) {
    const parsed = parseBtf(bytes);
    this.bytes = bytes;
    this.#types = parsed.types;
    this.littleEndian = parsed.littleEndian;
    for (const type of parsed.types) {
      if (type.kind === 'decl_tag') {
        push(this.#tags, type.type, { component: type.component, text: type.name });
      } else if (type.name !== '') {
        push(this.#byName, type.name, type.id);
      }
    }
  }

  /** From the content of a .BTF section. @throws BtfError */
  static fromBytes(raw: Uint8Array): Btf {
    return new Btf(raw);
  }

  /**
   * From an object file. Offsets of global variables are not known before libbpf has opened it: see `BpfObject.btf`.
   * @throws BtfError without a section .BTF (compile with -g)
   */
  static fromObject(pathOrBytes: string | Uint8Array): Btf {
    const file = typeof pathOrBytes === 'string' ? readFile(pathOrBytes) : pathOrBytes;
    const section = elfSection(file, '.BTF');
    if (section === undefined) throw new BtfError('The object has no section .BTF; compile with -g');
    return new Btf(section);
  }

  /** From the kernel, by id. Needs CAP_SYS_ADMIN. */
  static fromId(id: number): Btf {
    checkNumber('id', id, 1);
    return new Btf(native(() => addon().btfById(id), { operation: `read the BTF with id ${id}` }));
  }

  /** What a map was loaded with. @throws BtfError when that is nothing */
  static fromMap(map: { readonly name: string; readonly info: { btfId: number } }): Btf {
    const { btfId } = map.info;
    if (btfId === 0) throw new BtfError(`Map '${map.name}' was loaded without type information`);
    return Btf.fromId(btfId);
  }

  /** The types of the running kernel: some hundred thousand, parsed in about a second. */
  static vmlinux(): Btf {
    return new Btf(readFile('/sys/kernel/btf/vmlinux'));
  }

  /** @throws BtfError for an id that is not there */
  type(id: number): BtfType {
    const type = this.#types[id];
    if (type === undefined) throw new BtfError(`There is no type ${id}`);
    return type;
  }

  types(): readonly BtfType[] {
    return this.#types;
  }

  /** The first type of that name, of that kind if one is given. */
  find<K extends BtfKind = BtfKind>(name: string, kind?: K): (BtfType & { kind: K }) | undefined {
    const candidates = (this.#byName.get(name) ?? []).map((id) => this.type(id));
    const wanted = kind === undefined ? NAMED : [kind];
    for (const each of wanted) {
      const type = candidates.find((candidate) => candidate.kind === each);
      if (type !== undefined) return type as BtfType & { kind: K };
    }
    return undefined;
  }

  /** The id of a type by name (`cx_row`, `struct cx_row`) or by id. @throws NotFoundError, BtfError */
  id(nameOrId: string | number): number {
    if (typeof nameOrId === 'number') return this.type(nameOrId).id;
    const match = /^(struct|union|enum) (.+)$/.exec(nameOrId);
    const type =
      match === null
        ? this.find(nameOrId)
        : (this.find(match[2] ?? '', match[1] as BtfKind) ??
          (match[1] === 'enum' ? this.find(match[2] ?? '', 'enum64') : undefined));
    if (type === undefined) {
      const structs = this.#types.filter((each) => each.kind === 'struct' && each.name !== '');
      throw new NotFoundError(
        'type',
        nameOrId,
        structs.slice(0, 50).map((each) => each.name),
      );
    }
    return type.id;
  }

  /** How a type is laid out, for generators. @throws BtfError for types without values */
  part(nameOrId: string | number): Part {
    return this.#compiler.part(this.id(nameOrId));
  }

  /** In bytes. @throws BtfError for types without values */
  sizeof(nameOrId: string | number): number {
    return this.part(nameOrId).size;
  }

  /** Cached. */
  codec<T>(nameOrId: string | number): Codec<T> {
    const id = this.id(nameOrId);
    let codec = this.#codecs.get(id);
    if (codec === undefined) {
      codec = codecOf(this.#compiler.part(id), this.typeName(id));
      this.#codecs.set(id, codec);
    }
    return codec as Codec<T>;
  }

  decode<T>(nameOrId: string | number, bytes: Uint8Array, offset = 0): T {
    return this.codec<T>(nameOrId).decode(bytes, offset);
  }

  encode<T>(nameOrId: string | number, value: T): Uint8Array {
    return this.codec<T>(nameOrId).encode(value);
  }

  /** The name of an enumerator; undefined for a value that has none. */
  enumName(nameOrId: string | number, value: number | bigint): string | undefined {
    const type = this.type(
      typeof nameOrId === 'string'
        ? this.id(nameOrId.startsWith('enum ') ? nameOrId : `enum ${nameOrId}`)
        : nameOrId,
    );
    if (type.kind !== 'enum' && type.kind !== 'enum64')
      throw new BtfError(`${this.typeName(type.id)} is no enum`);
    const wanted = BigInt(value);
    return type.values.find((each) => each.value === wanted)?.name;
  }

  /** `btf_decl_tag`s of a type, or of one of its members. */
  declTags(id: number, component = -1): string[] {
    return (this.#tags.get(id) ?? []).filter((tag) => tag.component === component).map((tag) => tag.text);
  }

  /** As it is written in C. */
  typeName(id: number): string {
    return typeName(this, id);
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

import type { AddressFormat, Field, Part, Shape } from './btf/codec.js';
import { pascalCase } from './btf/naming.js';

type RecordShape = Shape & { kind: 'record' };
type Helper = 'inRange' | 'fitBig' | 'fitBytes' | 'readBits' | 'readText' | 'writeBits' | 'writeText';

const FORMATS: Readonly<Record<AddressFormat, { format: string; parse: string; bytes: number }>> = {
  ipv6: { format: 'formatIpv6', parse: 'parseIpv6', bytes: 16 },
  ipv4: { format: 'formatIpv4', parse: 'parseIpv4', bytes: 4 },
  mac: { format: 'formatMac', parse: 'parseMac', bytes: 6 },
};

/** Small functions the module gets when it needs them: what a type cannot hold must not be cut off silently. */
const HELPERS: Readonly<Record<Helper, readonly string[]>> = {
  inRange: [
    'function inRange(value: number, low: number, high: number, name: string): number {',
    '  if (Number.isInteger(value) && value >= low && value <= high) return value;',
    '  throw new RangeError(`$' +
      '{name}: $' +
      '{value} is not an integer from $' +
      '{low} to $' +
      '{high}`);',
    '}',
  ],
  fitBig: [
    'function fitBig(value: bigint, bits: number, signed: boolean, name: string): bigint {',
    '  if ((signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value) return value;',
    '  throw new RangeError(`$' + '{name}: $' + '{value} does not fit $' + '{bits} bits`);',
    '}',
  ],
  fitBytes: [
    'function fitBytes(value: Uint8Array, size: number, name: string): Uint8Array {',
    '  if (value.length === size) return value;',
    '  throw new RangeError(`$' + '{name}: $' + '{value.length} bytes where $' + '{size} belong`);',
    '}',
  ],
  readBits: [
    '/** Bit 0 is the lowest of the first byte on little-endian machines, the highest on others. */',
    'function readBits(view: DataView, first: number, bits: number, signed: boolean, little: boolean): bigint {',
    '  let value = 0n;',
    '  for (let bit = first; bit < first + bits; bit++) {',
    '    const one = (view.getUint8(bit >> 3) >> (little ? bit & 7 : 7 - (bit & 7))) & 1;',
    '    value |= BigInt(one) << BigInt(little ? bit - first : first + bits - 1 - bit);',
    '  }',
    '  return signed ? BigInt.asIntN(bits, value) : value;',
    '}',
  ],
  writeBits: [
    'function writeBits(view: DataView, first: number, bits: number, value: bigint, little: boolean): void {',
    '  for (let bit = first; bit < first + bits; bit++) {',
    '    const one = Number((value >> BigInt(little ? bit - first : first + bits - 1 - bit)) & 1n);',
    '    const shift = little ? bit & 7 : 7 - (bit & 7);',
    '    view.setUint8(bit >> 3, (view.getUint8(bit >> 3) & ~(1 << shift)) | (one << shift));',
    '  }',
    '}',
  ],
  readText: [
    'function readText(bytes: Uint8Array): string {',
    '  const end = bytes.indexOf(0);',
    "  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });",
    '  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));',
    '}',
  ],
  writeText: [
    'function writeText(value: string, size: number, name: string): Uint8Array {',
    '  const bytes = new TextEncoder().encode(value);',
    '  if (bytes.length <= size) return bytes;',
    '  throw new RangeError(`$' + '{name}: $' + '{bytes.length} bytes of text where $' + '{size} fit`);',
    '}',
  ],
};

/** Writes interfaces and codecs of structs, those inside before those outside. */
export class RecordWriter {
  readonly #blocks = new Map<string, string[]>();
  readonly #imports = new Set<string>();
  readonly #helpers = new Set<Helper>();
  readonly #enumOf: (name: string) => { name: string } | undefined;

  /** `enumOf` answers, and notes, the enum of that name. */
  constructor(enumOf: (name: string) => { name: string } | undefined) {
    this.#enumOf = enumOf;
  }

  add(cName: string, part: Part): void {
    const name = pascalCase(cName);
    if (this.#blocks.has(name) || part.shape.kind !== 'record') return;
    const { shape } = part;
    const typed = shape.fields.map((field) => ({
      field,
      type: this.#type(field.part, `${name}${upper(field.name)}`),
    }));
    const block = [
      `/** ${shape.union ? 'union' : 'struct'} ${cName} */`,
      `export interface ${name} {`,
      ...typed.map(({ field, type }) => `  ${field.name}${field.inUnion ? '?' : ''}: ${type};`),
      '}',
      '',
      `export const ${name}Size = ${part.size};`,
      '',
      ...this.#encoder(name, shape),
      ...this.#decoder(name, shape),
    ];
    this.#blocks.set(name, block);
  }

  lines(): string[] {
    const helpers = (Object.keys(HELPERS) as Helper[]).filter((helper) => this.#helpers.has(helper));
    return [...[...this.#blocks.values()].flat(), ...helpers.flatMap((helper) => [...HELPERS[helper], ''])];
  }

  imports(from: string): string[] {
    if (this.#imports.size === 0) return [];
    return [`import { ${[...this.#imports].sort().join(', ')} } from '${from}';`];
  }

  #encoder(name: string, shape: RecordShape): string[] {
    const used = shape.fields.some((field) => usesView(field.part));
    return [
      '/** Writes padding as zero. @throws RangeError for what a field cannot hold */',
      ...signature(
        `encode${name}`,
        [`value: ${name}`, `into = new Uint8Array(${name}Size)`, 'offset = 0'],
        'Uint8Array',
      ),
      ...(used ? [`  const view = new DataView(into.buffer, into.byteOffset + offset, ${name}Size);`] : []),
      `  into.fill(0, offset, offset + ${name}Size);`,
      ...shape.fields.flatMap((field) => this.#writeField(name, field)),
      '  return into;',
      '}',
      '',
    ];
  }

  #decoder(name: string, shape: RecordShape): string[] {
    const used = shape.fields.some((field) => usesView(field.part));
    return [
      `export function decode${name}(bytes: Uint8Array, offset = 0): ${name} {`,
      ...(used ? [`  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, ${name}Size);`] : []),
      '  return {',
      ...shape.fields.map((field) => {
        const text = this.#read(field.part, String(field.offset), `${name}${upper(field.name)}`);
        return `    ${field.name}: ${text},`;
      }),
      '  };',
      '}',
      '',
    ];
  }

  #writeField(owner: string, field: Field): string[] {
    const value = `value.${field.name}`;
    const lines = this.#write(
      field.part,
      String(field.offset),
      value,
      `${owner}${upper(field.name)}`,
      field.name,
    );
    if (!field.inUnion) return lines.map((line) => `  ${line}`);
    return [`  if (${value} !== undefined) {`, ...lines.map((line) => `    ${line}`), '  }'];
  }

  /** The TypeScript type; notes structs inside. */
  #type(part: Part, path: string): string {
    const { shape } = part;
    switch (shape.kind) {
      case 'integer':
      case 'bigint': {
        const named = shape.enumName === undefined ? undefined : this.#enumOf(shape.enumName);
        return named === undefined
          ? shape.kind === 'integer'
            ? 'number'
            : 'bigint'
          : pascalCase(named.name);
      }
      case 'boolean':
        return 'boolean';
      case 'float':
        return 'number';
      case 'bits':
        return shape.bits <= 32 ? 'number' : 'bigint';
      case 'bytes':
        return 'Uint8Array';
      case 'text':
      case 'address':
        return 'string';
      case 'array':
        return `${this.#type(shape.element, path)}[]`;
      case 'record':
        this.add(shape.name === '' ? path : shape.name, part);
        return recordName(shape, path);
    }
  }

  #read(part: Part, at: string, path: string): string {
    const { shape } = part;
    const bytes = (size: number): string =>
      `bytes.subarray(${plus('offset', at)}, ${plus('offset', plus(at, size))})`;
    switch (shape.kind) {
      case 'integer': {
        const call = `view.${getter(shape.signed, shape.bytes)}(${at}${shape.bytes === 1 ? '' : `, ${shape.little}`})`;
        return this.#cast(call, shape.enumName);
      }
      case 'bigint':
        return this.#cast(this.#readBig(shape, at), shape.enumName);
      case 'boolean':
        return `view.getUint8(${at}) !== 0`;
      case 'float':
        return `view.getFloat${shape.bytes * 8}(${at}, ${shape.little})`;
      case 'bits':
        return this.#readBits(shape, at);
      case 'bytes':
        return `new Uint8Array(${bytes(shape.bytes)})`;
      case 'text':
        this.#helpers.add('readText');
        return `readText(${bytes(shape.bytes)})`;
      case 'address': {
        const { format, bytes: size } = FORMATS[shape.format];
        this.#imports.add(format);
        return `${format}(${bytes(size)})`;
      }
      case 'array': {
        const index = loopName(at);
        const inner = this.#read(shape.element, plus(at, `${index} * ${shape.element.size}`), path);
        return `Array.from({ length: ${shape.length} }, (_, ${index}) => ${inner})`;
      }
      case 'record':
        return `decode${recordName(shape, path)}(bytes, ${plus('offset', at)})`;
    }
  }

  #write(part: Part, at: string, value: string, path: string, label: string): string[] {
    const { shape } = part;
    switch (shape.kind) {
      case 'integer': {
        this.#helpers.add('inRange');
        const fitted = `inRange(${value}, ${range(shape.bytes * 8, shape.signed)}, '${label}')`;
        const order = shape.bytes === 1 ? '' : `, ${shape.little}`;
        return [`view.${setter(shape.signed, shape.bytes)}(${at}, ${fitted}${order});`];
      }
      case 'bigint':
        return this.#writeBig(shape, at, value, label);
      case 'boolean':
        return [`view.setUint8(${at}, ${value} ? 1 : 0);`];
      case 'float':
        return [`view.setFloat${shape.bytes * 8}(${at}, ${value}, ${shape.little});`];
      case 'bits':
        return this.#writeBits(shape, at, value, label);
      case 'bytes':
        this.#helpers.add('fitBytes');
        return [`into.set(fitBytes(${value}, ${shape.bytes}, '${label}'), ${plus('offset', at)});`];
      case 'text':
        this.#helpers.add('writeText');
        return [`into.set(writeText(${value}, ${shape.bytes}, '${label}'), ${plus('offset', at)});`];
      case 'address': {
        const { parse } = FORMATS[shape.format];
        this.#imports.add(parse);
        return [`into.set(${parse}(${value}), ${plus('offset', at)});`];
      }
      case 'array': {
        this.#helpers.add('inRange');
        const index = loopName(at);
        const item = `${index}Item`;
        const inner = this.#write(
          shape.element,
          plus(at, `${index} * ${shape.element.size}`),
          item,
          path,
          label,
        );
        return [
          `inRange(${value}.length, 0, ${shape.length}, '${label}.length');`,
          `for (const [${index}, ${item}] of ${value}.entries()) {`,
          ...inner.map((line) => `  ${line}`),
          '}',
        ];
      }
      case 'record':
        return [`encode${recordName(shape, path)}(${value}, into, ${plus('offset', at)});`];
    }
  }

  #cast(call: string, enumName: string | undefined): string {
    const named = enumName === undefined ? undefined : this.#enumOf(enumName);
    return named === undefined ? call : `${call} as ${pascalCase(named.name)}`;
  }

  #readBig(shape: Shape & { kind: 'bigint' }, at: string): string {
    const half = `view.${shape.signed && shape.bytes === 8 ? 'getBigInt64' : 'getBigUint64'}`;
    if (shape.bytes === 8) return `${half}(${at}, ${shape.little})`;
    const [low, high] = shape.little ? [at, plus(at, 8)] : [plus(at, 8), at];
    const whole = `(view.getBigUint64(${high}, ${shape.little}) << 64n) | view.getBigUint64(${low}, ${shape.little})`;
    return shape.signed ? `BigInt.asIntN(128, ${whole})` : whole;
  }

  #writeBig(shape: Shape & { kind: 'bigint' }, at: string, value: string, label: string): string[] {
    this.#helpers.add('fitBig');
    const fitted = `fitBig(${value}, ${shape.bytes * 8}, ${shape.signed}, '${label}')`;
    if (shape.bytes === 8) {
      return [`view.setBig${shape.signed ? 'Int' : 'Uint'}64(${at}, ${fitted}, ${shape.little});`];
    }
    const [low, high] = shape.little ? [at, plus(at, 8)] : [plus(at, 8), at];
    return [
      `view.setBigUint64(${low}, BigInt.asUintN(64, ${fitted}), ${shape.little});`,
      `view.setBigUint64(${high}, BigInt.asUintN(64, ${value} >> 64n), ${shape.little});`,
    ];
  }

  #readBits(shape: Shape & { kind: 'bits' }, at: string): string {
    this.#helpers.add('readBits');
    const call = `readBits(view, ${firstBit(shape, at)}, ${shape.bits}, ${shape.signed}, ${shape.little})`;
    return shape.bits <= 32 ? `Number(${call})` : call;
  }

  #writeBits(shape: Shape & { kind: 'bits' }, at: string, value: string, label: string): string[] {
    let checked: string;
    if (shape.bits <= 32) {
      this.#helpers.add('inRange');
      checked = `BigInt(inRange(${value}, ${range(shape.bits, shape.signed)}, '${label}'))`;
    } else {
      this.#helpers.add('fitBig');
      checked = `fitBig(${value}, ${shape.bits}, ${shape.signed}, '${label}')`;
    }
    this.#helpers.add('writeBits');
    return [`writeBits(view, ${firstBit(shape, at)}, ${shape.bits}, ${checked}, ${shape.little});`];
  }
}

function firstBit(shape: Shape & { kind: 'bits' }, at: string): string {
  return plus(at === '0' ? '0' : /^\d+$/.test(at) ? String(Number(at) * 8) : `(${at}) * 8`, shape.bitOffset);
}

function recordName(shape: RecordShape, path: string): string {
  return pascalCase(shape.name === '' ? path : shape.name);
}

function usesView(part: Part): boolean {
  if (part.shape.kind === 'array') return usesView(part.shape.element);
  return !['bytes', 'text', 'address', 'record'].includes(part.shape.kind);
}

function upper(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const LINE = 110;

/** The first line of a function, in as many lines as the formatter would make of it. */
function signature(name: string, parameters: readonly string[], result: string): string[] {
  const line = `export function ${name}(${parameters.join(', ')}): ${result} {`;
  if (line.length <= LINE) return [line];
  return [`export function ${name}(`, ...parameters.map((parameter) => `  ${parameter},`), `): ${result} {`];
}

/** A loop variable for each depth of arrays. */
function loopName(at: string): string {
  return at.includes('i *') ? (at.includes('j *') ? 'k' : 'j') : 'i';
}

/** `a + b`, folding numbers and leaving out zeros. */
function plus(a: string, b: string | number): string {
  const right = String(b);
  if (right === '0') return a;
  if (a === '0') return right;
  if (/^\d+$/.test(a) && /^\d+$/.test(right)) return String(Number(a) + Number(right));
  return `${a} + ${right}`;
}

function range(bits: number, signed: boolean): string {
  return signed ? `${-(2 ** (bits - 1))}, ${2 ** (bits - 1) - 1}` : `0, ${2 ** bits - 1}`;
}

const getter = (signed: boolean, bytes: number): string => `get${signed ? 'Int' : 'Uint'}${bytes * 8}`;
const setter = (signed: boolean, bytes: number): string => `set${signed ? 'Int' : 'Uint'}${bytes * 8}`;

import { formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from '../address-text.js';
import { ArgumentError, BtfError } from '../errors.js';

/** Turns bytes of one type into a JavaScript value and back. */
export interface Codec<T> {
  readonly size: number;
  /** @throws BtfError when fewer than `size` bytes are there */
  decode(bytes: Uint8Array, offset?: number): T;
  /** Writes all `size` bytes, padding as zero. @throws ArgumentError for a value the type cannot hold */
  encode(value: T, into?: Uint8Array, offset?: number): Uint8Array;
}

/** What a part is, for the code generator. */
export type Shape =
  | { kind: 'integer'; bytes: 1 | 2 | 4; signed: boolean; little: boolean; enumName?: string }
  | { kind: 'bigint'; bytes: 8 | 16; signed: boolean; little: boolean; enumName?: string }
  | { kind: 'boolean'; bytes: number }
  | { kind: 'float'; bytes: 4 | 8; little: boolean }
  | { kind: 'bytes' | 'text'; bytes: number }
  | { kind: 'address'; format: AddressFormat }
  | { kind: 'bits'; bitOffset: number; bits: number; signed: boolean; little: boolean }
  | { kind: 'array'; element: Part; length: number }
  | { kind: 'record'; name: string; union: boolean; fields: readonly Field[] };

export type AddressFormat = 'ipv6' | 'ipv4' | 'mac';

/** A codec without checks of bounds, as the parts of a type are. `cost` counts the values a decode makes. */
export interface Part {
  readonly size: number;
  readonly cost: number;
  readonly shape: Shape;
  read(view: DataView, at: number): unknown;
  /** The bytes are zero before. `path` names the value in errors. */
  write(view: DataView, at: number, value: unknown, path: string): void;
}

const MAX_COST = 1 << 20;

/** The checked outside of a part. */
export function codecOf<T>(part: Part, name: string): Codec<T> {
  if (part.cost > MAX_COST) throw new BtfError(`Type ${name} has too many parts to decode`);
  const { size } = part;
  const view = (bytes: Uint8Array, offset: number): DataView => {
    if (!(bytes instanceof Uint8Array)) throw new ArgumentError('bytes', 'a Uint8Array', bytes);
    if (!Number.isInteger(offset) || offset < 0 || offset + size > bytes.length) {
      throw new BtfError(`${name} needs ${size} bytes, but there are ${Math.max(0, bytes.length - offset)}`);
    }
    return new DataView(bytes.buffer, bytes.byteOffset + offset, size);
  };
  return {
    size,
    decode: (bytes, offset = 0) => part.read(view(bytes, offset), 0) as T,
    encode: (value, into = new Uint8Array(size), offset = 0) => {
      const target = view(into, offset);
      into.fill(0, offset, offset + size);
      part.write(target, 0, value, name);
      return into;
    },
  };
}

/** Integers of 1, 2 and 4 bytes as numbers. */
export function smallInteger(size: 1 | 2 | 4, signed: boolean, little: boolean, name: string): Part {
  const bits = size * 8;
  const minimum = signed ? -(2 ** (bits - 1)) : 0;
  const maximum = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const check = (value: unknown, path: string): number => {
    const number =
      typeof value === 'bigint' ? Number(value) : value === true ? 1 : value === false ? 0 : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new ArgumentError(path, `an integer from ${minimum} to ${maximum} (${name})`, value);
    }
    return number;
  };
  const base = { size, cost: 1, shape: { kind: 'integer', bytes: size, signed, little } as const };
  if (size === 1) {
    return {
      ...base,
      read: (view, at) => (signed ? view.getInt8(at) : view.getUint8(at)),
      write: (view, at, value, path) => view.setUint8(at, check(value, path)),
    };
  }
  if (size === 2) {
    return {
      ...base,
      read: (view, at) => (signed ? view.getInt16(at, little) : view.getUint16(at, little)),
      write: (view, at, value, path) => view.setUint16(at, check(value, path), little),
    };
  }
  return {
    ...base,
    read: (view, at) => (signed ? view.getInt32(at, little) : view.getUint32(at, little)),
    write: (view, at, value, path) => view.setUint32(at, check(value, path), little),
  };
}

/** Integers of 8 and 16 bytes as bigint. */
export function bigInteger(size: 8 | 16, signed: boolean, little: boolean, name: string): Part {
  const bits = size * 8;
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  const low = size === 16 && !little ? 8 : 0;
  return {
    size,
    cost: 1,
    shape: { kind: 'bigint', bytes: size, signed, little },
    read: (view, at) => {
      let value = view.getBigUint64(at + low, little);
      if (size === 16) value |= view.getBigUint64(at + (8 - low), little) << 64n;
      return wrap(bits, value);
    },
    write: (view, at, value, path) => {
      const number = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
      if (typeof number !== 'bigint' || wrap(bits, number) !== number) {
        throw new ArgumentError(path, `a bigint that fits ${name}`, value);
      }
      view.setBigUint64(at + low, BigInt.asUintN(64, number), little);
      if (size === 16) view.setBigUint64(at + (8 - low), BigInt.asUintN(64, number >> 64n), little);
    },
  };
}

export function boolean(size: number): Part {
  return {
    size,
    cost: 1,
    shape: { kind: 'boolean', bytes: size },
    read: (view, at) => {
      for (let i = 0; i < size; i++) if (view.getUint8(at + i) !== 0) return true;
      return false;
    },
    write: (view, at, value, path) => {
      if (typeof value !== 'boolean') throw new ArgumentError(path, 'a boolean', value);
      if (value) view.setUint8(at, 1);
    },
  };
}

export function float(size: 4 | 8, little: boolean): Part {
  return {
    size,
    cost: 1,
    shape: { kind: 'float', bytes: size, little },
    read: (view, at) => (size === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little)),
    write: (view, at, value, path) => {
      if (typeof value !== 'number') throw new ArgumentError(path, 'a number', value);
      if (size === 4) view.setFloat32(at, value, little);
      else view.setFloat64(at, value, little);
    },
  };
}

const slice = (view: DataView, at: number, size: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + at, size);

/** Bytes as they are; the decoded value is a copy. */
export function byteArray(size: number): Part {
  return {
    size,
    cost: 1,
    shape: { kind: 'bytes', bytes: size },
    read: (view, at) => slice(view, at, size).slice(),
    write: (view, at, value, path) => {
      const bytes = Array.isArray(value) ? Uint8Array.from(value as number[]) : value;
      if (!(bytes instanceof Uint8Array) || bytes.length !== size) {
        throw new ArgumentError(path, `a Uint8Array of ${size} bytes`, value);
      }
      slice(view, at, size).set(bytes);
    },
  };
}

/** Text that ends at the first NUL or fills the array. */
export function text(size: number): Part {
  return {
    size,
    cost: 1,
    shape: { kind: 'text', bytes: size },
    read: (view, at) => {
      const bytes = slice(view, at, size);
      const end = bytes.indexOf(0);
      return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
    },
    write: (view, at, value, path) => {
      const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : undefined;
      if (bytes === undefined || bytes.length > size) {
        throw new ArgumentError(path, `a string of at most ${size} bytes`, value);
      }
      slice(view, at, size).set(bytes);
    },
  };
}

function address(
  name: AddressFormat,
  size: number,
  format: (bytes: Uint8Array) => string,
  parse: (text: string) => Uint8Array,
): Part {
  return {
    size,
    cost: 1,
    shape: { kind: 'address', format: name },
    read: (view, at) => format(slice(view, at, size)),
    write: (view, at, value, path) => {
      if (typeof value !== 'string') throw new ArgumentError(path, 'an address as text', value);
      slice(view, at, size).set(parse(value));
    },
  };
}

export const ADDRESSES: Readonly<Record<string, Part | undefined>> = {
  ipv6: address('ipv6', 16, formatIpv6, parseIpv6),
  ipv4: address('ipv4', 4, formatIpv4, parseIpv4),
  mac: address('mac', 6, formatMac, parseMac),
};

/** A bit field: number up to 32 bits, bigint above. */
export function bitField(bitOffset: number, bits: number, signed: boolean, little: boolean): Part {
  const first = bitOffset >> 3;
  const count = ((bitOffset + bits + 7) >> 3) - first;
  const shift = BigInt(little ? bitOffset & 7 : count * 8 - (bitOffset & 7) - bits);
  const mask = (1n << BigInt(bits)) - 1n;
  const place = (i: number): number => first + (little ? count - 1 - i : i);
  const load = (view: DataView, at: number): bigint => {
    let all = 0n;
    for (let i = 0; i < count; i++) all = (all << 8n) | BigInt(view.getUint8(at + place(i)));
    return all;
  };
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  return {
    size: 0,
    cost: 1,
    shape: { kind: 'bits', bitOffset, bits, signed, little },
    read: (view, at) => {
      const value = wrap(bits, (load(view, at) >> shift) & mask);
      return bits <= 32 ? Number(value) : value;
    },
    write: (view, at, value, path) => {
      const number =
        typeof value === 'number' && Number.isSafeInteger(value)
          ? BigInt(value)
          : value === true
            ? 1n
            : value;
      if (typeof number !== 'bigint' || wrap(bits, number) !== number) {
        throw new ArgumentError(path, `an integer of ${bits} bits`, value);
      }
      let all = (load(view, at) & ~(mask << shift)) | ((number & mask) << shift);
      for (let i = count - 1; i >= 0; i--) {
        view.setUint8(at + place(i), Number(all & 0xffn));
        all >>= 8n;
      }
    },
  };
}

export function array(element: Part, length: number): Part {
  // Elements without size say nothing, however many there are.
  const count = element.size === 0 ? 0 : length;
  return {
    size: element.size * length,
    cost: 1 + element.cost * count,
    shape: { kind: 'array', element, length: count },
    read: (view, at) => Array.from({ length: count }, (_, i) => element.read(view, at + i * element.size)),
    write: (view, at, value, path) => {
      if (!Array.isArray(value) || value.length > count) {
        throw new ArgumentError(path, `an array of at most ${count} elements`, value);
      }
      value.forEach((item, i) => {
        element.write(view, at + i * element.size, item, `${path}[${i}]`);
      });
    },
  };
}

export interface Field {
  name: string;
  offset: number;
  part: Part;
  /** Shares its bytes with others. */
  inUnion: boolean;
}

/** A struct or union. Fields that a value leaves out stay zero; unknown ones are refused. */
export function record(size: number, fields: readonly Field[], name: string, union = false): Part {
  const known = new Map(fields.map((field) => [field.name, field]));
  return {
    size,
    cost: fields.reduce((sum, field) => Math.min(sum + field.part.cost, 2 * MAX_COST), 1),
    shape: { kind: 'record', name, union, fields },
    read: (view, at) => {
      const value: Record<string, unknown> = {};
      for (const field of fields) value[field.name] = field.part.read(view, at + field.offset);
      return value;
    },
    write: (view, at, value, path) => {
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
        throw new ArgumentError(path, `an object with the fields of ${name}`, value);
      }
      for (const [key, item] of Object.entries(value)) {
        if (item === undefined) continue;
        const field = known.get(key);
        if (field === undefined) {
          throw new ArgumentError(
            `${path}.${key}`,
            `one of the fields ${[...known.keys()].join(', ')}`,
            item,
          );
        }
        field.part.write(view, at + field.offset, item, `${path}.${key}`);
      }
    },
  };
}

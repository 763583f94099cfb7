import { BtfError } from '../libbpf-ts/index.js';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/**
 * A value of an older layout in the newer one, member by member by name: what the older one did not have is
 * as in `empty`, what the newer one has not is left out. An array keeps the elements that fit.
 * @param empty the newer type's value when all bytes are zero
 * @throws BtfError when a member has become something that the old value cannot say
 */
export function convert(old: unknown, empty: unknown, path: string): unknown {
  if (isRecord(empty) && isRecord(old)) {
    return Object.fromEntries(
      Object.entries(empty).map(([name, nothing]) => [
        name,
        name in old ? convert(old[name], nothing, `${path}.${name}`) : nothing,
      ]),
    );
  }
  if (Array.isArray(empty) && Array.isArray(old)) {
    return empty.map((nothing, at) =>
      at < old.length ? convert(old[at], nothing, `${path}[${at}]`) : nothing,
    );
  }
  if (empty instanceof Uint8Array && old instanceof Uint8Array) {
    const bytes = empty.slice();
    bytes.set(old.subarray(0, bytes.length));
    return bytes;
  }
  const integer = (value: unknown): value is number | bigint =>
    typeof value === 'number' || typeof value === 'bigint';
  if (integer(empty) && integer(old)) {
    // Whether it fits is for the encoder to say.
    return typeof empty === 'bigint' ? BigInt(old) : Number(old);
  }
  if (typeof empty === typeof old && !isRecord(empty) && !isRecord(old)) {
    return old;
  }
  throw new BtfError(`${path} is of another kind than before`);
}

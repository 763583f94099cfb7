/** Values that JSON does not have, for `--json`. */

/** Bytes become hex digits, big integers decimal digits, errors their fields; what is undefined becomes null. */
export function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  if (Array.isArray(value)) return value.map(plain);
  const entries = Object.entries(value).filter(([key]) => !(value instanceof Error && key === 'name'));
  const message = value instanceof Error ? { message: value.message } : {};
  return { ...message, ...Object.fromEntries(entries.map(([key, one]) => [key, plain(one)])) };
}

import type { MapValue } from '../views/index.js';

/** What JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [field: string]: JsonValue };

/**
 * A decoded map value as JSON: a 64-bit number stays a number as long as that is exact and becomes decimal
 * text beyond, bytes become hexadecimal text.
 */
export function toJson(value: MapValue): JsonValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(toJson);
  return Object.fromEntries(Object.entries(value).map(([field, part]) => [field, toJson(part)]));
}

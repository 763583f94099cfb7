/** All argument checks of the public methods. */
import { ArgumentError } from './errors.js';

export function checkBytes(name: string, value: unknown, size: number): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== size) {
    throw new ArgumentError(name, `a Uint8Array of ${size} bytes`, value);
  }
}

/** An integer that fits 32 bits unsigned and is not below `minimum`. */
export function checkNumber(name: string, value: unknown, minimum = 0): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > 0xffffffff) {
    throw new ArgumentError(name, `an integer from ${minimum} to 4294967295`, value);
  }
}

export function checkName(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new ArgumentError(name, 'a string that is not empty', value);
  }
}

export function checkOneOf<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): asserts value is T {
  if (!choices.includes(value as T)) throw new ArgumentError(name, `one of ${choices.join(', ')}`, value);
}

/** Batch operations on maps, and what stands in for them where map or kernel have none. */
import type { NativeMap } from '../native/addon.js';
import { checkBytes } from './check.js';
import { BpfError, LibbpfTsError } from './errors.js';
import type { BpfMap } from './map.js';

const ENOENT = 2;
const EINTR = 4;
const EINVAL = 22;
const ENOSPC = 28;
const ELOOP = 40;
const EOPNOTSUPP = 95;
const ENOTSUPP = 524;

const NO_BATCH: readonly number[] = [EINVAL, EOPNOTSUPP, ENOTSUPP];
const CHUNK = 4096;

export function readMany(map: BpfMap, handle: NativeMap): [Uint8Array, Uint8Array][] {
  const all = handle.readAll();
  if (typeof all === 'number') {
    if (NO_BATCH.includes(-all) || all === -EINTR || all === -ENOSPC) return [...map.entries()];
    if (all === -ELOOP) {
      throw new LibbpfTsError('ITERATION_ABORTED', `Map '${map.name}' changes faster than it can be read`);
    }
    throw new BpfError({ operation: `read all of map '${map.name}'`, errno: -all });
  }
  const { keySize, valueBytes } = map;
  return Array.from({ length: all.count }, (_, i) => [
    all.keys.subarray(i * keySize, (i + 1) * keySize),
    all.values.subarray(i * valueBytes, (i + 1) * valueBytes),
  ]);
}

export function writeMany(
  map: BpfMap,
  handle: NativeMap,
  entries: Iterable<readonly [Uint8Array, Uint8Array]>,
  flags: number,
): number {
  let written = 0;
  for (const chunk of chunks(entries)) {
    for (const [key, value] of chunk) {
      checkBytes('key', key, map.keySize);
      checkBytes('value', value, map.valueBytes);
    }
    const keys = concat(
      chunk.map(([key]) => key),
      map.keySize,
    );
    const values = concat(
      chunk.map(([, value]) => value),
      map.valueBytes,
    );
    const result = handle.updateBatch(keys, values, chunk.length, flags);
    if (result.errno === 0) {
      written += result.count;
    } else if (NO_BATCH.includes(result.errno)) {
      // No batches here, or none with these flags (the kernel takes BPF_F_LOCK only).
      for (const [key, value] of chunk) {
        const rc = handle.update(key, value, flags);
        if (rc < 0) throw writeError(map, written, -rc);
        written++;
      }
    } else {
      throw writeError(map, written + result.count, result.errno);
    }
  }
  return written;
}

/** Values of consecutive elements of an array, one behind the other, into a buffer of just that size. */
export function readRange(map: BpfMap, handle: NativeMap, first: number, values: Uint8Array): void {
  const count = values.length / map.valueBytes;
  const previous = first === 0 ? undefined : indexKeys(first - 1, 1);
  const result =
    count === 0 ? { errno: 0 } : handle.readRange(previous, new Uint8Array(count * 4), values, count);
  // ENOENT: the last one was the map's last, too.
  if (result.errno === 0 || result.errno === ENOENT) return;
  if (!NO_BATCH.includes(result.errno)) {
    throw new BpfError({ operation: `read elements of map '${map.name}'`, errno: result.errno });
  }
  for (let at = 0; at < count; at++) {
    const value = values.subarray(at * map.valueBytes, (at + 1) * map.valueBytes);
    const rc = handle.lookup(indexKeys(first + at, 1), value, 0);
    if (rc < 0)
      throw new BpfError({ operation: `read element ${first + at} of map '${map.name}'`, errno: -rc });
  }
}

/** Writes consecutive elements of an array from values that stand one behind the other. */
export function writeRange(map: BpfMap, handle: NativeMap, first: number, values: Uint8Array): void {
  const count = values.length / map.valueBytes;
  if (count === 0) return;
  const result = handle.updateBatch(indexKeys(first, count), values, count, 0);
  if (result.errno === 0) return;
  if (!NO_BATCH.includes(result.errno)) throw writeError(map, first + result.count, result.errno);
  for (let at = 0; at < count; at++) {
    const value = values.subarray(at * map.valueBytes, (at + 1) * map.valueBytes);
    const rc = handle.update(indexKeys(first + at, 1), value, 0);
    if (rc < 0) throw writeError(map, first + at, -rc);
  }
}

function indexKeys(first: number, count: number): Uint8Array {
  const keys = new Uint32Array(count);
  for (let at = 0; at < count; at++) keys[at] = first + at;
  return new Uint8Array(keys.buffer);
}

function writeError(map: BpfMap, index: number, errno: number): BpfError {
  return new BpfError({ operation: `write element ${index} to map '${map.name}'`, errno });
}

export function deleteMany(map: BpfMap, handle: NativeMap, keys: Iterable<Uint8Array>): number {
  let deleted = 0;
  for (const chunk of chunks(keys)) {
    for (const key of chunk) checkBytes('key', key, map.keySize);
    // A batch stops at the first key that is not there: go on behind it.
    let rest = chunk;
    while (rest.length > 0) {
      const result = handle.deleteBatch(concat(rest, map.keySize), rest.length);
      if (result.errno === 0) {
        deleted += rest.length;
        break;
      }
      if (result.errno === ENOENT) {
        deleted += result.count;
        rest = rest.slice(result.count + 1);
      } else if (NO_BATCH.includes(result.errno)) {
        for (const key of rest) if (map.delete(key)) deleted++;
        break;
      } else {
        throw new BpfError({ operation: `delete from map '${map.name}'`, errno: result.errno });
      }
    }
  }
  return deleted;
}

function* chunks<T>(items: Iterable<T>): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === CHUNK) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

function concat(parts: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(parts.length * size);
  parts.forEach((part, i) => {
    all.set(part, i * size);
  });
  return all;
}

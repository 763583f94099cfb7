import { setImmediate } from 'node:timers/promises';
import type { BpfMap } from '../libbpf-ts/index.js';
import { CX_GENERATIONS, decodeCxCgroupKey, encodeCxCgroupKey } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/** Rows that stand at the beginning of a slot of one of the arrays; those behind `bytes` are zero. */
export interface Part {
  readonly map: BpfMap;
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** What a slot holds, or is to hold. */
export interface SlotContent {
  readonly parts: readonly Part[];
  readonly cgroups: readonly { readonly id: bigint; readonly number: number }[];
}

/** Bytes that are written or read without letting others run: about a millisecond. */
const BYTES_AT_ONCE = 1 << 19;
/** A row costs as much as so many bytes, however small it is. */
const ROW_BYTES = 128;
/** Bytes that are compared with what is there already, and left out when they are the same. */
const BYTES_COMPARED = 1 << 12;

/** One of the two slots of the policy table: written, and read back, in pieces between which others run. */
export class GenerationSlot {
  readonly #slot: number;
  readonly #cgroups: BpfMap;
  /** What was read back last; undefined when nobody knows what the slot holds. */
  #content: SlotContent | undefined;

  constructor(slot: number, cgroups: BpfMap) {
    this.#slot = slot;
    this.#cgroups = cgroups;
  }

  /** Whether the slot holds exactly this. */
  async holds(content: SlotContent): Promise<boolean> {
    // What is known to be another need not be read.
    if (this.#content !== undefined && !(await isSame(this.#content, content))) return false;
    return (await this.#differsAt(content)) === undefined;
  }

  /**
   * Makes the slot hold this and reads it back; what it holds already is not written.
   * @returns where it reads back differently, undefined when it does not
   */
  async write(content: SlotContent): Promise<string | undefined> {
    const before = this.#content;
    this.#content = undefined;
    await this.#writeParts(content, before);
    let difference = await this.#differsAt(content);
    if (difference !== undefined && before !== undefined) {
      // Somebody has written there since.
      await this.#writeParts(content, undefined);
      difference = await this.#differsAt(content);
    }
    if (difference === undefined) this.#content = content;
    return difference;
  }

  async #writeParts({ parts, cgroups }: SlotContent, before: SlotContent | undefined): Promise<void> {
    for (const [which, part] of parts.entries()) {
      const old = before?.parts[which];
      for (const [first, piece] of pieces(part, this.#slot)) {
        const offset = (first - baseOf(part.map, this.#slot)) * part.map.valueSize;
        for (const [from, to] of changes(part.map, piece, old, offset)) {
          part.map.setRange(first + from / part.map.valueSize, piece.subarray(from, to));
        }
        await setImmediate();
      }
    }
    this.#writeCgroups(cgroups);
  }

  #writeCgroups(cgroups: SlotContent['cgroups']): void {
    const slot = this.#slot;
    const wanted = new Set(cgroups.map(({ id }) => id));
    const gone = [...this.cgroups().keys()].filter((id) => !wanted.has(id));
    this.#cgroups.deleteBatch(gone.map((id) => encodeCxCgroupKey({ id, slot })));
    this.#cgroups.setBatch(
      cgroups.map(({ id, number }) => [encodeCxCgroupKey({ id, slot }), encodeWord(number)] as const),
    );
  }

  /** cgroup -> its number in the policies of this slot. */
  cgroups(): Map<bigint, number> {
    const found = new Map<bigint, number>();
    for (const [key, value] of this.#cgroups.readAll()) {
      const { id, slot } = decodeCxCgroupKey(key);
      if (slot === this.#slot) found.set(id, decodeWord(value));
    }
    return found;
  }

  async #differsAt({ parts, cgroups }: SlotContent): Promise<string | undefined> {
    for (const part of parts) {
      const { map } = part;
      for (const [first, piece] of pieces(part, this.#slot)) {
        const found = readBuffer(piece.length);
        map.getRangeInto(first, found);
        if (Buffer.compare(found, piece) !== 0) {
          const at = found.findIndex((byte, position) => byte !== piece[position]);
          return `${map.name}[${first + Math.floor(at / map.valueSize)}]`;
        }
        await setImmediate();
      }
    }
    const found = this.cgroups();
    const differs =
      found.size !== cgroups.length || cgroups.some(({ id, number }) => found.get(id) !== number);
    return differs ? this.#cgroups.name : undefined;
  }
}

let buffer = new Uint8Array(0);

/**
 * Where a piece is read to, until the next one. One buffer for all: a new one each time would be so much memory outside of
 * the collector's heap that it would clean up, and stop everything, for that alone.
 */
function readBuffer(length: number): Uint8Array {
  if (buffer.length < length) buffer = new Uint8Array(length);
  return buffer.subarray(0, length);
}

/** Index of the first row of a slot. */
export function baseOf(map: BpfMap, slot: number): number {
  return (slot * map.maxEntries) / CX_GENERATIONS;
}

/** Rows of a slot in pieces: index of the first one and the bytes. */
function* pieces({ map, bytes, rows }: Part, slot: number): Generator<[number, Uint8Array]> {
  const size = map.valueSize;
  const atOnce = Math.max(1, Math.floor(BYTES_AT_ONCE / Math.max(size, ROW_BYTES)));
  for (let row = 0; row < rows; row += atOnce) {
    const count = Math.min(atOnce, rows - row);
    const piece = bytes.subarray(row * size, (row + count) * size);
    yield [baseOf(map, slot) + row, padded(piece, count * size)];
  }
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= bytes.length) return bytes;
  const all = new Uint8Array(length);
  all.set(bytes);
  return all;
}

/** Runs of whole rows in a piece that differ from what the slot holds there: where they start and end. */
function* changes(
  map: BpfMap,
  piece: Uint8Array,
  old: Part | undefined,
  offset: number,
): Generator<[from: number, to: number]> {
  const known =
    old === undefined ? 0 : Math.max(0, Math.min(piece.length, old.rows * map.valueSize - offset));
  const before = old && padded(old.bytes.subarray(offset, offset + known), known);
  const step = Math.max(1, Math.floor(BYTES_COMPARED / map.valueSize)) * map.valueSize;
  let from = -1;
  for (let at = 0; at < piece.length; at += step) {
    const end = Math.min(at + step, piece.length);
    const isKnown =
      before !== undefined &&
      end <= known &&
      Buffer.compare(piece.subarray(at, end), before.subarray(at, end)) === 0;
    if (!isKnown && from < 0) from = at;
    if (isKnown && from >= 0) {
      yield [from, at];
      from = -1;
    }
  }
  if (from >= 0) yield [from, piece.length];
}

async function isSame(a: SlotContent, b: SlotContent): Promise<boolean> {
  const numbers = new Map(a.cgroups.map(({ id, number }) => [id, number]));
  if (a.cgroups.length !== b.cgroups.length) return false;
  if (b.cgroups.some(({ id, number }) => numbers.get(id) !== number)) return false;
  for (const [which, { bytes, rows }] of a.parts.entries()) {
    const other = b.parts[which];
    if (other === undefined || rows !== other.rows || bytes.length !== other.bytes.length) return false;
    for (let at = 0; at < bytes.length; at += 8 * BYTES_AT_ONCE) {
      const end = at + 8 * BYTES_AT_ONCE;
      if (Buffer.compare(bytes.subarray(at, end), other.bytes.subarray(at, end)) !== 0) return false;
      await setImmediate();
    }
  }
  return true;
}

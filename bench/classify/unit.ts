// The unit of the measurement: one hit in a hash table of 100,000 keys of 48 bytes.
import { Random } from '../../lab/random.js';
import { type BenchTable, FLOWS } from './table.js';

const KEYS = 100_000;
const KEY_BYTES = 48;

/** Fills the table of a benchmark's object, and the keys that are looked up in it. */
export function fillHash({ object }: BenchTable, seed: number): void {
  const random = new Random(seed);
  const keys = Uint8Array.from({ length: KEYS * KEY_BYTES }, () => random.below(256));
  const key = (at: number): Uint8Array => keys.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES);
  const value = new Uint8Array(4);
  object.maps.get('bench_hash').setBatch(Array.from({ length: KEYS }, (_, at) => [key(at), value] as const));
  const wanted = new Uint8Array(FLOWS * KEY_BYTES);
  for (let at = 0; at < FLOWS; at++) wanted.set(key(random.below(KEYS)), at * KEY_BYTES);
  object.maps.get('bench_keys').setRange(0, wanted);
}

import { existsSync } from 'node:fs';
import { BpfMap, Btf } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { encodeWord } from './word.js';

/** Beside the pinned maps: the type information they were made with, for the version that comes next. */
export const LAYOUT_PIN = 'cx_layout';

/** Pins the types of a state. Asking the kernel for them would need CAP_SYS_ADMIN, which the daemon has not. */
export function pinLayout(path: string, btf: Uint8Array): void {
  using map = BpfMap.create({
    type: 'array',
    keySize: 4,
    valueSize: btf.length,
    maxEntries: 1,
    name: LAYOUT_PIN,
  });
  map.set(encodeWord(0), btf);
  map.freeze();
  map.pin(path);
}

/** The types of a pinned state. @throws DatapathError PINNED_STATE_UNREADABLE */
export function readLayout(path: string, instance: string): Btf {
  const unreadable = (why: string, cause?: unknown): DatapathError =>
    new DatapathError(
      'PINNED_STATE_UNREADABLE',
      `the state of an older version of instance ${instance} ${why}`,
      `remove it with "coax down --instance ${instance}", then start again`,
      { cause },
    );
  if (!existsSync(path)) {
    throw unreadable(`does not say its layout (${path} is missing)`);
  }
  try {
    using map = BpfMap.fromPin(path);
    return Btf.fromBytes(map.get(encodeWord(0)) ?? new Uint8Array());
  } catch (error) {
    throw unreadable(`cannot be read: ${String(error)}`, error);
  }
}

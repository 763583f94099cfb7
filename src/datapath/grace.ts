import { BpfError, BpfMap, gracePeriod } from '../libbpf-ts/index.js';

const INDEX = new Uint8Array(4);

/**
 * Resolves when no packet can still hold what was replaced before the call: one RCU grace period.
 *
 * With nohz_full the kernel refuses membarrier; then the update of an outer map does it, which waits for
 * RCU in the kernel (`maybe_wait_bpf_programs()`, kernel/bpf/syscall.c), 18..64 ms on the event loop.
 */
export async function waitForReaders(): Promise<void> {
  try {
    await gracePeriod();
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'NO_GRACE_PERIOD') {
      throw error;
    }
    using inner = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    using outer = BpfMap.create({
      type: 'array_of_maps',
      keySize: 4,
      valueSize: 4,
      maxEntries: 1,
      innerMap: inner,
    });
    outer.set(INDEX, new Uint8Array(new Uint32Array([inner.fd]).buffer));
  }
}

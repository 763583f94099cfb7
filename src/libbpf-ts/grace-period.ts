import { addon } from '../native/addon.js';
import { BpfError, fromNative } from './errors.js';

/**
 * Waits until every BPF program that was running at the call has ended (an RCU grace period, 8 to 20 ms), off the event
 * loop: afterwards nothing reads what was reachable before.
 * @throws BpfError NO_GRACE_PERIOD where the kernel does not offer it (nohz_full)
 */
export async function gracePeriod(): Promise<void> {
  try {
    await addon().gracePeriod();
  } catch (error) {
    const failed = fromNative(error, { operation: 'wait for a grace period' });
    if (!(failed instanceof BpfError)) throw failed;
    const hint = 'kernels with nohz_full have no global membarrier: an update of a map of maps waits instead';
    throw new BpfError({ operation: failed.operation, errno: failed.errno, code: 'NO_GRACE_PERIOD', hint });
  }
}

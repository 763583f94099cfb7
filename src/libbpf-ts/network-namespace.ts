import { statSync } from 'node:fs';
import { systemError } from './system-error.js';

/** What tells network namespaces apart. */
export interface NetworkNamespace {
  dev: bigint;
  ino: bigint;
}

/** The network namespace of the calling process, in which the `attach...` functions act. */
export function currentNetworkNamespace(): NetworkNamespace {
  try {
    const { dev, ino } = statSync('/proc/self/ns/net', { bigint: true });
    return { dev, ino };
  } catch (error) {
    throw systemError(error, 'look up the network namespace');
  }
}

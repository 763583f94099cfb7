import { statSync } from 'node:fs';
import { addon } from '../native/addon.js';
import { native } from './errors.js';
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

/**
 * The number by which BPF programs know the network namespace of the calling process (`bpf_get_netns_cookie`); it is
 * never given to another one.
 */
export function networkNamespaceCookie(): bigint {
  return native(() => addon().networkNamespaceCookie(), {
    operation: 'look up the cookie of the network namespace',
  });
}

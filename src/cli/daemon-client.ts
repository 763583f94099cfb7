import type { Client } from '../api/index.js';
import { resolveTarget, type TargetOptions } from './target.js';

/** A client of the daemon that the options mean; connects when it is used. */
export async function connectDaemon(
  options: TargetOptions,
  settings: { timeoutMs?: number } = {},
): Promise<Client> {
  const [{ socket }, { createClient }] = await Promise.all([
    resolveTarget(options),
    import('../api/client.js'),
  ]);
  return createClient(socket, settings);
}

// Who is measured only on request, because a package of the distribution is needed for it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '../../lab/command.js';

/** Word of PEERS: the package that has it. */
const PACKAGES = { ovs: 'openvswitch-switch' } as const;

export type Peer = keyof typeof PACKAGES;

/** PEERS has a word that nobody knows, or a package could not be had. */
export class PeersError extends Error {
  readonly code = 'BENCH_PEERS_UNFIT';
}

const SCRIPT = fileURLToPath(new URL('../../../../scripts/packages', import.meta.url));
const PATIENCE = 300_000;

/** Reads PEERS: words between commas or blanks, none when it is empty. @throws PeersError */
export function readPeers(text: string): ReadonlySet<Peer> {
  const known = Object.keys(PACKAGES);
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  for (const word of words) {
    if (!known.includes(word))
      throw new PeersError(`PEERS: nobody is called '${word}': leave it out, or say ${known.join(', ')}`);
  }
  return new Set(words as Peer[]);
}

/** Installs what peers need and is not there. @throws PeersError */
export async function installPeers(peers: ReadonlySet<Peer>): Promise<void> {
  for (const peer of peers) {
    const name = PACKAGES[peer];
    try {
      if (!existsSync(SCRIPT)) throw new Error(`there is no ${SCRIPT}`);
      await run(SCRIPT, [name], { timeout: PATIENCE });
    } catch (error) {
      throw new PeersError(
        `PEERS=${peer} needs the package ${name}: install it yourself, or leave PEERS out. ${String(error)}`,
        { cause: error },
      );
    }
  }
}

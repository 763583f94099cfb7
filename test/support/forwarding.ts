// Which way the packets of lan0 take, and what status and doctor say of it.
import { CLI } from '../../lab/cli.js';
import { until } from '../../lab/wait.js';
import type { Check } from '../../src/doctor/index.js';
import type { InterfaceView } from '../../src/views/index.js';
import { PATIENCE, type Site } from './site.js';

/** Why `auto` is `fast`. */
export const NOTHING = 'no rule of netfilter and no IPsec policy sees its packets';

/** The ingress interface in the status of the mobile router. */
export async function ingress(site: Site): Promise<InterfaceView | undefined> {
  return (await site.status()).interfaces.find(({ role }) => role === 'ingress');
}

/** Resolves when status says that much of lan0. */
export async function noted(site: Site, pattern: RegExp): Promise<InterfaceView> {
  let last: unknown;
  try {
    return await until(
      async () => {
        const view = await ingress(site);
        last = view;
        return view?.note && pattern.test(view.note) ? view : undefined;
      },
      { what: `${pattern} in the note of lan0`, timeout: PATIENCE },
    );
  } catch (error) {
    throw new Error(`lan0 is ${JSON.stringify(last)}`, { cause: error });
  }
}

/** What `coax doctor` says of lan0. */
export async function doctor(site: Site): Promise<Check[]> {
  const args = [CLI, 'doctor', '--config', site.mr.configFile, '--json'];
  const { stdout } = await site.node('mr').exec(process.execPath, args, { mayFail: true });
  return (JSON.parse(stdout) as Check[]).filter(({ name }) => name === 'firewall on lan0');
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CX_SCHEMA } from '../datapath/generated.js';
import { type Check, fail, ok } from './check.js';

/** The compiled kernel programs, below the package. */
const OBJECTS = ['tc.bpf.o', 'tc-xfrm.bpf.o', 'xdp.bpf.o'].map((name) => join('build', 'bpf', name));

/** Version of the libbpf in use, or null when the addon cannot be loaded. */
export async function libbpfVersion(): Promise<string | null> {
  try {
    return (await import('../libbpf-ts/index.js')).libbpfVersion();
  } catch {
    return null;
  }
}

/** Number of the layout of our maps, part of the pin path. */
export const mapSchema: number = CX_SCHEMA;

/** Whether the kernel programs have been compiled. */
export function checkObject(): Check {
  const name = 'kernel programs';
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  const missing = OBJECTS.filter((object) => root === undefined || !existsSync(join(root, object)));
  if (missing.length === 0) return ok(name, `compiled (${OBJECTS.join(', ')})`);
  return fail(name, `${missing.join(', ')} not there`, 'build them with `make build`; it needs clang');
}

function packageRoot(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : packageRoot(parent);
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Check, fail, ok } from './check.js';

/** The compiled kernel programs, below the package. */
const OBJECT = join('build', 'bpf', 'tc.bpf.o');

/** Version of the libbpf in use, or null when the addon is not there or does not say. */
export async function libbpfVersion(): Promise<string | null> {
  try {
    const library: object = await import('../libbpf-ts/index.js');
    const { libbpfVersion: version } = library as { libbpfVersion?: unknown };
    const value: unknown = typeof version === 'function' ? version() : version;
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** Number of the layout of our maps (part of the pin path), or null when it was not generated yet. */
export async function mapSchema(): Promise<number | null> {
  try {
    const { CX_SCHEMA } = await import('../datapath/generated.js');
    return CX_SCHEMA;
  } catch {
    return null;
  }
}

/** Whether the kernel programs have been compiled. */
export function checkObject(): Check {
  const name = 'kernel programs';
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  if (root !== undefined && existsSync(join(root, OBJECT))) return ok(name, `compiled (${OBJECT})`);
  return fail(name, `${OBJECT} is not there`, 'build them with `make build`; it needs clang');
}

function packageRoot(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : packageRoot(parent);
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that is removed by `remove`; short, because a socket path has at most 107 bytes. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'coax-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

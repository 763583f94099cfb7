/** Where kernels, QEMU and package lists are kept: outside of the work tree, and safe to delete at any time. */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_CACHE_HOME/coaxial-vm`, else `~/.cache/coaxial-vm`; made when it is not there. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const folder = join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'coaxial-vm');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Fills a folder of the cache beside its place and moves it there when it is complete: an interrupted fetch
 * leaves nothing that looks finished. Where another process was faster, its result stays.
 */
export async function fillFolder(place: string, fill: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(join(place, '..'), { recursive: true });
  const folder = mkdtempSync(`${place}.new-`);
  try {
    await fill(folder);
    renameSync(folder, place);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../lab/command.js';

/** Runs a test with a BPF file system of its own, whose pins go with it. */
export async function withBpffs(body: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'coax-bpffs-'));
  try {
    await run('mount', ['-t', 'bpf', 'bpf', path]);
    try {
      await body(path);
    } finally {
      await run('umount', ['-l', path]);
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

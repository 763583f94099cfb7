import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatapathError } from './datapath-error.js';

/** Path of a compiled BPF object of this package. @throws DatapathError OBJECT_MISSING */
export function objectFile(name: string): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory)) {
    directory = dirname(directory);
  }
  const path = join(directory, 'build', 'bpf', name);
  if (!existsSync(path)) {
    throw new DatapathError('OBJECT_MISSING', `the BPF object ${path} is not there`, 'run "make build"');
  }
  return path;
}

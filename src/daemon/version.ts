import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let version: string | undefined;

/** The version in our package.json, wherever below it we were compiled to. */
export function packageVersion(): string {
  version ??= readVersion(dirname(fileURLToPath(import.meta.url)));
  return version;
}

function readVersion(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    const content = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
    if (content.name === 'coaxial') return content.version ?? 'unknown';
  }
  const parent = dirname(folder);
  return parent === folder ? 'unknown' : readVersion(parent);
}

import { readFile } from 'node:fs/promises';
import type { ConfigProblem } from './config-error.js';
import { type Path, YamlDocument } from './document.js';

/** The way from a setting to its line and column in the file. */
export interface Places {
  problemAt(path: Path, message: string, hint: string): ConfigProblem;
}

/** Reads a file that {@link loadConfig} has accepted once more, for remarks on single settings. */
export async function loadPlaces(path: string): Promise<Places> {
  return YamlDocument.parse(await readFile(path, 'utf8'), path);
}

/** `make docs`: writes the pages of docs/ that are made from the sources. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGES } from './pages.js';

for (const [name, text] of Object.entries(PAGES)) {
  writeFileSync(join('docs', name), text());
}

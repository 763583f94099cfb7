import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './markdown.js';

/** What `coax doctor` found under kernels, by their two first numbers: `docs/kernels.json`, written by `make test-vm`. */
export type Kernels = Record<string, { release: string; offers: Record<string, boolean> }>;

const BEGIN = '<!-- Made by `make test-vm` and `make docs` from kernels.json, up to the next remark. -->';
const END = '<!-- End of what is made. -->';

/** `docs/tunnels.md` as it is, with the table of what `docs/kernels.json` says. */
export function tunnelsPage(): string {
  const kernels = JSON.parse(readFileSync(join('docs', 'kernels.json'), 'utf8')) as Kernels;
  return withOffers(readFileSync(join('docs', 'tunnels.md'), 'utf8'), kernels);
}

/** A page whose table of what each kernel offers is made anew. @throws Error for a page without the two remarks */
export function withOffers(page: string, kernels: Kernels): string {
  const [before, rest, ...more] = page.split(`${BEGIN}\n`);
  const end = rest?.indexOf(END) ?? -1;
  if (before === undefined || rest === undefined || end < 0 || more.length > 0) {
    throw new Error(`The page needs the lines '${BEGIN}' and '${END}', once and in this order`);
  }
  return `${before}${BEGIN}\n\n${offersTable(kernels)}\n\n${rest.slice(end)}`;
}

/** A row for each feature, a column for each kernel, without the flavour that all have. */
function offersTable(kernels: Kernels): string {
  const columns = Object.values(kernels);
  const features = [...new Set(columns.flatMap(({ offers }) => Object.keys(offers)))];
  const cell = (offered: boolean | undefined): string =>
    offered === undefined ? 'not known' : offered ? 'yes' : '**no**';
  const rows = features.map((feature) => [feature, ...columns.map(({ offers }) => cell(offers[feature]))]);
  return table(['', ...columns.map(({ release }) => release.replace('-cloud-amd64', ''))], rows);
}

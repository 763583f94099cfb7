import { configurationPage } from './configuration.js';
import { errorsPage } from './errors.js';
import { tunnelsPage } from './kernels.js';

/** The pages of docs/ that are made from the sources, wholly or in part, by file name. */
export const PAGES = {
  'configuration.md': configurationPage,
  'errors.md': errorsPage,
  'tunnels.md': tunnelsPage,
} as const;

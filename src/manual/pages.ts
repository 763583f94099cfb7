import { configurationPage } from './configuration.js';
import { errorsPage } from './errors.js';

/** The pages of docs/ that are made from the sources, by file name. */
export const PAGES = {
  'configuration.md': configurationPage,
  'errors.md': errorsPage,
} as const;

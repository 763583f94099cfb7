// The command line tool as it is installed.
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../coax/main.js', import.meta.url));

#!/usr/bin/env node
import { runCli } from './program.js';

// A reader that has seen enough (`coax maps | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// On Linux what was written is written; nothing that was left open may keep a finished command alive.
process.exit(await runCli(process.argv.slice(2)));

#!/usr/bin/env node
import { runCli } from './program.js';

// A reader that has seen enough (`coax maps | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
const status = await runCli(process.argv.slice(2));
// A pipe takes 64 kB at once, the rest waits here. Nothing else that was left open may keep a finished command alive.
await new Promise((written) => process.stdout.write('', written));
process.exit(status);

// `make soak MINUTES=5`: constant traffic both ways while daemons are killed, links are cut, care-of addresses change,
// policies are reloaded, the kernel says more than a daemon can read, and the machine runs out of descriptors, room
// and memory. Nothing of it may cost a packet but those on a link that is cut at that moment.
//
//   SEED=n        the same order of events again
//   ONLY=killed   only events whose name has this in it
import { fileURLToPath } from 'node:url';
import { describeEvents, describeSoak, isFlawless } from './soak/result.js';
import { soak } from './soak/run.js';

async function main(): Promise<number> {
  const minutes = Number(process.env.MINUTES || '5');
  const seed = process.env.SEED ? Number(process.env.SEED) : undefined;
  if (!(minutes > 0 && minutes <= 24 * 60) || Number.isNaN(seed)) {
    console.error('soak: error: MINUTES is a number of minutes up to a day, SEED a number');
    return 2;
  }
  const result = await soak(minutes, {
    ...(seed === undefined ? {} : { seed }),
    only: process.env.ONLY ?? '',
    say: (text) => console.log(`soak: ${text}`),
  });
  for (const line of [...describeEvents(result), describeSoak(result)]) console.log(line);
  return isFlawless(result) ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`soak: error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

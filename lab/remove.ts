// `node build/js/lab/remove.js [NAME...]` takes down the labs named, or all that were kept or abandoned.
import { removeLab } from './removal.js';
import { processStart, readStates } from './state.js';

const names = process.argv.slice(2);
const states = readStates().filter((state) =>
  names.length > 0 ? names.includes(state.name) : processStart(state.pid) !== state.startTime,
);
for (const state of states) {
  await removeLab(state);
  console.log(`removed lab ${state.name}`);
}
const missing = names.filter((name) => !states.some((state) => state.name === name));
for (const name of missing) console.error(`no lab '${name}'`);
process.exitCode = missing.length > 0 ? 1 : 0;

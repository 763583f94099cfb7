// `make demo`: the main job on real traffic in the lab, with a verdict from captured packets for each line.
//
//   KEEP=1        leave the lab up and say how to look around in it
//   BREAK=THING   damage that one thing first; fails, and names the check that caught it
//   ONLY=A,B      run these checks only
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { damage, damages, isDamage } from './break.js';
import { CLI } from './cli.js';
import { careOfChecks } from './demo/care-of.js';
import { type Check, Disproof } from './demo/check.js';
import { egressChecks } from './demo/egress.js';
import { externalChecks } from './demo/external.js';
import { forwardedChecks } from './demo/forwarded.js';
import { localChecks } from './demo/local.js';
import { restartChecks } from './demo/restart.js';
import { Scene } from './demo/scene.js';
import { spoofedChecks } from './demo/spoofed.js';
import { Lab } from './lab.js';
import { Remains } from './remains.js';

const REPORT = fileURLToPath(new URL('../../demo.json', import.meta.url));

/** In this order: the first one needs a network that has not seen a packet yet. */
const checks: readonly Check[] = [
  ...forwardedChecks,
  ...localChecks,
  ...spoofedChecks,
  ...careOfChecks,
  ...restartChecks,
  ...externalChecks,
  ...egressChecks,
];

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly measured: string;
}

interface Wishes {
  readonly keep: boolean;
  readonly damage: string;
  readonly only: readonly string[];
}

function readWishes(): Wishes {
  const { KEEP = '', BREAK = '', ONLY = '' } = process.env;
  return {
    keep: !['', '0'].includes(KEEP),
    damage: BREAK,
    only: ONLY.split(',').filter((name) => name !== ''),
  };
}

/** What keeps the demo from starting, and what to do about it. */
function obstacle({ damage: thing, only }: Wishes): string | undefined {
  if (process.getuid?.() !== 0) return 'the demo makes network namespaces and needs root: sudo make demo';
  if (thing !== '' && !isDamage(thing)) return `BREAK=${thing} is not one of ${damages.join(', ')}`;
  const unknown = only.filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0)
    return `there is no check ${unknown.join(', ')}; there are ${checks.map(({ name }) => name).join(', ')}`;
  return undefined;
}

async function runCheck(check: Check, scene: Scene): Promise<Outcome> {
  try {
    return { name: check.name, ok: true, measured: await check.run(scene) };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return {
      name: check.name,
      ok: false,
      measured: error instanceof Disproof ? said : `could not be shown: ${said}`,
    };
  }
}

async function show(lab: Lab, wishes: Wishes): Promise<Outcome[]> {
  console.log('lab     seven network namespaces, two daemons, five captures');
  const scene = await Scene.start(lab);
  let chosen = checks.filter(({ name }) => wishes.only.length === 0 || wishes.only.includes(name));
  if (isDamage(wishes.damage)) {
    console.log(
      `break   ${wishes.damage}: ${await damage(scene.mr, wishes.damage)}; the controller is halted`,
    );
    // A halted controller would fail the others whatever the damage.
    chosen = chosen.filter((check) => !check.needsController);
  }
  const outcomes: Outcome[] = [];
  for (const check of chosen) {
    const outcome = await runCheck(check, scene);
    outcomes.push(outcome);
    console.log(`${outcome.ok ? 'ok  ' : 'FAIL'}    ${outcome.name}: ${outcome.measured}`);
  }
  try {
    await scene.end();
  } catch (error) {
    outcomes.push({
      name: 'captures',
      ok: false,
      measured: error instanceof Error ? error.message : String(error),
    });
  }
  return outcomes;
}

function printTable(outcomes: readonly Outcome[]): void {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  console.log(`\n${'check'.padEnd(width)}  ok   measured`);
  for (const { name, ok, measured } of outcomes) {
    console.log(`${name.padEnd(width)}  ${ok ? 'yes' : 'NO '}  ${measured}`);
  }
}

function explainKept(lab: Lab): void {
  const remove = fileURLToPath(new URL('./remove.js', import.meta.url));
  console.log(`\nThe lab ${lab.name} is still up (picture: lab/lab.ts). Look around:`);
  for (const { name, namespace } of lab.nodes) {
    console.log(`  ${name.padEnd(5)} nsenter --net=/run/netns/${namespace} bash`);
  }
  for (const node of ['mr', 'ha']) {
    console.log(`  node ${CLI} bindings --socket ${lab.runtime}/${node}.sock   # or status, policies, maps`);
  }
  console.log(`  configs and logs: ${lab.directory}/{mr,ha}.{yaml,log}, pins: ${lab.bpffs}`);
  console.log(`Remove it: node ${remove} ${lab.name}`);
}

async function main(): Promise<number> {
  const wishes = readWishes();
  const problem = obstacle(wishes);
  if (problem !== undefined) {
    console.error(`demo: error: ${problem}`);
    return 2;
  }
  const start = performance.now();
  const lab = await Lab.create({ keep: wishes.keep });
  const interrupted = (): void => {
    void lab.destroy().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const remains = new Remains(lab);
  let outcomes: Outcome[];
  try {
    outcomes = await show(lab, wishes);
    await remains.note();
  } finally {
    if (!wishes.keep) await lab.destroy();
  }
  const left = wishes.keep ? [] : await remains.afterwards();
  if (left.length > 0) outcomes.push({ name: 'remains', ok: false, measured: left.join('; ') });
  printTable(outcomes);
  mkdirSync(fileURLToPath(new URL('../..', import.meta.url)), { recursive: true });
  writeFileSync(REPORT, `${JSON.stringify({ checks: outcomes }, undefined, 2)}\n`);
  const failed = outcomes.filter(({ ok }) => !ok);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(
    `\n${outcomes.length - failed.length} of ${outcomes.length} checks hold, ${seconds} s, build/demo.json`,
  );
  if (wishes.damage !== '') {
    const [first] = failed;
    console.log(
      first === undefined
        ? `BREAK=${wishes.damage} was not caught by any check`
        : `BREAK=${wishes.damage} was caught by ${failed.map(({ name }) => name).join(', ')}`,
    );
  }
  if (wishes.keep) explainKept(lab);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`demo: error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

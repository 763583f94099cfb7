import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { damages } from '../../../lab/break.js';
import { run } from '../../../lab/command.js';
import { Scene } from '../../../lab/demo/scene.js';
import { Lab } from '../../../lab/lab.js';
import { Remains } from '../../../lab/remains.js';
import { Stream } from '../../../lab/stream.js';
import { addresses } from '../../../lab/topology.js';

const DEMO = fileURLToPath(new URL('../../../lab/demo.js', import.meta.url));
const REPORT = fileURLToPath(new URL('../../../../demo.json', import.meta.url));

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly measured: string;
}

function report(): Outcome[] {
  return (JSON.parse(readFileSync(REPORT, 'utf8')) as { checks: Outcome[] }).checks;
}

test.serial('daemons under traffic leave nothing when their lab is destroyed', async (t) => {
  const lab = await Lab.create();
  const remains = new Remains(lab);
  try {
    const scene = await Scene.start(lab);
    t.true((await scene.mr.api('GET', '/v1/status')).status === 200);
    const bindings = JSON.parse((await lab.coax('mr', ['bindings', '--json'])).stdout) as {
      careOf: string;
    }[];
    t.deepEqual(
      bindings.map(({ careOf }) => careOf),
      [addresses.careOfA, addresses.careOfB],
    );
    await Stream.start(lab.node('lan'), { to: addresses.correspondent, port: 5_101 });
    await remains.note();
    const there = (await remains.look()).join('\n');
    for (const what of ['namespace', 'process', 'mount', 'BPF prog', 'BPF map', 'BPF link']) {
      t.true(there.includes(what), `the proof sees a ${what} that is there`);
    }
  } finally {
    await lab.destroy();
  }
  t.deepEqual(await remains.afterwards(), []);
});

/** The check that has to notice each damage; others may notice it too. */
const caughtBy = {
  source: 'forwarded-uplink-a',
  link: 'forwarded-uplink-a',
  decap: 'forwarded-uplink-a',
  mark: 'local-mark-so-mark',
  hoplimit: 'forwarded-uplink-a',
  mtu: 'packet-too-big',
} as const;

/** A check that tells damage to one thing from damage to everything. */
const BESIDE = 'forwarded-uplink-b';

for (const damage of damages) {
  test.serial(`the demo fails and names the check that catches damage to ${damage}`, async (t) => {
    // The one that has to notice, and one beside it: the whole demo runs once, below.
    const { exitCode, stdout } = await run(process.execPath, [DEMO], {
      env: { BREAK: damage, KEEP: '', ONLY: [...new Set([caughtBy[damage], BESIDE])].join() },
      mayFail: true,
      timeout: 100_000,
    });
    t.log(stdout.split('\n').at(-2));
    t.is(exitCode, 1, stdout);
    const failed = report().filter(({ ok }) => !ok);
    t.true(failed.map(({ name }) => name).includes(caughtBy[damage]), stdout);
    t.regex(stdout, new RegExp(`BREAK=${damage} was caught by .*${caughtBy[damage]}`));
    // Damage to one thing must not look like damage to everything.
    if (damage === 'mark' || damage === 'mtu') {
      t.true(
        report().some(({ name, ok }) => ok && name === BESIDE),
        stdout,
      );
    }
  });
}

test.serial('an unknown damage is refused with the words that are known', async (t) => {
  const { exitCode, stderr } = await run(process.execPath, [DEMO], { env: { BREAK: 'all' }, mayFail: true });
  t.is(exitCode, 2);
  t.regex(stderr, /source, link, decap, mark, hoplimit, mtu/);
});

test.serial('the whole demo holds', async (t) => {
  const { exitCode, stdout } = await run(process.execPath, [DEMO], {
    env: { BREAK: '', KEEP: '' },
    mayFail: true,
    timeout: 110_000,
  });
  t.is(exitCode, 0, stdout);
  t.true(report().every(({ ok }) => ok));
});

/** A reference that is wrong in one thing is found out, and the case that shows it is small and can be had again. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { decide } from '../../../src/policy/index.js';
import type { Reference } from './oracle/answer.js';
import { OracleMachine } from './oracle/machine.js';
import { readCase, writeCase } from './oracle/oracle-case.js';
import { runOracle } from './oracle/oracle-run.js';

const SEED = 7;
const PACKETS = 1_000;
const WRONG_PORT = 65_535;
const COMMAND = fileURLToPath(new URL('./oracle/main.js', import.meta.url));

/** Says that what a policy sends to one port is dropped. */
const wrong: Reference = (set, packet, state) => {
  const decision = decide(set, packet, state);
  return decision.kind === 'binding' && decision.fid !== null && packet.destinationPort === WRONG_PORT
    ? { kind: 'drop', fid: decision.fid }
    : decision;
};

test.serial(
  'a mismatch is made smaller until nothing can be left out, and replays from its file',
  async (t) => {
    t.timeout(600_000);
    const folder = mkdtempSync(join(tmpdir(), 'coaxial-oracle-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'case.json');
    {
      await using machine = await OracleMachine.start();
      const { mismatches, failed } = await runOracle(machine, {
        packets: PACKETS,
        seed: SEED,
        reference: wrong,
      });
      t.true(mismatches > 0);
      if (failed === undefined) return t.fail('nothing was made smaller');
      const { smallest, text, tries } = failed;
      t.log(`${tries} attempts\n${text}`);
      t.is(smallest.routers.length, 1);
      t.is(smallest.packets.length, 1);
      const [router] = smallest.routers;
      t.is(router?.policies.length, 1);
      t.is(router?.bindings.length, 1);
      const [policy] = router?.policies ?? [];
      t.deepEqual(
        Object.values(policy?.selector ?? {}).filter((asked) => asked !== undefined),
        [],
        'no selector is needed to be wrong',
      );
      const [packet] = smallest.packets;
      t.like(packet, {
        headers: [],
        destinationPort: WRONG_PORT,
        mark: 0,
        dscp: 0,
        flowLabel: 0,
        sourcePort: 0,
      });
      t.regex(text, /reference: drop/);
      writeFileSync(file, writeCase(smallest));
      const again = readCase(writeCase(smallest));
      t.deepEqual(writeCase(again), writeCase(smallest));
      t.is((await machine.check(again, wrong)).length, 1, 'what was written fails again');
      t.is((await machine.check(again)).length, 0, 'and only with what is wrong');
    }
    const replayed = spawnSync(process.execPath, [COMMAND, '--case', file], { encoding: 'utf8' });
    t.is(replayed.stdout, 'oracle: 1 policy sets, 1 packets, 0 mismatches\n', replayed.stderr);
    t.is(replayed.status, 0);
  },
);

test.serial('what cannot be run is refused with what to write', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-oracle-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'case.json');
  writeFileSync(file, '{"form": "something else"}');
  const call = (...args: string[]): [number | null, string] => {
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
    return [status, stderr];
  };
  const [status, text] = call('--case', file);
  t.is(status, 2);
  t.regex(text, /not a case that check-oracle has written/);
  t.deepEqual(call('--packets', 'many'), [2, 'N=many is not a number: write for example N=20000\n']);
  const [missing, name] = call('--case', join(folder, 'none.json'));
  t.is(missing, 2);
  t.regex(name, /none\.json/);
});

// What the kernel is said to offer is what it can make, and nothing is left of the question.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { inNamespace } from './namespace.js';

const run = promisify(execFile);
type Answers = Record<string, boolean>;

test.serial('kinds of links', async (t) => {
  const result = await inNamespace<{
    made: Answers;
    offered: Answers;
    external: Answers;
    offeredExternal: Answers;
    before: string;
    after: string;
  }>('offers', 'links');
  t.deepEqual(result.offered, result.made);
  t.deepEqual(result.offeredExternal, result.external);
  t.true(result.offered.vxlan, 'every kernel that we run on has it');
  t.false(result.offered.nonsense);
  t.is(result.after, result.before);
});

test.serial('ESP', async (t) => {
  const result = await inNamespace<{
    made: boolean;
    offered: boolean;
    unknown: boolean;
    before: string;
    after: string;
  }>('offers', 'esp');
  t.is(result.offered, result.made);
  t.false(result.unknown);
  t.is(result.after, result.before);
});

test.serial('without privilege nothing is said to be missing', async (t) => {
  const runner = fileURLToPath(new URL('./scenario-runner.js', import.meta.url));
  const unable = ['--bounding-set=-all', '--inh-caps=-all', process.execPath, runner];
  const { stdout } = await run('setpriv', [...unable, 'offers', 'unprivileged', 'none']);
  t.deepEqual(JSON.parse(stdout), { kind: 'EPERM', metadata: 'EPERM' });
});

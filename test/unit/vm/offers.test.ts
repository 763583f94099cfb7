import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Check } from '../../../src/doctor/index.js';
import { tunnelsPage, withOffers } from '../../../src/manual/kernels.js';
import { parseChecks, recordOffers } from '../../vm/offers.js';

const REAL = tunnelsPage();

function check(name: string, offered?: boolean): Check {
  const verdict = offered === false ? 'warn' : 'ok';
  const plain = { name, verdict, found: '', advice: '' } as const;
  return offered === undefined ? plain : { ...plain, offered };
}

function docs(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'coax-offers-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'tunnels.md'), withOffers(REAL, {}));
  return folder;
}

/** The rows of the page's table of kernels. */
function rows(folder: string): string[] {
  const page = readFileSync(join(folder, 'tunnels.md'), 'utf8');
  const [, made = ''] = page.split(/<!-- .* remark\. -->|<!-- End .* -->/);
  return made.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('|-'));
}

test('a line of checks is told from any other', (t) => {
  const checks = [check('ip6tnl devices', true), check('bpffs')];
  t.deepEqual(parseChecks(JSON.stringify(checks)), checks);
  t.is(parseChecks('TAP version 13'), undefined);
  t.is(parseChecks('[not JSON'), undefined);
  t.is(parseChecks(''), undefined);
});

test('kernels in their order, a newer one in the place of its series, what was not tried as not known', (t) => {
  const folder = docs(t);
  recordOffers('6.12.1+deb13-cloud-amd64', [check('ESP', true), check('bpffs')], folder);
  recordOffers('6.1.0-56-cloud-amd64', [check('ESP', true)], folder);
  recordOffers('6.1.0-57-cloud-amd64', [check('kfunc', false)], folder);
  t.deepEqual(rows(folder), [
    '|  | 6.1.0-57 | 6.12.1+deb13 |',
    '| kfunc | **no** | not known |',
    '| ESP | not known | yes |',
  ]);
});

test('what is the same is not written, and nothing is when nothing was tried', (t) => {
  const folder = docs(t);
  const files = ['kernels.json', 'tunnels.md'].map((name) => join(folder, name));
  recordOffers('6.1.0-57-cloud-amd64', [check('ESP', true)], folder);
  for (const file of files) utimesSync(file, 0, 0);
  recordOffers('6.1.0-57-cloud-amd64', [check('ESP', true)], folder);
  recordOffers('6.1.0-58-cloud-amd64', [check('ESP')], folder);
  t.deepEqual(
    files.map((file) => statSync(file).mtimeMs),
    [0, 0],
  );
  recordOffers('6.1.0-57-cloud-amd64', [check('ESP', false)], folder);
  for (const file of files) t.true(statSync(file).mtimeMs > 0, file);
});

test('a page without the two remarks is refused', (t) => {
  t.throws(() => withOffers('# Tunnels\n', {}), { message: /once and in this order/ });
  t.throws(() => withOffers(REAL + REAL, {}), { message: /once and in this order/ });
});

// What a policy can say and the programs do not carry out yet is refused where files are read for use.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type ConfigError, loadConfig } from '../../../src/config/index.js';
import { temporaryFolder } from '../../support/temporary.js';

const base = `role: mobile-router
home: {agent: 2001:db8:ffff::1, address: 2001:db8:77::1, prefixes: [2001:db8:1::/64]}
ingress: [{interface: lan0}]
bindings: [{bid: 1, name: lte, interface: wwan0}]
policies:
`;

const cases: readonly (readonly [policy: string, words: RegExp])[] = [
  ['{name: updates, match: {cgroup: /a.slice}, bypass: true}', /:6:\d+.*updates: bypass.*interface:/s],
];

for (const [policy, words] of cases) {
  test(`refused: ${policy}`, async (t) => {
    const folder = temporaryFolder();
    t.teardown(folder.remove);
    const path = join(folder.path, 'config.yaml');
    writeFileSync(path, `${base}  - ${policy}\n`);
    const error = await t.throwsAsync<ConfigError>(loadConfig(path));
    t.regex(error?.message ?? '', words);
  });
}

test('what is carried out is read', async (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const path = join(folder.path, 'config.yaml');
  writeFileSync(path, `${base}  - {name: printer, match: {interface: lan0}, bypass: true}\n`);
  t.is((await loadConfig(path)).role, 'mobile-router');
});

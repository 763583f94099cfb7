// The site that the tests of a file share: the same one as long as it is as it was, another one behind what is not.
import test from 'ava';
import type { LabProcess } from '../../../lab/process.js';
import { namespaceNames } from '../../../lab/removal.js';
import { sharedSite } from '../../support/shared-site.js';

const inLab = sharedSite({ mr: null, ha: null });
/** Of the labs so far. */
const names: string[] = [];
const last = (): string => names.at(-1) ?? '';

async function exists(lab: string): Promise<boolean> {
  return [...(await namespaceNames())].some((name) => name.startsWith(`${lab}-`));
}

test.serial('a test that takes back what it changes leaves its site to the next one', async (t) => {
  let started: LabProcess | undefined;
  await inLab(t, {}, async (site) => {
    names.push(site.lab.name);
    started = site.node('lan').spawn('sleep', ['60']);
    await site.node('lan').ip('link set eth0 mtu 1400');
    await site.node('lan').ip('link set eth0 mtu 1500');
  });
  t.not(started?.exit, undefined, 'its processes have ended');
  await inLab(t, {}, async (site) => {
    t.is(site.lab.name, last());
  });
});

test.serial('what is not taken back goes with its site', async (t) => {
  await inLab(t, {}, async (site) => {
    t.is(site.lab.name, last());
    await site.node('rb').ip('-6 rule add from 2001:db8:f00::1 lookup 7601 pref 100');
  });
  t.false(await exists(last()));
  await inLab(t, {}, async (site) => {
    t.false(names.includes(site.lab.name));
    names.push(site.lab.name);
  });
});

test.serial('a test that fails takes its site with it', async (t) => {
  const failing = inLab(t, {}, async (site) => {
    t.is(site.lab.name, last());
    throw new Error('on purpose');
  });
  await t.throwsAsync(failing, { message: 'on purpose' });
  t.false(await exists(last()));
  await inLab(t, { spoils: true }, async (site) => {
    t.false(names.includes(site.lab.name));
    names.push(site.lab.name);
  });
  t.false(await exists(last()), 'nor does one stay that says that it spoils it');
});

// Shortages of the machine under traffic in both directions: said in words, nothing lost, over when they are.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  fillUp,
  idleConnections,
  limitDescriptors,
  readOnly,
  underDescriptorLimit,
} from '../../../lab/faults.js';
import { addresses } from '../../../lab/topology.js';
import { giveBackCareOf } from '../../support/care-of.js';
import { sharedSite } from '../../support/shared-site.js';
import { BID, mobileRouter, type Site } from '../../support/site.js';
import { Traffic } from '../../support/traffic.js';

const inSite = sharedSite();

const NEXT = '2001:db8:a::33';

/** Uplink A gets another care-of address; resolves when the daemon sends from it. */
async function changeCareOf(site: Site): Promise<void> {
  await site.setBinding(BID.a, { careOf: NEXT, acceptOnly: true }, { daemon: site.ha });
  await site
    .node('mr')
    .batch([
      `address change ${addresses.careOfA}/64 dev wa preferred_lft 0`,
      `address add ${NEXT}/64 dev wa nodad`,
    ]);
}

test.serial('no descriptors left: said in the log, a new address is used, nothing lost', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const { mr } = site;
    const traffic = await Traffic.start(site);
    const relieve = await limitDescriptors(mr.pid, 0);
    await site.logged(mr, /"code":"EMFILE"/);
    await changeCareOf(site);
    const capture = await site.capture('ra', 'mr0', `ip6 src ${NEXT} and ip6 proto 41`);
    await capture.waitFor(() => true, { timeout: 20_000 });
    await t.throwsAsync(mr.reload(mobileRouter()));
    await traffic.more();
    t.is(mr.exit, undefined, 'it runs on');
    await relieve();
    await site.state(BID.a, 'usable', { careOf: NEXT });
    await mr.reload(mobileRouter());
    await site.ready();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    await giveBackCareOf(site, 'a');
  });
});

test.serial('clients that hold all descriptors of the daemon do not end it', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const { mr } = site;
    const traffic = await Traffic.start(site);
    const relieve = await limitDescriptors(mr.pid, 2);
    const release = await idleConnections(mr.socket, 6);
    await site.logged(mr, /"code":"EMFILE"/);
    await traffic.more();
    await release();
    await relieve();
    await site.ready();
    t.is(mr.exit, undefined, 'it runs on');
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a daemon that may not open enough files says so and leaves traffic alone', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const traffic = await Traffic.start(site);
    await site.mr.kill('SIGKILL');
    const { message = '' } = (await t.throwsAsync(site.mr.start({ under: underDescriptorLimit(46) }))) ?? {};
    t.regex(message, /EMFILE/);
    t.regex(message, /hint: .*LimitNOFILE/);
    await traffic.more();
    await site.mr.start();
    await site.ready();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a full state directory: a killed daemon comes back, a new one says what is full', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const { mr } = site;
    const traffic = await Traffic.start(site);
    let relieve = await fillUp(site.lab.runtime);
    await mr.reload(mobileRouter());
    await mr.kill('SIGKILL');
    // What the killed one has left, its lock file and its socket, is taken over.
    await mr.start();
    await site.ready();
    // One that ends by itself removes both, and here others take the room.
    await relieve();
    await mr.stop();
    relieve = await fillUp(site.lab.runtime);
    const { message = '' } = (await t.throwsAsync(mr.start())) ?? {};
    t.regex(message, /no space left.*\(LOCK_FAILED\)\s+hint: make room/s);
    // Room for a file, but not for a byte in it.
    rmSync(join(site.lab.runtime, 'filler-1'));
    const second = (await t.throwsAsync(mr.start())) ?? {};
    t.regex(String(second), /no space left.*\(LOCK_FAILED\)\s+hint: make room/s);
    await traffic.more();
    await relieve();
    await mr.start();
    await site.ready();
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
  });
});

test.serial('a log that cannot be written is no reason to end', async (t) => {
  await inSite(t, {}, async (site) => {
    await site.ready();
    const { mr } = site;
    const traffic = await Traffic.start(site);
    const logFile = join(site.lab.runtime, 'log');
    await mr.stop();
    await mr.start({ logFile });
    const relieve = await fillUp(site.lab.runtime);
    for (let round = 0; round < 20; round++) await mr.reload(mobileRouter());
    await traffic.more();
    t.is(mr.exit, undefined, 'it runs on');
    await relieve();
    await mr.reload(mobileRouter());
    const lines = readFileSync(logFile, 'utf8').trim().split('\n');
    t.is(
      lines.filter((line) => line.includes('configuration reloaded')).length,
      21,
      'what waited for room is written',
    );
    for (const line of lines) t.notThrows(() => JSON.parse(line), line);
    t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
    await mr.restart();
  });
});

test.serial(
  'a read-only BPF file system: a new address is used, a start is refused with words',
  async (t) => {
    await inSite(t, {}, async (site) => {
      await site.ready();
      const { mr } = site;
      const traffic = await Traffic.start(site);
      const relieve = await readOnly(site.lab.bpffs);
      await site.logged(mr, /"code":"EROFS"/);
      await changeCareOf(site);
      await site.state(BID.a, 'usable', { careOf: NEXT });
      await mr.reload(mobileRouter({ policies: [] }));
      await traffic.more();
      t.is(mr.exit, undefined, 'it runs on');
      await mr.kill('SIGKILL');
      const { message = '' } = (await t.throwsAsync(mr.start())) ?? {};
      t.regex(message, /\(EROFS\)[\s\S]*hint: .*remount,rw/);
      await traffic.more();
      await relieve();
      await mr.start();
      await site.ready();
      t.deepEqual(await traffic.lost(), { up: 0, down: 0 });
      await giveBackCareOf(site, 'a');
    });
  },
);

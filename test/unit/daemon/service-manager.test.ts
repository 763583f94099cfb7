import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { ServiceManager } from '../../../src/daemon/service-manager.js';
import { temporaryFolder } from '../../support/temporary.js';

test.serial('systemd hears that we are ready and that we stop, if it asked', async (t) => {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  const said = join(path, 'said');
  writeFileSync(join(path, 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${said}\n`);
  chmodSync(join(path, 'systemd-notify'), 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${path}${delimiter}${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const log = pino({ enabled: false });
  await new ServiceManager(log, {}).ready();
  t.throws(() => readFileSync(said), { code: 'ENOENT' });
  const services = new ServiceManager(log, { NOTIFY_SOCKET: '/run/systemd/notify' });
  await services.ready();
  await services.stopping();
  const self = `--pid=${process.pid}`;
  t.is(readFileSync(said, 'utf8'), `${self} READY=1 MAINPID=${process.pid}\n${self} STOPPING=1\n`);
});

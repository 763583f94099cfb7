import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { temporaryFolder } from '../../support/temporary.js';
import { makeArchive } from '../../vm/archive.js';

/** Reads what cpio(1) calls newc: six characters, thirteen numbers of eight digits, then name and data. */
const UNPACK = `
import os, sys
data = sys.stdin.buffer.read()
at = 0
while True:
    assert data[at:at + 6] == b'070701', data[at:at + 6]
    fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
    mode, size, length = fields[1], fields[6], fields[11]
    name = data[at + 110:at + 110 + length - 1].decode()
    begin = (at + 110 + length + 3) & ~3
    if name == 'TRAILER!!!':
        break
    if mode & 0o170000 == 0o040000:
        os.mkdir(name)
    else:
        open(name, 'wb').write(data[begin:begin + size])
        os.chmod(name, mode & 0o7777)
    at = (begin + size + 3) & ~3
`;

test('an initramfs holds what was put into it', (t) => {
  const { path, remove } = temporaryFolder();
  t.teardown(remove);
  const into = join(path, 'in');
  mkdirSync(into);
  const files = [0, 1, 2, 3, 4, 1000].map((length) => ({ length, data: Buffer.alloc(length, 'x') }));
  const archive = makeArchive([
    { path: 'a' },
    { path: 'a/init', data: Buffer.from('#!/bin/sh\n'), executable: true },
    ...files.map(({ length, data }) => ({ path: `a/${'f'.repeat((length % 5) + 1)}${length}`, data })),
  ]);
  execFileSync('python3', ['-c', UNPACK], { cwd: into, input: gunzipSync(archive) });
  t.is(readFileSync(join(into, 'a/init'), 'utf8'), '#!/bin/sh\n');
  t.is(statSync(join(into, 'a/init')).mode & 0o777, 0o755);
  for (const { length, data } of files) {
    const file = join(into, 'a', `${'f'.repeat((length % 5) + 1)}${length}`);
    t.deepEqual(readFileSync(file), data);
    t.is(statSync(file).mode & 0o777, 0o644);
  }
});

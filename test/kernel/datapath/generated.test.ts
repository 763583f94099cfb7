/** The checked-in types are those of the object that is compiled now. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { objectFile } from '../../../src/datapath/object-file.js';
import { Btf, generateTypes } from '../../../src/libbpf-ts/index.js';

const object = objectFile('tc.bpf.o');
const root = join(object, '../../..');

test.serial('src/datapath/generated.ts is what the generator makes of the compiled object', (t) => {
  // As scripts/generate does it.
  const text = generateTypes(Btf.fromObject(object), {
    prefix: 'cx_',
    importFrom: '../libbpf-ts/address-text.js',
  });
  const formatted = execFileSync(
    join(root, 'node_modules/.bin/biome'),
    ['format', '--stdin-file-path=src/datapath/generated.ts'],
    { cwd: root, input: text, encoding: 'utf8' },
  );
  t.is(readFileSync(join(root, 'src/datapath/generated.ts'), 'utf8'), formatted, 'run "make generate"');
});

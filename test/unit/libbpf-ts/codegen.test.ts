import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { generateTypes } from '../../../src/libbpf-ts/index.js';
import { ROOT, SAMPLE_OBJECT, sampleBtf } from './sample.js';

type Decode = (bytes: Uint8Array, offset?: number) => unknown;
type Encode = (value: unknown, into?: Uint8Array, offset?: number) => Uint8Array;
type Generated = Record<string, unknown>;

const IMPORT_FROM = `${ROOT}build/js/src/libbpf-ts/index.js`;
const options = { prefix: 'sample_', importFrom: IMPORT_FROM };

/** Compiles as strictly as this package is and loads the result. */
async function compile(source: string): Promise<Generated> {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build', 'codegen-'));
  try {
    writeFileSync(join(folder, 'generated.ts'), source);
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { rootDir: '.', outDir: '.', declaration: false, noUnusedLocals: true },
      include: ['generated.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', folder], {
      stdio: 'pipe',
      encoding: 'utf8',
    });
    return (await import(pathToFileURL(join(folder, 'generated.js')).href)) as Generated;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function attempt<T>(call: () => T): { value: T } | 'refused' {
  try {
    return { value: call() };
  } catch {
    return 'refused';
  }
}

test('generated code agrees with the codec that reads BTF at run time', async (t) => {
  const btf = sampleBtf();
  const generated = await compile(generateTypes(btf, options));
  for (const name of ['sample_row', 'sample_key', 'sample_inner', 'sample_union_holder', 'sample_event']) {
    const pascal = name.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
    const decode = generated[`decode${pascal}`] as Decode;
    const encode = generated[`encode${pascal}`] as Encode;
    const size = btf.sizeof(name);
    t.is(generated[`${pascal}Size`], size);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: size + 3, maxLength: size + 3 }), (bytes) => {
        const value = btf.decode(name, bytes, 3);
        t.deepEqual(decode(bytes, 3), value);
        t.deepEqual(decode(Buffer.from(bytes), 3), value);
        const expected = attempt(() => btf.encode(name, value));
        t.deepEqual(
          attempt(() => encode(value)),
          expected,
        );
        // Into the middle of a larger buffer: nothing beside it changes.
        const around = new Uint8Array(size + 8).fill(0xaa);
        if (expected !== 'refused') {
          encode(value, around, 4);
          t.deepEqual(around.slice(4, size + 4), expected.value);
          t.deepEqual([...around.slice(0, 4), ...around.slice(size + 4)], Array(8).fill(0xaa));
        }
      }),
      { numRuns: 60 },
    );
  }
  t.deepEqual(generated.SampleReason, { NONE: 0, NO_BINDING: 1, TOO_BIG: 7 });
  t.is((generated.sampleReasonName as (value: number) => string)(7), 'TOO_BIG');
  t.is((generated.sampleReasonName as (value: number) => string)(5), '5');
  t.is(generated.SAMPLE_SLOTS, 8);
  const encodeInner = generated.encodeSampleInner as Encode;
  t.throws(() => encodeInner({ port: 65536, mac: '02:00:00:00:00:01' }), {
    instanceOf: RangeError,
    message: /port/,
  });
});

test('enum tags give the type of the enum', (t) => {
  const source = generateTypes(sampleBtf(), { structs: ['sample_row'] });
  t.regex(source, /lastReason: SampleReason;/);
  t.regex(source, /export const SampleReason = \{/);
  t.regex(source, /export interface SampleInner \{/);
  t.notRegex(source, /SampleKey/);
});

test('the text is the same each time, and nothing is lost on a name that is not there', (t) => {
  t.is(generateTypes(sampleBtf(), options), generateTypes(sampleBtf(), options));
  t.throws(() => generateTypes(sampleBtf(), { enums: ['nothing'] }), {
    code: 'NOT_FOUND',
    message: /sample_reason/,
  });
});

test('the formatter has nothing to change', (t) => {
  const folder = mkdtempSync(join(ROOT, 'src', 'libbpf-ts', 'codegen-'));
  try {
    const file = join(folder, 'generated.ts');
    writeFileSync(file, generateTypes(sampleBtf(), { prefix: 'sample_' }));
    const result = spawnSync(
      join(ROOT, 'node_modules', '.bin', 'biome'),
      ['check', '--error-on-warnings', file],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    t.is(result.status, 0, result.stdout + result.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the command writes the module, and says what is wrong', (t) => {
  const cli = `${ROOT}build/js/src/libbpf-ts/gen-cli.js`;
  const run = (...parameters: string[]) =>
    spawnSync(process.execPath, [cli, ...parameters], { encoding: 'utf8' });
  const good = run(SAMPLE_OBJECT, '--prefix', 'sample_', '--import-from', IMPORT_FROM);
  t.is(good.status, 0, good.stderr);
  t.is(good.stdout, generateTypes(sampleBtf(), options));
  const bad = run(process.execPath.replace(/node$/, 'no-such-file.o'), '--prefix', 'x_');
  t.is(bad.status, 1);
  t.regex(bad.stderr, /gen-cli: .*ENOENT/);
  t.is(run().status, 2);
});

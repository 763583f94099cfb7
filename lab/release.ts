// This software as another version of it would be: another schema, rows laid out differently. Compiled from the
// same sources in a folder of its own, so that an upgrade in the lab is one of real programs and real maps.
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CX_SCHEMA } from '../src/datapath/index.js';
import { Btf, generateTypes } from '../src/libbpf-ts/index.js';
import { run } from './command.js';

/** The package that this file belongs to, two folders below `build`. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** Rows whose layout is another one in the release. Keys of hashes and tries are compared whole and stay. */
const CHANGED_ROWS = [
  'cx_binding',
  'cx_binding_key',
  'cx_binding_stats',
  'cx_policy_key',
  'cx_policy_set',
  'cx_policy_stats',
  'cx_router',
  'cx_router_key',
  'cx_tunnel_end',
  'cx_neighbour',
  'cx_reason_stats',
] as const;

const OBJECT = 'build/bpf/tc.bpf.o';
const OBJECTS = [OBJECT, 'build/bpf/tc-xfrm.bpf.o', 'build/bpf/xdp.bpf.o'];

export class Release {
  readonly schema: number;
  /** The command line tool of this version. */
  readonly cli: string;
  readonly #directory: string;

  private constructor(directory: string, schema: number) {
    this.schema = schema;
    this.#directory = directory;
    this.cli = join(directory, 'build/js/src/cli/main.js');
  }

  /** Makes a version with that schema whose rows are laid out as here, or begin with one more member. */
  static async make(directory: string, schema: number, rows: 'same' | 'changed'): Promise<Release> {
    mkdirSync(join(directory, 'build/bpf'), { recursive: true });
    for (const name of ['bpf', 'package.json', 'build/js/src', 'build/Release/coaxial.node']) {
      cpSync(join(PACKAGE, name), join(directory, name), { recursive: true });
    }
    for (const name of ['scripts', 'node_modules']) {
      symlinkSync(join(PACKAGE, name), join(directory, name));
    }
    const release = new Release(directory, schema);
    const header = join(directory, 'bpf/coax.h');
    writeFileSync(header, changeLayout(readFileSync(header, 'utf8'), schema, rows));
    const make = ['-C', directory, '-f', join(PACKAGE, 'Makefile'), ...OBJECTS];
    await run('make', make, { timeout: 120_000 });
    await release.#generate();
    return release;
  }

  /** The same version under another schema number: what a later upgrade finds. */
  async again(directory: string, schema: number): Promise<Release> {
    await run('cp', ['-al', this.#directory, directory]);
    const release = new Release(directory, schema);
    const generated = join(directory, 'build/js/src/datapath/generated.js');
    const text = readFileSync(generated, 'utf8');
    // The file is still the other version's too.
    rmSync(generated);
    writeFileSync(generated, replaceOnce(text, /(CX_SCHEMA = )\d+/, `$1${schema}`));
    return release;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The accessors that fit its rows. */
  async #generate(): Promise<void> {
    const object = join(this.#directory, OBJECT);
    const source = join(this.#directory, 'generated.ts');
    const options = { prefix: 'cx_', importFrom: '../libbpf-ts/address-text.js' };
    writeFileSync(source, generateTypes(Btf.fromObject(object), options));
    const compiler = join(PACKAGE, 'node_modules/.bin/tsc');
    const into = join(this.#directory, 'build/js/src/datapath');
    await run(process.execPath, [
      ...[compiler, '--ignoreConfig', '--noCheck', '--noResolve', '--module', 'nodenext'],
      ...['--target', 'es2024', '--outDir', into, source],
    ]);
    chmodSync(this.cli, 0o755);
    const generated = join(into, 'generated.js');
    // The sources know nothing of the member; a version that had it would give it a value.
    const text = readFileSync(generated, 'utf8');
    writeFileSync(generated, text.replaceAll(/\b\w+\.labRelease\b/g, String(this.schema)));
  }
}

/** Releases of one lab, each with a schema of its own; rows are laid out differently in every second one. */
export class Releases {
  readonly #directory: string;
  readonly #models = new Map<'same' | 'changed', Promise<Release>>();

  /** @param directory where they are made; it need not exist */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The version that comes after one with that schema, made for `name` alone. */
  async after(schema: number, name: string): Promise<Release> {
    const rows = (schema - CX_SCHEMA) % 2 === 0 ? 'changed' : 'same';
    let model = this.#models.get(rows);
    if (model === undefined) {
      mkdirSync(this.#directory, { recursive: true });
      model = Release.make(join(this.#directory, rows), schema + 1, rows);
      this.#models.set(rows, model);
    }
    return (await model).again(join(this.#directory, `${name}-${schema + 1}`), schema + 1);
  }
}

function changeLayout(header: string, schema: number, rows: 'same' | 'changed'): string {
  let text = replaceOnce(header, /(CX_SCHEMA = )\d+/, `$1${schema}`);
  for (const row of rows === 'changed' ? CHANGED_ROWS : []) {
    text = replaceOnce(text, new RegExp(`(struct ${row} \\{\\n)`), '$1  __u32 lab_release;\n');
  }
  return text;
}

function replaceOnce(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`the release cannot be made: nothing fits ${pattern}`);
  return text.replace(pattern, by);
}

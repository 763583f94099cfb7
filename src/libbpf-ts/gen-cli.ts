/** Writes the TypeScript of an object's types to standard output: see USAGE. */
import { parseArgs } from 'node:util';
import { Btf } from './btf/btf.js';
import { type GenerateOptions, generateTypes } from './codegen.js';
import { LibbpfTsError } from './errors.js';

const USAGE = `usage: gen-cli OBJECT.o --prefix PREFIX [--struct NAME]... [--enum NAME]...
               [--import-from MODULE] [--header TEXT]`;

function main(): number {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      prefix: { type: 'string' },
      struct: { type: 'string', multiple: true },
      enum: { type: 'string', multiple: true },
      'import-from': { type: 'string' },
      header: { type: 'string' },
    },
  });
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    console.error(USAGE);
    return 2;
  }
  const options: GenerateOptions = {
    ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
    ...(values.struct === undefined ? {} : { structs: values.struct }),
    ...(values.enum === undefined ? {} : { enums: values.enum }),
    ...(values['import-from'] === undefined ? {} : { importFrom: values['import-from'] }),
    ...(values.header === undefined ? {} : { header: values.header }),
  };
  process.stdout.write(generateTypes(Btf.fromObject(path), options));
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  const code = error instanceof LibbpfTsError ? ` (${error.code})` : '';
  console.error(`gen-cli: ${error instanceof Error ? error.message : String(error)}${code}`);
  process.exitCode = 1;
}

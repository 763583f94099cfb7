import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Btf } from '../../../src/libbpf-ts/index.js';

/** From build/js/test/unit/libbpf-ts to the root of the package. */
export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
export const SAMPLE_OBJECT = `${ROOT}build/bpf/test/sample.bpf.o`;

export const sampleFile = (): Uint8Array => new Uint8Array(readFileSync(SAMPLE_OBJECT));
export const sampleBtf = (): Btf => Btf.fromObject(SAMPLE_OBJECT);

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patient } from '../../../lab/patience.js';
import { BpfObject, type LoadedObject } from '../../../src/libbpf-ts/index.js';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
export const SAMPLE_OBJECT = `${ROOT}build/bpf/test/sample.bpf.o`;
export const REFUSED_OBJECT = `${ROOT}build/bpf/test/refused.bpf.o`;

export async function loadSample(): Promise<LoadedObject> {
  return BpfObject.open(SAMPLE_OBJECT).load();
}

/** The sample's object for one test. */
export async function withSample<T>(use: (live: LoadedObject) => T | Promise<T>): Promise<T> {
  const live = await loadSample();
  try {
    return await use(live);
  } finally {
    live.close();
  }
}

/** A bpffs of its own for the time of a call. */
export async function withBpffs<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'libbpf-ts-bpffs-'));
  execFileSync('mount', ['-t', 'bpf', 'bpf', folder]);
  try {
    return await use(folder);
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
}

let namespaces = 0;

/** A network namespace with a veth pair `left`/`right`, for the time of a call. */
export async function withNamespace<T>(use: (name: string) => T | Promise<T>): Promise<T> {
  const name = `lbts-${process.pid}-${namespaces++}`;
  mkdirSync('/run/netns', { recursive: true });
  execFileSync('ip', ['netns', 'add', name]);
  try {
    execFileSync('ip', ['-n', name, 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right']);
    execFileSync('ip', ['-n', name, 'link', 'set', 'left', 'up']);
    execFileSync('ip', ['-n', name, 'link', 'set', 'right', 'up']);
    return await use(name);
  } finally {
    execFileSync('ip', ['netns', 'del', name]);
  }
}

/** Runs a scenario of attach-worker.ts in a network namespace; answers what it printed. */
export function inNamespace<T>(name: string, scenario: string, ...parameters: string[]): T {
  const worker = fileURLToPath(new URL('./attach-worker.js', import.meta.url));
  const output = execFileSync(
    'nsenter',
    [`--net=/run/netns/${name}`, process.execPath, '--enable-source-maps', worker, scenario, ...parameters],
    { encoding: 'utf8', timeout: patient(30_000) },
  );
  return JSON.parse(output) as T;
}

/** How many descriptors this process has that are BPF objects. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};

export const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

export const fromU32 = (bytes: Uint8Array | undefined): number | undefined =>
  bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

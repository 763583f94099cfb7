import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CX_SCHEMA, Instance } from '../../../src/datapath/index.js';
import { type DatapathLimits, MAP_NAMES, mapSizes } from '../../../src/datapath/map-catalogue.js';
import { decodeWord, encodeWord } from '../../../src/datapath/word.js';
import { temporaryFolder } from '../../support/temporary.js';

const OURS = String(CX_SCHEMA);
const LATER = String(CX_SCHEMA + 5);

test('an instance removes what is named like its own, of every schema, and only that', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const instance = new Instance('one', folder.path);
  const put = (...words: string[]): string => {
    const path = join(folder.path, 'coaxial', ...words);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
    return path;
  };
  const ours = [
    put('one', OURS, 'maps', 'cx_settings'),
    put('one', OURS, 'links', 'uplink-3'),
    put('one', LATER, 'maps', 'cx_later'),
  ];
  const foreign = [
    put('one', OURS, 'maps', 'other'),
    put('one', OURS, 'links', 'other'),
    put('one', 'beside'),
    put('two', OURS, 'maps', 'cx_settings'),
  ];
  t.deepEqual(instance.schemas(), [Number(OURS), Number(LATER)]);
  t.deepEqual(instance.linkPins(), ['uplink-3']);
  t.deepEqual(instance.remove().sort(), [...ours].sort());
  t.deepEqual(foreign.map(existsSync), [true, true, true, true]);
  t.false(existsSync(join(folder.path, 'coaxial', 'one', LATER)), 'an empty directory goes');
  t.deepEqual(instance.remove(), []);
});

test('an instance that was alone leaves no directory', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  const instance = new Instance('one', folder.path);
  mkdirSync(join(instance.directory, 'maps'), { recursive: true });
  writeFileSync(instance.mapPin('cx_settings'), '');
  t.true(instance.exists);
  instance.remove();
  t.false(existsSync(join(folder.path, 'coaxial')));
  t.deepEqual(instance.remove(), [], 'and again');
});

test('only a BPF file system is taken for one', (t) => {
  const folder = temporaryFolder();
  t.teardown(folder.remove);
  t.throws(() => new Instance('one', folder.path).create(), { code: 'BPFFS_MISSING', message: /not a bpf/ });
  t.throws(() => new Instance('one', join(folder.path, 'none')).create(), { code: 'BPFFS_MISSING' });
  t.false(existsSync(join(folder.path, 'coaxial')));
});

test('the maps have room for what the limits promise', (t) => {
  const limits: DatapathLimits = {
    bindings: 3,
    routers: 2,
    policies: 5,
    prefixes: 7,
    routes: 11,
    neighbours: 13,
  };
  const sizes = mapSizes(limits);
  for (const name of Object.keys(sizes)) t.true((MAP_NAMES as string[]).includes(name), name);
  t.like(sizes, { cx_prefixes: 7, cx_routes: 11, cx_neighbours: 13, cx_binding_slot: 7, cx_binding_keys: 7 });
  t.is(sizes.cx_router_keys, 5, 'every router may be replaced by another');
  t.true((sizes.cx_binding_rows ?? 0) > 2 * limits.bindings, 'old and new row of every binding');
  t.true((sizes.cx_neighbour_rows ?? 0) > limits.neighbours, 'row 0 is never used');
  t.true((sizes.cx_policy_keys ?? 0) > 2 * limits.policies, 'both generations');
  const least = mapSizes({ bindings: 1, routers: 1, policies: 1, prefixes: 1, routes: 1, neighbours: 1 });
  t.true((least.cx_neighbour_rows ?? 0) >= 2);
});

test('words keep all their bits', (t) => {
  for (const value of [0, 1, 0x80000000, 0xffffffff]) t.is(decodeWord(encodeWord(value)), value);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  BpfError,
  BpfMap,
  BpfObject,
  BpfProgram,
  NotFoundError,
  TestRunFlags,
  VerifierError,
} from '../../../src/libbpf-ts/index.js';
import {
  fromU32,
  openDescriptors,
  REFUSED_OBJECT,
  SAMPLE_OBJECT,
  u32,
  withBpffs,
  withSample,
} from './support.js';

const MARK_OFFSET = 8;

test.serial('what an object file asks for', (t) => {
  using object = BpfObject.open(SAMPLE_OBJECT);
  t.deepEqual(
    [...object.maps]
      .filter((map) => map.name === 'prefixes')
      .map(({ type, keySize, valueSize, maxEntries, flags }) => ({
        type,
        keySize,
        valueSize,
        maxEntries,
        flags,
      })),
    [{ type: 'lpm_trie', keySize: 20, valueSize: 4, maxEntries: 256, flags: 1 }],
  );
  t.is(object.programs.get('sample_tc').section, 'tc');
  t.is(object.programs.get('sample_xdp').type, 'xdp');
  const error = t.throws(() => object.maps.get('rwos'), { instanceOf: NotFoundError, code: 'NOT_FOUND' });
  t.regex(error.message, /No map named 'rwos'; there are: .*rows/);
  t.throws(() => object.programs.get('x'), { message: /sample_tc_other/ });
  t.throws(() => object.rodata.set('sample_limt', 1), { code: 'NOT_FOUND', message: /sample_limit/ });
});

test.serial('variables reach the program', async (t) => {
  const object = BpfObject.open(new Uint8Array(readFileSync(SAMPLE_OBJECT)), { name: 'sample' });
  object.rodata
    .set('sample_limit', 5)
    .set('sample_flag', true)
    .set('sample_cookie', 1n << 40n);
  object.rodata.set('sample_peer', { port: 443, mac: '02:00:00:00:00:01' });
  object.data.set('sample_start', 77);
  object.bss.set('sample_seen', 1000n);
  t.deepEqual(object.rodata.get('sample_peer'), { port: 443, mac: '02:00:00:00:00:01' });
  t.is(object.rodata.get('sample_cookie'), 1n << 40n);
  t.throws(() => object.rodata.set('sample_limit', -1), { code: 'INVALID_ARGUMENT' });
  t.throws(() => object.rodata.set('sample_flag', 1), { code: 'INVALID_ARGUMENT', message: /boolean/ });
  using live = await object.load();
  const context = new Uint8Array(192);
  context.set(u32(100), MARK_OFFSET);
  const result = live.programs.get('sample_tc').testRun({ data: new Uint8Array(64), context });
  t.is(result.returnValue, 77);
  t.is(fromU32(result.context.subarray(MARK_OFFSET)), 105);
  t.is(result.data.length, 64);
  const bss = live.maps.get('.bss').typed<number, { sampleSeen: bigint }>();
  t.is(bss.get(0)?.sampleSeen, 1001n);
});

test.serial('maps can be resized, reused and left out', async (t) => {
  using shared = BpfMap.create({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 8 });
  shared.set(u32(1), new Uint8Array(8).fill(7));
  const object = BpfObject.open(SAMPLE_OBJECT);
  object.maps.get('rows').maxEntries = 999;
  object.maps.get('slots').reuse(shared);
  object.programs.get('sample_tc_other').autoload = false;
  using live = await object.load();
  t.is(live.maps.get('rows').maxEntries, 999);
  t.is(live.maps.get('slots').info.id, shared.info.id);
  t.throws(() => live.programs.get('sample_tc_other'), {
    code: 'NOT_FOUND',
    message: /autoload of this one is off/,
  });
  t.true(live.programs.has('sample_tc'));
});

test.serial('a pinned map is taken by the next load', async (t) => {
  await withBpffs(async (folder) => {
    const path = join(folder, 'rows');
    const load = async (maxEntries?: number) => {
      const object = BpfObject.open(SAMPLE_OBJECT);
      object.maps.get('rows').pinPath = path;
      if (maxEntries !== undefined) object.maps.get('rows').maxEntries = maxEntries;
      return object.load();
    };
    using first = await load();
    using second = await load();
    t.is(second.maps.get('rows').info.id, first.maps.get('rows').info.id);
    t.not(second.maps.get('slots').info.id, first.maps.get('slots').info.id);
    // Another layout is not taken over.
    const error = await t.throwsAsync(load(5), { instanceOf: BpfError });
    t.regex(error.message, /rows/);
    second.maps.get('rows').unpin(path);
  });
});

test.serial('a refused program says why', async (t) => {
  const before = openDescriptors();
  const error = await t.throwsAsync(BpfObject.open(REFUSED_OBJECT).load(), { instanceOf: VerifierError });
  t.is(error.code, 'VERIFIER');
  t.is(error.programName, 'refused');
  t.is(error.errno, 13);
  t.regex(error.log, /invalid access to packet/);
  t.regex(error.log, /processed \d+ insns/);
  t.regex(error.message, /refused.*\(EACCES\)[\s\S]*invalid access to packet/);
  t.true(error.messages.length > 0);
  t.is(openDescriptors(), before);
});

test.serial('a log level gives the log of what was accepted', async (t) => {
  const object = BpfObject.open(SAMPLE_OBJECT);
  object.programs.get('sample_xdp').logLevel = 1;
  using live = await object.load();
  t.deepEqual([...live.logs.keys()], ['sample_xdp']);
  t.regex(live.logs.get('sample_xdp') ?? '', /processed \d+ insns/);
  using verbose = await BpfObject.open(SAMPLE_OBJECT, { logLevel: 4 }).load();
  t.is(verbose.logs.size, 5);
});

test.serial('errors of opening', (t) => {
  t.throws(() => BpfObject.open('/nonexistent.o'), {
    instanceOf: BpfError,
    code: 'ENOENT',
    message: /nonexistent/,
  });
  const error = t.throws(() => BpfObject.open(new Uint8Array(100)), { instanceOf: BpfError });
  t.regex(error.message, /an object of 100 bytes/);
  t.throws(() => BpfObject.open(5 as never), { code: 'INVALID_ARGUMENT' });
});

test.serial('an object is loaded once', async (t) => {
  const object = BpfObject.open(SAMPLE_OBJECT);
  const loading = object.load();
  t.throws(() => object.close(), { code: 'INVALID_STATE' });
  await t.throwsAsync(object.load(), { code: 'INVALID_STATE', message: /loading/ });
  using _live = await loading;
  await t.throwsAsync(object.load(), { code: 'INVALID_STATE', message: /loaded/ });
  t.throws(() => (object.maps.get('rows').maxEntries = 5), { code: 'INVALID_STATE' });
  const closed = BpfObject.open(SAMPLE_OBJECT);
  closed.close();
  await t.throwsAsync(closed.load(), { code: 'CLOSED' });
});

test.serial('many loads at once', async (t) => {
  const all = await Promise.all(Array.from({ length: 6 }, () => BpfObject.open(SAMPLE_OBJECT).load()));
  const ids = new Set(all.map((live) => live.maps.get('rows').info.id));
  t.is(ids.size, 6);
  for (const live of all) live.close();
});

test.serial('test runs of XDP change the packet; too little room is an error', async (t) => {
  await withSample((live) => {
    const program = live.programs.get('sample_xdp');
    const result = program.testRun({ data: new Uint8Array(64).fill(1), repeat: 10 });
    t.is(result.returnValue, 2);
    t.is(result.data[0], 0xee);
    t.is(result.data.length, 64);
    t.true(result.durationNs >= 0);
    t.throws(() => program.testRun({ data: new Uint8Array(64), dataOutSize: 10 }), { code: 'ENOSPC' });
    t.throws(() => program.testRun({ data: new Uint8Array(64), repeat: -1 }), { code: 'INVALID_ARGUMENT' });
    const live64 = program.testRun({
      data: new Uint8Array(64),
      flags: TestRunFlags.XDP_LIVE_FRAMES,
      repeat: 64,
    });
    t.is(live64.data.length, 0);
  });
});

test.serial('programs have an identity and survive in a pin', async (t) => {
  await withBpffs(async (folder) => {
    await withSample((live) => {
      const program = live.programs.get('sample_xdp');
      t.like(program.info, { name: 'sample_xdp', type: 'xdp', gplCompatible: true });
      t.regex(program.info.tag, /^[0-9a-f]{16}$/);
      t.true(program.info.verifiedInstructions > 0);
      t.true(live.programs.get('sample_tc').info.mapIds.includes(live.maps.get('counters').info.id));
      const path = join(folder, 'xdp');
      program.pin(path);
      using pinned = BpfProgram.fromPin(path);
      t.is(pinned.info.id, program.info.id);
      using byId = BpfProgram.fromId(program.info.id);
      t.is(byId.info.tag, program.info.tag);
      program.unpin(path);
      t.throws(() => BpfProgram.fromPin(path), { code: 'ENOENT' });
    });
  });
});

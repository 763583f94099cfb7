import test from 'ava';
import { BpfMap, type LoadedObject, RingBuffer } from '../../../src/libbpf-ts/index.js';
import { withSample } from './support.js';

interface Event {
  serial: bigint;
  length: number;
}

const emit = (live: LoadedObject, count: number): number =>
  live.programs.get('sample_events').testRun({ data: new Uint8Array(64), repeat: count }).returnValue;

test.serial('records come in order, those before and those after the wait', async (t) => {
  await withSample(async (live) => {
    using ring = new RingBuffer(live.maps.get('events'));
    emit(live, 3);
    const serials: bigint[] = [];
    for await (const bytes of ring) {
      const event = live.btf?.decode<Event>('sample_event', bytes);
      t.is(event?.length, 64);
      serials.push(event?.serial ?? -1n);
      if (serials.length === 3) setTimeout(() => emit(live, 2), 5);
      if (serials.length === 5) break;
    }
    t.deepEqual(serials, [0n, 1n, 2n, 3n, 4n]);
    t.true(ring.closed, 'leaving the loop closes the ring');
  });
});

test.serial('a full ring refuses, and goes on when it is read', async (t) => {
  await withSample((live) => {
    using ring = new RingBuffer(live.maps.get('events'));
    t.is(emit(live, 1000), 1);
    const first = ring.drain();
    t.true(first.length > 100 && first.length < 1000);
    t.is(emit(live, 1), 0);
    t.is(ring.drain().length, 1);
    t.deepEqual(ring.drain(), []);
  });
});

test.serial('close ends a wait, an abort rejects it', async (t) => {
  await withSample(async (live) => {
    const ring = new RingBuffer(live.maps.get('events'));
    const waiting = ring.next();
    setTimeout(() => ring.close(), 5);
    t.deepEqual(await waiting, { done: true, value: undefined });
    t.deepEqual(await ring.next(), { done: true, value: undefined });
    t.throws(() => ring.drain(), { code: 'CLOSED' });

    const controller = new AbortController();
    const aborted = new RingBuffer(live.maps.get('events'), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await t.throwsAsync(aborted.next(), { message: 'enough' });
    t.true(aborted.closed);
  });
});

test.serial('several waits are answered in turn', async (t) => {
  await withSample(async (live) => {
    using ring = new RingBuffer(live.maps.get('events'));
    const waits = [ring.next(), ring.next()];
    setTimeout(() => emit(live, 2), 5);
    const serials = (await Promise.all(waits)).map(
      ({ value }) => live.btf?.decode<Event>('sample_event', value as Uint8Array).serial,
    );
    t.deepEqual(serials, [0n, 1n]);
  });
});

test.serial('only ring buffers have records', (t) => {
  using map = BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 });
  t.throws(() => new RingBuffer(map), { code: 'INVALID_ARGUMENT', message: /ringbuf/ });
});

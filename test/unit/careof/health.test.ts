import test from 'ava';
import { type BindingSample, Health, type UplinkSample } from '../../../src/careof/health.js';

const binding: BindingSample = {
  index: 4,
  router: 'mr1',
  name: 'a',
  way: '2001:db8:a::2 fe80::1 3',
  interface: 'wa',
  ifindex: 3,
  nextHop: 'fe80::1',
  neighbour: 'resolved',
  sent: 0,
  received: 0,
};
const uplink: UplinkSample = { ifindex: 3, interface: 'wa', txDropped: 7, txErrors: 0 };

/** Feeds one binding and one uplink, a sample a second, and answers the codes after each. */
function watch(
  health: Health,
  start: number,
  samples: readonly (Partial<BindingSample> & Partial<UplinkSample>)[],
) {
  return samples.map(({ txDropped = 7, txErrors = 0, ...change }, second) => {
    health.observe({
      at: start + second * 1000,
      bindings: [{ ...binding, ...change }],
      uplinks: [{ ...uplink, txDropped, txErrors }],
    });
    return health.codes(4).join(' ');
  });
}

test('a binding that sends for the time of silence and hears nothing is named, until it hears something', (t) => {
  const health = new Health(3000);
  const sending = [1, 2, 3, 4, 5, 6].map((sent) => ({ sent, received: 9 }));
  t.deepEqual(watch(health, 0, sending), ['', '', '', '', 'PATH_SILENT', 'PATH_SILENT']);
  t.deepEqual(health.findings(), [
    {
      code: 'PATH_SILENT',
      message: 'binding a of mr1 sends by wa, and nothing has come back for 3 s',
      bindings: [4],
    },
  ]);
  t.deepEqual(watch(health, 6000, [{ sent: 7, received: 10 }]), ['']);
});

test('a binding of which only the sending is counted is never silent', (t) => {
  const sending = [1, 2, 3, 4, 5, 6].map((sent) => ({ sent, received: 9, onlySends: true }));
  t.deepEqual(new Set(watch(new Health(3000), 0, sending)), new Set(['']));
});

test('silence counts from the first packet without an answer, not from the last answer', (t) => {
  const health = new Health(3000);
  const idle = Array.from({ length: 10 }, () => ({ sent: 5, received: 9 }));
  t.deepEqual(new Set(watch(health, 0, idle)), new Set(['']));
  t.deepEqual(
    watch(health, 10_000, [
      { sent: 6, received: 9 },
      { sent: 7, received: 9 },
    ]),
    ['', ''],
  );
});

test('a single packet long ago proves nothing', (t) => {
  const health = new Health(3000);
  const samples = [5, 6, 6, 6, 6, 6, 6, 6].map((sent) => ({ sent, received: 9 }));
  t.deepEqual(new Set(watch(health, 0, samples)), new Set(['']));
});

test('a silent binding that sends ever more rarely stays named, one that has stopped does not', (t) => {
  const health = new Health(2000);
  watch(
    health,
    0,
    [1, 2, 3, 4].map((sent) => ({ sent })),
  );
  t.deepEqual(health.codes(4), ['PATH_SILENT']);
  const quiet = watch(
    health,
    4000,
    Array.from({ length: 14 }, () => ({ sent: 4 })),
  );
  t.is(
    quiet.findLastIndex((codes) => codes !== ''),
    11,
    'named for six times as long as silence',
  );
});

test('another care-of address, next hop or uplink begins anew; what carries nothing is forgotten', (t) => {
  const health = new Health(2000);
  watch(
    health,
    0,
    [1, 2, 3, 4].map((sent) => ({ sent, neighbour: 'failed' as const })),
  );
  health.echoed(4, 'no answer');
  t.deepEqual(health.codes(4), ['NEXT_HOP_FAILED', 'PATH_SILENT', 'ECHO_FAILED']);
  t.deepEqual(watch(health, 4000, [{ sent: 5, way: '2001:db8:b::2 fe80::1 3' }]), ['']);
  watch(health, 5000, [{ neighbour: 'failed' }]);
  health.observe({ at: 6000, bindings: [], uplinks: [] });
  t.deepEqual(health.findings(), []);
});

test('silence 0 switches that off, and a reload changes it', (t) => {
  const health = new Health(0);
  const sending = [1, 2, 3, 4, 5, 6].map((sent) => ({ sent }));
  t.deepEqual(new Set(watch(health, 0, sending)), new Set(['']));
  health.silenceMs = 2000;
  t.deepEqual(watch(health, 6000, [{ sent: 7 }]), ['PATH_SILENT']);
});

test('a next hop that failed is named at once, one that is not resolved after three seconds', (t) => {
  const health = new Health(10_000);
  t.deepEqual(watch(health, 0, [{}, { neighbour: 'failed' }, {}]), ['', 'NEXT_HOP_FAILED', '']);
  const unresolved = Array.from({ length: 5 }, () => ({ neighbour: 'unresolved' as const }));
  t.deepEqual(watch(health, 3000, unresolved), ['', '', '', 'NEXT_HOP_FAILED', 'NEXT_HOP_FAILED']);
  t.is(health.findings()[0]?.message, 'binding a of mr1: the next hop fe80::1 on wa does not answer');
  t.deepEqual(watch(health, 8000, [{ neighbour: 'none' }]), ['']);
});

test('drops of the uplink count while they rise, and for ten seconds after', (t) => {
  const health = new Health(1000);
  t.deepEqual(watch(health, 0, [{ txDropped: 7 }, { txDropped: 7 }]), ['', '']);
  t.deepEqual(watch(health, 2000, [{ txDropped: 8 }, { txDropped: 9, txErrors: 1 }]), [
    'UPLINK_DROPS',
    'UPLINK_DROPS',
  ]);
  t.is(health.findings()[0]?.message, 'tx_dropped and tx_errors of wa rises');
  const calm = watch(
    health,
    4000,
    Array.from({ length: 12 }, () => ({ txDropped: 9, txErrors: 1 })),
  );
  t.is(
    calm.findLastIndex((codes) => codes !== ''),
    8,
  );
});

test('the failed echo of a binding is named until one is answered or something is received', (t) => {
  const health = new Health(0);
  watch(health, 0, [{}]);
  health.echoed(4, 'no answer from h to an echo from c');
  t.deepEqual(health.findings(), [
    { code: 'ECHO_FAILED', message: 'binding a of mr1: no answer from h to an echo from c', bindings: [4] },
  ]);
  t.deepEqual(watch(health, 1000, [{ sent: 1 }]), ['ECHO_FAILED']);
  health.echoed(4, undefined);
  t.deepEqual(health.findings(), []);
  health.echoed(4, 'again');
  t.deepEqual(watch(health, 2000, [{ sent: 1, received: 1 }]), ['']);
  health.echoed(5, 'of a binding that is not there');
  t.deepEqual(health.findings(), []);
});

test('bindings that are looked at by turns stay as they were seen until their round has ended', (t) => {
  const health = new Health(3000);
  const others = { ...binding, index: 5, name: 'b', neighbour: 'failed' as const };
  const [first, second] = [[{ ...binding, neighbour: 'failed' as const }], [others]];
  health.observe({ at: 0, bindings: first, uplinks: [], part: 'some' });
  health.observe({ at: 1000, bindings: second, uplinks: [], part: 'last' });
  t.deepEqual([health.codes(4), health.codes(5)], [['NEXT_HOP_FAILED'], ['NEXT_HOP_FAILED']]);
  // The first one carries nothing any more; that of the other part is not looked at in this turn.
  health.observe({ at: 2000, bindings: [], uplinks: [], part: 'some' });
  t.deepEqual([health.codes(4), health.codes(5)], [['NEXT_HOP_FAILED'], ['NEXT_HOP_FAILED']]);
  health.observe({ at: 3000, bindings: second, uplinks: [], part: 'last' });
  t.deepEqual([health.codes(4), health.codes(5)], [[], ['NEXT_HOP_FAILED']]);
  health.observe({ at: 4000, bindings: [], uplinks: [] });
  t.deepEqual(health.findings(), []);
});

test('a link without room names the bindings that use it', (t) => {
  const health = new Health(3000);
  const bindings = [binding, { ...binding, index: 5, ifindex: 9 }, { ...binding, index: 6 }];
  health.observe({ at: 0, bindings, uplinks: [uplink] });
  health.observe({ at: 1000, bindings, uplinks: [{ ...uplink, txDropped: 8 }] });
  t.deepEqual(
    health.findings().map(({ code, bindings: users }) => [code, users]),
    [['UPLINK_DROPS', [4, 6]]],
  );
});

test('a link without room stays named while bindings of other links have their turn', (t) => {
  const health = new Health(3000);
  const others = { bindings: [{ ...binding, index: 5, ifindex: 9 }], uplinks: [{ ...uplink, ifindex: 9 }] };
  const first = (at: number, txDropped: number): void =>
    health.observe({ at, bindings: [binding], uplinks: [{ ...uplink, txDropped }], part: 'some' });
  first(0, 7);
  health.observe({ at: 1000, ...others, part: 'last' });
  first(2000, 8);
  const named = (): readonly unknown[] => health.findings().map(({ code, bindings }) => [code, bindings]);
  t.deepEqual(named(), [['UPLINK_DROPS', [4]]]);
  health.observe({ at: 3000, ...others, part: 'last' });
  t.deepEqual(named(), [['UPLINK_DROPS', [4]]]);
  // Nobody uses it any more.
  health.observe({ at: 4000, bindings: [], uplinks: [], part: 'some' });
  health.observe({ at: 5000, ...others, part: 'last' });
  t.deepEqual(named(), []);
});

/** Flow bindings in Binding Updates (RFC 6089 section 5.2). */
import test from 'ava';
import type { FlowView } from '../../../../src/registration/mobile-router/index.js';
import { bidsOf, careOf, Desk, fidsOf, flow, wanted, wordsOf } from '../../../support/registration-desk.js';

const flowsOf = (desk: Desk): string[] =>
  desk.registrar
    .view(desk.now)
    .flows.map(({ fid, state, status }: FlowView) => `${fid} ${state} ${status ?? '-'}`);

function registered(t: ConstructorParameters<typeof Desk>[0], bulk = true): Desk {
  const desk = new Desk(t, { bulk });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.time += 10_000;
  return desk;
}

test('flows go with the first registration, in full (RFC 6089 section 5.2.2.1)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1, 2])], desk.now);
  desk.want(wanted(1), wanted(2));
  t.deepEqual(flowsOf(desk), ['1 waiting -', '2 waiting -']);
  const sent = desk.take();
  t.deepEqual(fidsOf(sent), { inFull: [1, 2], summed: [] });
  t.like(
    sent.update.options.find(({ type }) => type === 'flow-identification'),
    { fid: 1, priority: 1, status: 0, bids: [1] },
  );
  desk.answer(sent);
  t.deepEqual(flowsOf(desk), ['1 accepted 0', '2 accepted 0']);
  t.is(desk.poll(), undefined);
});

test('Binding Identifiers are in front of flows (RFC 6089 section 5.3.1)', (t) => {
  const desk = new Desk(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.want(wanted(1));
  t.deepEqual(
    desk.take().update.options.map(({ type }) => type),
    ['binding-identifier', 'mobile-network-prefix', 'flow-identification'],
  );
});

test('a flow waits until all its bindings are registered or in the same Binding Update (RFC 6089 section 5.3.2.1)', (t) => {
  const desk = new Desk(t);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1, 2])], desk.now);
  desk.want(wanted(1), wanted(2));
  const first = desk.take();
  t.deepEqual(fidsOf(first).inFull, [1]);
  desk.answer(first);
  const second = desk.take();
  t.deepEqual(bidsOf(second), [2]);
  t.deepEqual(fidsOf(second), { inFull: [2], summed: [1] });
});

test('another flow later: a Binding Update at once, the others by their FIDs (RFC 6089 section 5.2.4)', (t) => {
  const desk = registered(t, false);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.settle();
  desk.registrar.setFlows([flow(1, [1]), flow(2, [2])], desk.now);
  const sent = desk.take();
  t.is(wordsOf(sent), '1 from 2001:db8:a::2');
  t.deepEqual(fidsOf(sent), { inFull: [2], summed: [1] });
  desk.answer(sent);
  t.is(desk.poll(), undefined);
});

test('a flow that has changed is sent in full again (RFC 6089 section 5.2.2.2)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1])], desk.now);
  desk.settle();
  desk.registrar.setFlows([flow(1, [1], 80), flow(2, [1])], desk.now);
  t.deepEqual(flowsOf(desk), ['1 waiting -', '2 accepted 0']);
  t.deepEqual(fidsOf(desk.take()), { inFull: [1], summed: [2] });
});

test('a flow that is gone: a Binding Update at once that leaves it out (RFC 6089 section 5.2.3)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1])], desk.now);
  desk.settle();
  desk.registrar.setFlows([flow(2, [1])], desk.now);
  const sent = desk.take();
  t.deepEqual(fidsOf(sent), { inFull: [], summed: [2] });
  desk.answer(sent);
  t.is(desk.poll(), undefined);
  t.deepEqual(flowsOf(desk), ['2 accepted 0']);
});

test('the same flows again send nothing', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.settle();
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  t.is(desk.poll(), undefined);
});

test('refreshes, new addresses and removals list every flow (RFC 6089 sections 5.2 and 5.3.4)', (t) => {
  const desk = registered(t, false);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [2])], desk.now);
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  const moved = desk.next();
  t.deepEqual(fidsOf(moved), { inFull: [], summed: [1, 2] });
  desk.answer(moved);
  desk.time += 2000;
  desk.want(wanted(2));
  const removal = desk.take();
  t.is(wordsOf(removal), '1 removed from 2001:db8:b::2');
  t.deepEqual(fidsOf(removal), { inFull: [], summed: [1, 2] });
  desk.answer(removal);
  t.deepEqual(fidsOf(desk.next()).summed, [1, 2]);
});

test('flow status 132 to a summary: in full at once, and the bindings are refreshed (RFC 6089 section 5.3.3)', (t) => {
  const desk = registered(t, false);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1])], desk.now);
  desk.settle();
  desk.time += 60_000;
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  desk.answer(desk.take(), { flows: { 2: 132 } });
  const again = desk.take();
  t.deepEqual(fidsOf(again), { inFull: [2], summed: [1] });
  desk.answer(again);
  t.is(wordsOf(desk.take()), '2 from 2001:db8:b::2');
});

for (const status of [128, 129, 130, 133]) {
  test(`flow status ${status}: refused and left out until it changes (RFC 6089 section 4.2)`, (t) => {
    const desk = registered(t);
    desk.registrar.setFlows([flow(1, [1]), flow(2, [1])], desk.now);
    desk.answer(desk.take(), { flows: { 1: status } });
    t.deepEqual(flowsOf(desk), [`1 refused ${status}`, '2 accepted 0']);
    const refresh = desk.next();
    t.deepEqual(fidsOf(refresh), { inFull: [], summed: [2] });
    desk.answer(refresh);
    desk.registrar.setFlows([flow(1, [1], 80), flow(2, [1])], desk.now);
    t.deepEqual(fidsOf(desk.take()), { inFull: [1], summed: [2] });
  });
}

test('flow status 131: in full again after 30 s (RFC 6089 section 5.3.2.1)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  const sent = desk.take();
  desk.answer(sent, { flows: { 1: 131 } });
  t.deepEqual(flowsOf(desk), ['1 waiting 131']);
  const again = desk.next();
  t.is(again.at - sent.at, 30_000);
  t.deepEqual(fidsOf(again).inFull, [1]);
});

test('no flow options in the answer: not supported, none are sent until they change or an hour has passed (RFC 6089 section 5.2.6)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  const sent = desk.take();
  desk.answer(sent, { flows: 'none' });
  t.deepEqual(flowsOf(desk), ['1 unsupported -']);
  t.is(desk.view(1).state, 'registered');
  const refresh = desk.next();
  t.deepEqual(fidsOf(refresh), { inFull: [], summed: [] });
  let later = refresh;
  while (fidsOf(later).inFull.length === 0) {
    desk.answer(later, { flows: 'none' });
    later = desk.next();
  }
  t.is(later.at - sent.at, 3_600_000);
  desk.answer(later, { flows: 'none' });
  desk.registrar.setFlows([flow(1, [1], 80)], desk.now);
  t.deepEqual(fidsOf(desk.next()).inFull, [1]);
});

test('one flow that is not answered among others is refused (RFC 6089 section 5.2.6)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  const sent = desk.take();
  const one = sent.update.options.find(({ type }) => type === 'flow-identification');
  if (one?.type !== 'flow-identification') return t.fail();
  desk.answer(sent, { flows: 'none', more: [{ ...one, fid: 9, bids: undefined, selector: undefined }] });
  t.deepEqual(flowsOf(desk), ['1 refused -']);
});

test('a Binding Update that is refused says nothing of its flows', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.answer(desk.take(), { status: 130, flows: 'none' });
  t.deepEqual(flowsOf(desk), ['1 waiting -']);
  t.deepEqual(fidsOf(desk.next()).inFull, [1]);
});

test('with O all flows are sent in full again (RFC 6089 section 5.2.2.1)', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.settle();
  desk.time += 2000;
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  desk.answer(desk.take(), { status: 165 });
  t.deepEqual(fidsOf(desk.take()), { inFull: [1], summed: [] });
});

test('one binding without BID has no flows', (t) => {
  const desk = new Desk(t);
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.want(wanted(1));
  desk.answer(desk.take(), { identifiers: false });
  t.deepEqual(fidsOf(desk.take()), { inFull: [], summed: [] });
});

test('an answer to an earlier Binding Update says nothing of flows that were sent since', (t) => {
  const desk = registered(t, false);
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  const first = desk.take();
  desk.idle(1500);
  desk.registrar.setFlows([flow(1, [2])], desk.now);
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2, { careOf: careOf('b', 3) }));
  const second = desk.next();
  t.deepEqual(fidsOf(second).inFull, [1]);
  desk.answer(first, { flows: 'none' });
  t.deepEqual(flowsOf(desk), ['1 waiting -']);
  desk.answer(second);
  t.deepEqual(flowsOf(desk), ['1 accepted 0']);
});

test('sixty-four flows take several packets of at most 1280 bytes, none of them is in full twice', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows(
    Array.from({ length: 64 }, (_, at) => flow(at + 1, [1, 2])),
    desk.now,
  );
  const from = desk.sent.length;
  desk.settle();
  const sent = desk.sent.slice(from);
  t.true(sent.length > 1 && sent.every(({ bytes }) => bytes.length <= 1280));
  t.deepEqual(
    sent.flatMap((one) => fidsOf(one).inFull),
    Array.from({ length: 64 }, (_, at) => at + 1),
  );
  t.true(flowsOf(desk).every((words) => words.endsWith('accepted 0')));
});

test('a removal has no flow in full (RFC 6089 section 5.3.4)', (t) => {
  const desk = registered(t, false);
  desk.registrar.setFlows([flow(1, [2]), flow(2, [9])], desk.now);
  desk.settle();
  t.deepEqual(flowsOf(desk), ['1 accepted 0', '2 waiting -']);
  desk.want(wanted(2));
  const removal = desk.next();
  t.is(wordsOf(removal), '1 removed from 2001:db8:b::2');
  t.deepEqual(fidsOf(removal), { inFull: [], summed: [1] });
});

test('a flow that is gone while an answer is on its way is left out of the next Binding Update', (t) => {
  const desk = registered(t);
  desk.registrar.setFlows([flow(1, [1]), flow(2, [1])], desk.now);
  desk.settle();
  const refresh = desk.next();
  desk.registrar.setFlows([flow(2, [1])], desk.now);
  desk.answer(refresh);
  const sent = desk.take();
  t.deepEqual(fidsOf(sent), { inFull: [], summed: [2] });
  desk.answer(sent);
  t.is(desk.poll(), undefined);
});

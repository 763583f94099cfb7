import test from 'ava';
import type {
  FlowIdentificationOption,
  MobilityOption,
  TrafficSelector,
} from '../../../../src/mobility/index.js';
import type { FlowBinding } from '../../../../src/registration/home-agent/index.js';
import { A, B, bid, changesOf, HOME, TestAgent } from '../../../support/home-registration.js';

const NONE = {
  source: undefined,
  destination: undefined,
  spi: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  protocol: undefined,
} as const;
const UDP: TrafficSelector = { ...NONE, type: 'ipv4', protocol: { low: 17, high: 17 } };
const TCP: TrafficSelector = { ...NONE, type: 'ipv6', flowLabel: undefined, protocol: { low: 6, high: 6 } };

type Flow = Omit<Partial<FlowIdentificationOption>, 'type'>;

function flow(fid: number, priority: number, more: Flow = {}): MobilityOption {
  return {
    type: 'flow-identification',
    fid,
    priority,
    status: 0,
    bids: undefined,
    selector: undefined,
    others: [],
    ...more,
  };
}

function whole(fid: number, priority: number, bids: readonly number[] = [1]): MobilityOption {
  return flow(fid, priority, { bids, selector: UDP });
}

function summary(...fids: number[]): MobilityOption {
  return { type: 'flow-summary', fids };
}

/** A router with BIDs 1 and 2 and these flows. */
function withFlows(...flows: MobilityOption[]): TestAgent {
  const agent = new TestAgent({ mostFlows: 4 });
  agent.send({ options: [bid(1, A), bid(2, B), ...flows] });
  return agent;
}

/** FID, FID-PRI, BIDs. */
function flowsOf(agent: TestAgent): string[] {
  const flows: readonly FlowBinding[] = agent.registrar.registration(HOME)?.flows ?? [];
  return flows.map(({ fid, priority, bids }) => `${fid} ${priority} ${bids.join(',')}`);
}

test('RFC 6089 section 5.3.2: a new flow beside the BIDs that it names, and its status in the answer', (t) => {
  const agent = new TestAgent();
  const options = [whole(5, 20, [2, 1, 2]), bid(1, A), whole(6, 10), bid(2, B)];
  const { reply, changes } = agent.send({ options });
  t.is(reply?.status, 0);
  t.deepEqual(reply?.flows, [
    [5, 0],
    [6, 0],
  ]);
  t.is(changesOf({ changes }).at(-1), 'flows-changed 6 5');
  t.deepEqual(flowsOf(agent), ['6 10 1', '5 20 2,1']);
});

test('RFC 6089 section 5.3.2.1: a new flow needs selector and BIDs (130), known BIDs (131), a known format (133)', (t) => {
  const agent = withFlows();
  const other: TrafficSelector = { type: 'other', format: 9, data: new Uint8Array(4) };
  const statusOf = (option: MobilityOption) => agent.send({ options: [bid(1), option] }).reply?.flows;
  t.deepEqual(statusOf(flow(5, 1, { bids: [1] })), [[5, 130]]);
  t.deepEqual(statusOf(flow(5, 1, { selector: UDP })), [[5, 130]]);
  t.deepEqual(statusOf(whole(5, 1, [1, 3])), [[5, 131]]);
  t.deepEqual(statusOf(flow(5, 1, { bids: [1], selector: other })), [[5, 133]]);
  t.deepEqual(statusOf(whole(5, 0)), [[5, 130]]);
  t.deepEqual(flowsOf(agent), []);
});

test('RFC 6089 section 5.3.2.2: of a known flow the priority is replaced, and what else is given', (t) => {
  const agent = withFlows(whole(5, 20));
  agent.send({ options: [bid(1), flow(5, 21)] });
  t.deepEqual(flowsOf(agent), ['5 21 1']);
  agent.send({ options: [bid(1), flow(5, 21, { bids: [2] })] });
  t.deepEqual(flowsOf(agent), ['5 21 2']);
  t.is(agent.registrar.registration(HOME)?.flows[0]?.selector.type, 'ipv4');
  agent.send({ options: [bid(1), flow(5, 21, { selector: TCP })] });
  t.is(agent.registrar.registration(HOME)?.flows[0]?.selector.type, 'ipv6');
  t.deepEqual(flowsOf(agent), ['5 21 2']);
});

test('RFC 6089 section 5.3.4: flows that a message does not name go, those of the summary stay', (t) => {
  const agent = withFlows(whole(5, 1), whole(6, 2), whole(7, 3));
  const { reply, changes } = agent.send({ options: [bid(1), summary(5), flow(7, 3)] });
  t.deepEqual(reply?.flows, [[7, 0]]);
  t.deepEqual(changesOf({ changes }), ['flows-changed 5 7']);
  t.deepEqual(changesOf(agent.send({ options: [bid(1), summary(5), summary(7)] })), []);
  t.deepEqual(changesOf(agent.send({ options: [bid(1)] })), ['flows-changed']);
});

test('RFC 6089 section 5.3.4: also where bindings are removed', (t) => {
  const agent = withFlows(whole(5, 1), whole(6, 2, [2]));
  const { reply, changes } = agent.send({ lifetime: 0, options: [bid(1), summary(6, 9)] });
  t.deepEqual(reply?.flows, [[9, 132]]);
  t.deepEqual(changesOf({ changes }), [`binding-removed 1 ${A}`, 'flows-changed 6']);
});

test('RFC 6089 section 5.3.3: a FID of the summary that is not known is answered with 132', (t) => {
  const agent = withFlows(whole(5, 1));
  t.deepEqual(agent.send({ options: [bid(1), summary(5, 9, 9)] }).reply?.flows, [[9, 132]]);
});

test('RFC 6089 section 5.3.3: the end of all bindings is that of all flows', (t) => {
  for (const end of [{ lifetime: 0 }, { lifetime: 0, options: [bid(1), bid(2), summary(5)] }]) {
    const agent = withFlows(whole(5, 1));
    t.is(changesOf(agent.send(end)).at(-1), 'flows-changed');
    t.deepEqual(flowsOf(agent), []);
  }
  const plain = withFlows(whole(5, 1));
  plain.send();
  t.deepEqual(flowsOf(plain), []);
});

test('RFC 6089 section 5.3.2: the same FID in two options refuses all options; what was there stays', (t) => {
  const agent = withFlows(whole(5, 1));
  const { reply } = agent.send({ options: [bid(1), flow(5, 2), whole(6, 3), flow(5, 4)] });
  t.deepEqual(reply?.flows, [
    [5, 130],
    [6, 130],
    [5, 130],
  ]);
  t.deepEqual(flowsOf(agent), ['5 1 1']);
});

test('RFC 6089 section 4.2: a priority is one flow only; two can change theirs for one another', (t) => {
  const agent = withFlows(whole(5, 1), whole(6, 2));
  t.deepEqual(agent.send({ options: [bid(1), flow(5, 2), flow(6, 1)] }).reply?.flows, [
    [5, 0],
    [6, 0],
  ]);
  t.deepEqual(flowsOf(agent), ['6 1 1', '5 2 1']);
  t.deepEqual(agent.send({ options: [bid(1), summary(5, 6), whole(7, 2)] }).reply?.flows, [[7, 130]]);
  // FID 6 keeps its priority, because the change is refused; so FID 5 cannot have it.
  const both = agent.send({ options: [bid(1), flow(5, 1), flow(6, 3, { bids: [9] })] });
  t.deepEqual(both.reply?.flows, [
    [5, 130],
    [6, 131],
  ]);
  t.deepEqual(flowsOf(agent), ['6 1 1', '5 2 1']);
  // FID 7 takes what 6 leaves, 6 what 5 does not leave: 6 keeps its own, and 7 gets nothing.
  const chain = agent.send({ options: [bid(1), summary(5), whole(7, 1), flow(6, 2)] });
  t.deepEqual(chain.reply?.flows, [
    [7, 130],
    [6, 130],
  ]);
  t.deepEqual(flowsOf(agent), ['6 1 1', '5 2 1']);
});

test('RFC 6089 section 5.3.4: a flow that is named stays, though its change is refused', (t) => {
  const agent = withFlows(whole(5, 1));
  t.deepEqual(agent.send({ options: [bid(1), flow(5, 7, { bids: [9] })] }).reply?.flows, [[5, 131]]);
  t.deepEqual(flowsOf(agent), ['5 1 1']);
});

test('RFC 6089 section 4.3: a flow whose BIDs are gone stays, and its BIDs with it', (t) => {
  const agent = withFlows(whole(5, 1, [2]));
  agent.send({ lifetime: 0, options: [bid(2), summary(5)] });
  t.deepEqual(flowsOf(agent), ['5 1 2']);
  agent.send({ options: [bid(2, B), summary(5)] });
  t.deepEqual(flowsOf(agent), ['5 1 2']);
});

test('no more flows than the settings allow: 128 for the next', (t) => {
  const agent = withFlows(whole(1, 1), whole(2, 2), whole(3, 3));
  const { reply } = agent.send({ options: [bid(1), summary(1, 2, 3), whole(4, 4), whole(5, 5)] });
  t.deepEqual(reply?.flows, [
    [4, 0],
    [5, 128],
  ]);
  t.deepEqual(flowsOf(agent).length, 4);
  // One is left out, so another has room.
  agent.send({ options: [bid(1), summary(1, 2, 3), whole(5, 5)] });
  t.deepEqual(flowsOf(agent).at(-1), '5 5 1');
  const none = new TestAgent({ mostFlows: 0 });
  t.deepEqual(none.send({ options: [bid(1, A), whole(5, 1)] }).reply?.flows, [[5, 128]]);
});

test('RFC 6089 section 4.2: a flow that cannot be is refused with the status of the rule; what was there stays', (t) => {
  const seen: string[] = [];
  const agent = new TestAgent({
    flowRefusal: ({ fid, priority, bids, selector }, bindings, { name }) => {
      seen.push(`${fid} ${priority} ${bids} ${selector.type} ${bindings.map((one) => one.bid)} ${name}`);
      return bids.length > 1 ? 129 : undefined;
    },
  });
  // Bindings come first, whatever the order of the options.
  const { reply } = agent.send({ options: [whole(5, 1), whole(6, 2, [2, 1, 2]), bid(1, A), bid(2, B)] });
  t.is(reply?.status, 0);
  t.deepEqual(reply?.flows, [
    [5, 0],
    [6, 129],
  ]);
  t.deepEqual(flowsOf(agent), ['5 1 1']);
  // What an option leaves out is that of the flow which is known; what is wrong otherwise is not asked about.
  const options = [bid(1), flow(5, 3, { bids: [1, 2] }), whole(7, 4, [9]), whole(8, 0)];
  t.deepEqual(agent.send({ options }).reply?.flows, [
    [5, 129],
    [7, 131],
    [8, 130],
  ]);
  t.deepEqual(flowsOf(agent), ['5 1 1']);
  t.deepEqual(agent.send({ options: [bid(1), flow(5, 9)] }).reply?.flows, [[5, 0]]);
  t.deepEqual(flowsOf(agent), ['5 9 1']);
  t.deepEqual(seen, [
    '5 1 1 ipv4 1,2 bus',
    '6 2 2,1 ipv4 1,2 bus',
    '5 3 1,2 ipv4 1,2 bus',
    '5 9 1 ipv4 1,2 bus',
  ]);
});

test('RFC 6089 section 5.3.2: an option that is damaged is answered with 130, and its flow stays', (t) => {
  const agent = new TestAgent({ unauthenticated: 'accepted' }, [
    { name: 'bus', homeAddress: HOME, prefixes: [], mostBindings: 2 },
  ]);
  const flags = ['acknowledge', 'home'] as const;
  const sent = { key: null, timestamp: null, flags };
  agent.send({ ...sent, options: [bid(1, A), whole(5, 1)] });
  const packet = agent.packet({ ...sent, options: [bid(1), flow(5, 9, { bids: [1] })] });
  // Its sub-option says that it is longer than the option.
  const at = Buffer.from(packet.header).lastIndexOf(Buffer.of(2, 2, 0, 1));
  t.true(at > 0);
  packet.header[at + 1] = 9;
  t.deepEqual(agent.take(packet).reply?.flows, [[5, 130]]);
  t.deepEqual(flowsOf(agent), ['5 1 1']);
});

test('the answer is never longer than a message can be', (t) => {
  const agent = new TestAgent({ mostFlows: 100 });
  const all = Array.from({ length: 6 }, (_, part) =>
    summary(...Array.from({ length: 120 }, (_, at) => part * 120 + at + 1)),
  );
  const { reply } = agent.send({
    options: [...Array.from({ length: 50 }, (_, at) => bid(at + 1, at ? undefined : A)), ...all],
  });
  t.is(reply?.status, 4);
  t.is(reply?.bids.length, 50);
  t.is(reply?.flows.length, 100);
  t.true(reply?.isSigned);
});

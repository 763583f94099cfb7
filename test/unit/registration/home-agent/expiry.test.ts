import test from 'ava';
import { Address, decodeMobilityHeader } from '../../../../src/mobility/index.js';
import type { Expiry, OutgoingPacket } from '../../../../src/registration/home-agent/index.js';
import {
  A,
  AGENT,
  B,
  bid,
  changesOf,
  HOME,
  ROUTER,
  received,
  TestAgent,
} from '../../../support/home-registration.js';

/** The BIDs that a Binding Refresh Request asks for. */
function asked({ packet: bytes }: OutgoingPacket): number[] {
  const packet = received(bytes);
  const message = decodeMobilityHeader(packet.header);
  if (message.type !== 'binding-refresh-request' || packet.checksum !== 'right')
    throw new Error(message.type);
  return message.options.flatMap((option) => (option.type === 'binding-identifier' ? [option.bid] : [-1]));
}

/** Goes from event to event: seconds since the start, and what happened. */
function story(agent: TestAgent): string[] {
  const start = agent.now.monotonic;
  const lines: string[] = [];
  for (let next = agent.registrar.nextEvent(); next !== undefined; next = agent.registrar.nextEvent()) {
    agent.wait((next - agent.now.monotonic) / 1000);
    const { changes, requests }: Expiry = agent.registrar.expire(agent.now);
    const what = [...requests.map((request) => `ask ${asked(request)}`.trim()), ...changesOf({ changes })];
    lines.push(`${(next - start) / 1000}: ${what.join(', ')}`);
  }
  return lines;
}

test('RFC 6275 section 9.5: a binding ends with its lifetime, the last one with prefixes and flows', (t) => {
  const agent = new TestAgent({ refreshRequests: 'none' });
  t.is(agent.registrar.nextEvent(), undefined);
  agent.send({ lifetime: 60, options: [bid(1, A)] });
  const end = agent.now.monotonic + 60_000;
  agent.send({ lifetime: 20, options: [bid(2, B)] });
  t.is(agent.registrar.nextEvent(), agent.now.monotonic + 20_000);
  t.deepEqual(agent.registrar.expire(agent.now), { changes: [], requests: [] });
  agent.wait(20);
  t.deepEqual(changesOf(agent.registrar.expire(agent.now)), [`binding-removed 2 ${B}`]);
  t.is(agent.registrar.nextEvent(), end);
  agent.wait(40);
  t.deepEqual(changesOf(agent.registrar.expire(agent.now)), [`binding-removed 1 ${A}`, 'prefixes-changed']);
  t.is(agent.registrar.nextEvent(), undefined);
});

test('RFC 6275 section 9.5.5: three requests in the last tenth of a lifetime, 30 s at least, half of it at most', (t) => {
  const lines = (lifetime: number) => {
    const agent = new TestAgent();
    agent.send({ lifetime, flags: ['acknowledge', 'home'] });
    return story(agent);
  };
  const end = `binding-removed 0 ${A}`;
  t.deepEqual(lines(3000), ['2700: ask', '2800: ask', '2900: ask', `3000: ${end}`]);
  t.deepEqual(lines(120), ['90: ask', '100: ask', '110: ask', `120: ${end}`]);
  t.deepEqual(lines(24), ['12: ask', '16: ask', '20: ask', `24: ${end}`]);
});

test('RFC 5648 section 6.4: the request names the BIDs, goes to the home address without routing header, unsigned', (t) => {
  const agent = new TestAgent();
  agent.send({ lifetime: 120, options: [bid(1, A), bid(2, B)] });
  agent.wait(90);
  const { requests, changes } = agent.registrar.expire(agent.now);
  t.deepEqual(changes, []);
  t.is(requests.length, 1);
  const packet = received(requests[0]?.packet ?? new Uint8Array());
  t.deepEqual(requests.map(asked), [[1, 2]]);
  t.true(packet.source.equals(AGENT) && requests[0]?.source.equals(AGENT));
  t.true(packet.destination.equals(HOME) && requests[0]?.destination.equals(HOME));
  t.is(packet.routing, undefined);
});

test('a refresh puts off end and requests, of its own binding only', (t) => {
  const agent = new TestAgent();
  agent.send({ lifetime: 120, options: [bid(1, A), bid(2, B)], flags: ['acknowledge', 'home'] });
  agent.wait(94.8);
  agent.send({ lifetime: 120, options: [bid(1)], flags: ['acknowledge', 'home'] });
  t.deepEqual(story(agent), [
    // The first one was due before the refresh, and only now there was time for it.
    '-5: ask 2',
    '5: ask 2',
    '15: ask 2',
    `25: binding-removed 2 ${B}`,
    '90: ask 1',
    '100: ask 1',
    '110: ask 1',
    `120: binding-removed 1 ${A}`,
  ]);
});

test('who comes late asks once, not for each time that was missed', (t) => {
  const agent = new TestAgent();
  agent.send({ lifetime: 120 });
  agent.wait(115);
  t.is(agent.registrar.expire(agent.now).requests.length, 1);
  t.is(agent.registrar.nextEvent(), agent.now.monotonic + 5000);
});

test('of many routers at once a thousand are looked at in one call', (t) => {
  const routers = Array.from({ length: 1500 }, (_, at) => ({
    ...ROUTER,
    name: `bus ${at}`,
    homeAddress: Address.fromWords(0x2001_0db8, 0xffff_0000, 0, at + 16),
    prefixes: [],
  }));
  const agent = new TestAgent({ refreshRequests: 'none' }, routers);
  const flags = ['acknowledge', 'home'] as const;
  // Not in the order of their ends.
  for (const [at, { homeAddress }] of routers.entries()) {
    const source = Address.fromWords(0x2001_0db8, 0xa_0000, 0, at + 16);
    agent.take(agent.packet({ source, homeAddress, flags, lifetime: 4 + 4 * ((at * 7) % 100) }));
  }
  const ends: number[] = [];
  for (const seconds of [100, 300]) {
    agent.wait(seconds);
    const now = agent.now.monotonic;
    for (;;) {
      const next = agent.registrar.nextEvent();
      if (next === undefined || next > now) break;
      const { changes } = agent.registrar.expire(agent.now);
      t.true(changes.length <= 1000);
      for (const change of changes) if (change.type === 'binding-removed') ends.push(change.binding.end);
    }
  }
  t.is(ends.length, 1500);
  t.deepEqual(
    ends,
    [...ends].sort((a, b) => a - b),
  );
});

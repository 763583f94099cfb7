/** Which answers count. */
import test from 'ava';
import {
  decodeMobilityPacket,
  encodeMobilityPacket,
  ntpTimestamp,
  verifyAuthentication,
} from '../../../../src/mobility/index.js';
import { IGNORED_TEXTS, type IgnoredReason } from '../../../../src/registration/mobile-router/index.js';
import {
  AGENT,
  type AnswerSpec,
  atHome,
  careOf,
  Desk,
  HOME,
  KEY,
  type Sent,
  wanted,
} from '../../../support/registration-desk.js';

const stampOf = ({ update }: Sent): bigint =>
  update.options.find((option) => option.type === 'replay-protection')?.timestamp ?? -1n;

interface Row {
  readonly what: string;
  readonly spec: AnswerSpec;
  readonly reason: IgnoredReason;
  readonly key?: boolean;
}

const OTHER_KEY = { ...KEY, key: new Uint8Array(16) };
const ROWS: readonly Row[] = [
  {
    what: 'from another node (RFC 6275 section 11.7.3)',
    spec: { source: careOf('e') },
    reason: 'other-source',
  },
  {
    what: 'for another home address (RFC 6275 section 6.4)',
    spec: { routedTo: careOf('e') },
    reason: 'other-destination',
  },
  {
    what: 'without a routing header (RFC 6275 section 9.5.4)',
    spec: { routedTo: undefined },
    reason: 'other-destination',
  },
  {
    what: 'to a care-of address that asked nothing',
    spec: { destination: careOf('b') },
    reason: 'other-destination',
  },
  {
    what: 'with another sequence number (RFC 6275 section 11.7.3)',
    spec: { sequence: 101 },
    reason: 'other-sequence',
  },
  {
    what: 'with the number before (RFC 6275 section 11.7.3)',
    spec: { sequence: 99 },
    reason: 'other-sequence',
  },
  {
    what: 'without authentication (RFC 4285 section 5)',
    spec: { key: undefined },
    reason: 'unauthenticated',
    key: true,
  },
  {
    what: 'with another key (RFC 4285 section 5.1)',
    spec: { key: OTHER_KEY },
    reason: 'wrong-authentication',
    key: true,
  },
  {
    what: 'with another SPI (RFC 4285 section 5)',
    spec: { key: { ...KEY, spi: 0x1001 } },
    reason: 'wrong-authentication',
    key: true,
  },
  {
    what: 'with another timestamp (RFC 4285 section 6)',
    spec: { timestamp: 5n },
    reason: 'other-timestamp',
    key: true,
  },
  {
    what: 'of status 135 without authentication',
    spec: { status: 135, sequence: 5000, key: undefined },
    reason: 'unauthenticated',
    key: true,
  },
  {
    what: 'of status 144 without authentication (RFC 4285 section 6)',
    spec: { status: 144, key: undefined },
    reason: 'unauthenticated',
    key: true,
  },
  {
    what: 'of status 146 with another key',
    spec: { status: 146, key: OTHER_KEY },
    reason: 'wrong-authentication',
    key: true,
  },
];

for (const { what, spec, reason, key } of ROWS) {
  test(`an answer ${what} changes nothing: ${reason}`, (t) => {
    const desk = new Desk(t, key ? { key: KEY } : {});
    desk.want(wanted(1), wanted(2));
    const sent = desk.take();
    const view = JSON.stringify(desk.registrar.view(desk.now));
    const next = desk.registrar.nextEvent();
    const reception = desk.answer(sent, spec);
    t.is(reception.outcome, reason);
    t.true(reception.text.startsWith(IGNORED_TEXTS[reason]));
    t.deepEqual(reception.changes, []);
    t.is(JSON.stringify(desk.registrar.view(desk.now)), view);
    t.is(desk.registrar.nextEvent(), next);
    // The right one counts still.
    t.is(desk.answer(sent).outcome, 'accepted');
  });
}

test('what an answer that is ignored says is told, for whoever looks for the reason', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  const { status, text } = desk.answer(desk.take(), { status: 146, key: undefined });
  t.is(status, 146);
  t.true(text.endsWith('it says status 146: authentication has failed (MIPV6-AUTH-FAIL)'), text);
});

test('an answer with a wrong checksum changes nothing (RFC 6275 section 9.2)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const sent = desk.take();
  const bytes = desk.answerTo(sent);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  t.is(desk.receive(bytes).outcome, 'wrong-checksum');
  t.is(desk.view(1).state, 'registering');
});

test('an answer that cannot be decoded changes nothing', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const sent = desk.take();
  const packet = decodeMobilityPacket(desk.answerTo(sent));
  if (packet === undefined) return t.fail();
  const header = packet.header.subarray(0, 9);
  t.is(desk.registrar.receive({ ...packet, header }, desk.now).outcome, 'malformed');
  t.is(desk.view(1).state, 'registering');
});

test('an answer counts once, and nothing counts that was not asked (RFC 6275 section 11.7.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const sent = desk.take();
  desk.answer(sent);
  t.is(desk.answer(sent, { status: 130 }).outcome, 'nothing-asked');
  t.is(desk.view(1).state, 'registered');
});

test('an answer counts as the kernel hands it over, too: the routing header is processed (RFC 6275 section 6.4)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  const bytes = Buffer.from(desk.answerTo(desk.take()));
  bytes.set(HOME.toBytes(), 24);
  bytes.set(careOf('a').toBytes(), 48);
  bytes.writeUInt8(0, 43);
  t.is(desk.receive(bytes).outcome, 'accepted');
});

test('an answer at home comes to the home address, with or without a routing header', (t) => {
  for (const routedTo of [undefined, HOME]) {
    const desk = new Desk(t);
    desk.want(atHome(1));
    t.is(desk.answer(desk.take(), { routedTo }).outcome, 'accepted');
  }
});

test('other messages are none of its business', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const { update } = desk.take();
  t.is(desk.receiveMessage(update).outcome, 'other-message');
  t.is(desk.receiveMessage({ type: 'other', number: 21, data: new Uint8Array(2) }).outcome, 'other-message');
});

test('a Binding Refresh Request of another node changes nothing', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.time += 60_000;
  const request = { type: 'binding-refresh-request', options: [] } as const;
  const packet = encodeMobilityPacket(
    { source: careOf('e'), destination: careOf('a'), routedTo: HOME },
    request,
  );
  t.is(desk.receive(packet).outcome, 'other-source');
  t.is(desk.poll(), undefined);
  t.is(
    desk.receive(encodeMobilityPacket({ source: AGENT, destination: HOME }, request)).outcome,
    'refresh-requested',
  );
  t.true(desk.poll() !== undefined);
});

test('with a key a Binding Update has a timestamp and is authenticated, as its last option (RFC 4285 sections 5 and 6)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  const sent = desk.take();
  t.deepEqual(
    sent.update.options.map(({ type }) => type),
    ['binding-identifier', 'mobile-network-prefix', 'replay-protection', 'authentication'],
  );
  t.is(stampOf(sent), ntpTimestamp(desk.now.real));
  const parties = { careOf: careOf('a'), homeAddress: HOME };
  t.is(
    verifyAuthentication(sent.packet.header, parties, () => KEY.key),
    'valid',
  );
  const bare = new Desk(t);
  bare.want(wanted(1));
  t.false(
    bare.take().update.options.some(({ type }) => type === 'replay-protection' || type === 'authentication'),
  );
});

test('each timestamp is after the one before, also where the clock stands or goes back (RFC 4285 section 6)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1), wanted(2), wanted(3));
  const first = desk.take();
  desk.answer(first);
  const second = desk.take();
  desk.answer(second);
  desk.off = -3_600_000_000_000n;
  const third = desk.take();
  t.is(stampOf(second) - stampOf(first), 1n);
  t.is(stampOf(third) - stampOf(second), 1n);
});

test('an answer without a timestamp counts: the home agent may go by sequence numbers (RFC 4285 section 6)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  t.is(desk.answer(desk.take(), { timestamp: undefined }).outcome, 'accepted');
});

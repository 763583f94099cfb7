import test from 'ava';
import { createApi, type ErrorBody } from '../../../src/api/index.js';
import { FakeController } from '../../support/fake-controller.js';

interface Row {
  title: string;
  method?: string;
  path: string;
  body?: string;
  type?: string;
  status: number;
  code: string;
  says: RegExp;
}

const PUT = '/v1/routers/mr1/bindings/1';
const WRONG: readonly Row[] = [
  {
    title: 'unknown call',
    path: '/v1/nothing',
    status: 404,
    code: 'UNKNOWN_ROUTE',
    says: /GET \/v1\/nothing/,
  },
  { title: 'unknown map', path: '/v1/maps/cx_none', status: 404, code: 'UNKNOWN_MAP', says: /cx_none/ },
  {
    title: 'map name out of bounds',
    path: '/v1/maps/..%2Fetc',
    status: 400,
    code: 'BAD_INPUT',
    says: /name: /,
  },
  {
    title: 'fault of the controller',
    path: '/v1/maps/cx_broken',
    status: 500,
    code: 'INTERNAL',
    says: /kernel/,
  },
  {
    title: 'broken JSON',
    method: 'PUT',
    path: PUT,
    body: '{"down":',
    status: 400,
    code: 'BAD_JSON',
    says: /JSON/,
  },
  {
    title: 'not JSON',
    method: 'PUT',
    path: PUT,
    body: 'down',
    type: 'text/plain',
    status: 415,
    code: 'NOT_JSON',
    says: /text/,
  },
  { title: 'no body', method: 'PUT', path: PUT, status: 415, code: 'NOT_JSON', says: /no declared type/ },
  {
    title: 'empty change',
    method: 'PUT',
    path: PUT,
    body: '{}',
    status: 400,
    code: 'BAD_INPUT',
    says: /nothing to change/,
  },
  {
    title: 'a list',
    method: 'PUT',
    path: PUT,
    body: '[]',
    status: 400,
    code: 'BAD_INPUT',
    says: /expected object/,
  },
  {
    title: 'unknown key',
    method: 'PUT',
    path: PUT,
    body: '{"dwon":true}',
    status: 400,
    code: 'BAD_INPUT',
    says: /dwon/,
  },
  {
    title: 'wrong type',
    method: 'PUT',
    path: PUT,
    body: '{"down":1}',
    status: 400,
    code: 'BAD_INPUT',
    says: /down: .*boolean/,
  },
  {
    title: 'no address',
    method: 'PUT',
    path: PUT,
    body: '{"careOf":"x"}',
    status: 400,
    code: 'BAD_INPUT',
    says: /careOf: "x"/,
  },
  {
    title: 'link-local',
    method: 'PUT',
    path: PUT,
    body: '{"careOf":"fe80::1"}',
    status: 400,
    code: 'BAD_INPUT',
    says: /fe80::1/,
  },
  {
    title: 'IPv4',
    method: 'PUT',
    path: PUT,
    body: '{"careOf":"192.0.2.1"}',
    status: 400,
    code: 'BAD_INPUT',
    says: /192/,
  },
  {
    title: 'accept only what',
    method: 'PUT',
    path: PUT,
    body: '{"acceptOnly":true}',
    status: 400,
    code: 'BAD_INPUT',
    says: /acceptOnly/,
  },
  {
    title: 'BID 0',
    method: 'PUT',
    path: '/v1/routers/mr1/bindings/0',
    body: '{"down":true}',
    status: 400,
    code: 'BAD_INPUT',
    says: /bid: .*65535/,
  },
  {
    title: 'BID 65536',
    method: 'PUT',
    path: '/v1/routers/mr1/bindings/65536',
    body: '{"down":true}',
    status: 400,
    code: 'BAD_INPUT',
    says: /bid/,
  },
  {
    title: 'BID 0x1',
    method: 'PUT',
    path: '/v1/routers/mr1/bindings/0x1',
    body: '{"down":true}',
    status: 400,
    code: 'BAD_INPUT',
    says: /bid/,
  },
  {
    title: 'unknown router',
    method: 'PUT',
    path: '/v1/routers/mr9/bindings/1',
    body: '{"down":true}',
    status: 404,
    code: 'UNKNOWN_ROUTER',
    says: /mr9/,
  },
  {
    title: 'unknown binding',
    method: 'PUT',
    path: '/v1/routers/-/bindings/9',
    body: '{"down":true}',
    status: 404,
    code: 'UNKNOWN_BINDING',
    says: /9/,
  },
  {
    title: 'oversize',
    method: 'PUT',
    path: PUT,
    body: `{"careOf":"${'1'.repeat(70_000)}"}`,
    status: 413,
    code: 'BODY_TOO_LARGE',
    says: /65536/,
  },
];

for (const row of WRONG) {
  test(`refused with code and hint: ${row.title}`, async (t) => {
    const controller = new FakeController();
    const response = await build(controller).request(row.path, requestOf(row));
    const { error } = (await response.json()) as ErrorBody;
    t.is(response.status, row.status);
    t.is(error.code, row.code);
    t.regex(error.message, row.says);
    t.true(error.hint.length > 10);
    t.deepEqual(
      controller.calls.filter((call) => !/mr9| 9 /.test(call)),
      [],
    );
  });
}

test('an oversize body without a length is refused, too', async (t) => {
  const body = new ReadableStream({
    pull(stream) {
      stream.enqueue(new Uint8Array(16_384).fill(32));
    },
  });
  const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body, duplex: 'half' };
  const response = await build(new FakeController()).request(PUT, init as RequestInit);
  t.is(response.status, 413);
});

test('a change reaches the controller with a canonical address', async (t) => {
  const controller = new FakeController();
  const response = await build(controller).request('/v1/routers/-/bindings/00001', {
    method: 'PUT',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: '{"careOf":"2001:DB8:0:0::7","acceptOnly":true}',
  });
  t.is(response.status, 200);
  t.deepEqual(controller.calls, ['set undefined 1 {"careOf":"2001:db8::7","acceptOnly":true}']);
});

test('status says who the daemon is', async (t) => {
  const response = await build(new FakeController()).request('/v1/status');
  t.like(await response.json(), {
    version: '1.2.3',
    pid: process.pid,
    uptimeSeconds: 60,
    role: 'home-agent',
  });
});

test('a dump is JSON: large numbers exact as text, bytes as hexadecimal', async (t) => {
  const response = await build(new FakeController()).request('/v1/maps/cx_binding_rows');
  const { rows } = (await response.json()) as { rows: { key: unknown; value: object }[] };
  t.like(rows[1], {
    key: 1,
    value: { packets: '1152921504606846976', pad: '0000', outerSource: '2001:db8:a::2' },
  });
});

test('a reload that fails on its configuration names every problem', async (t) => {
  const reload = async () => {
    throw Object.assign(new Error('c.yaml:1:1: role: a\nc.yaml:2:1: home: b'), { code: 'CONFIG_INVALID' });
  };
  const response = await build(new FakeController(), reload).request('/v1/reload', { method: 'POST' });
  const { error } = (await response.json()) as ErrorBody;
  t.is(response.status, 422);
  t.is(error.message, 'c.yaml:1:1: role: a (and 1 more)');
  t.deepEqual(error.details, ['c.yaml:1:1: role: a', 'c.yaml:2:1: home: b']);
});

function build(controller: FakeController, reload = () => controller.reload()) {
  return createApi(controller, { version: '1.2.3', startedAt: Date.now() - 60_000, reload });
}

function requestOf(row: Row): RequestInit {
  if (row.body === undefined) return { method: row.method ?? 'GET' };
  return {
    method: row.method ?? 'GET',
    headers: { 'content-type': row.type ?? 'application/json' },
    body: row.body,
  };
}

import { request } from 'node:http';
import { hc } from 'hono/client';
import type {
  BindingChange,
  BindingView,
  DeregistrationResult,
  MapView,
  PolicyView,
  ProbeView,
  ReasonView,
  ReloadResult,
  StatusView,
} from '../views/index.js';
import type { Api, MapDumpView } from './api.js';
import type { ErrorBody } from './api-error.js';
import { ONLY_ROUTER } from './paths.js';
import { SocketError } from './socket-error.js';

/** An answer of the daemon that is an error; `code` and `hint` are the daemon's. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: string;
  readonly hint: string;
  readonly status: number;
  readonly details: readonly string[];

  constructor(status: number, { error }: ErrorBody) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.hint = error.hint;
    this.details = error.details ?? [];
  }
}

/** The daemon's API as functions. Each rejects with `SocketError` or `RemoteError`. */
export interface Client {
  status(): Promise<StatusView>;
  bindings(): Promise<BindingView[]>;
  policies(): Promise<PolicyView[]>;
  reasons(): Promise<ReasonView[]>;
  maps(): Promise<MapView[]>;
  map(name: string): Promise<MapDumpView>;
  reload(): Promise<ReloadResult>;
  /** Of a mobile router; takes up to half a minute where the home agent does not answer. */
  deregister(): Promise<DeregistrationResult>;
  /** Takes seconds. */
  probe(): Promise<ProbeView[]>;
  /** `router` undefined: the only one there is. */
  setBinding(router: string | undefined, bid: number, change: BindingChange): Promise<BindingView>;
}

/** A client of the daemon that listens on a Unix socket; one connection for each call. */
export function createClient(socketPath: string, options: { timeoutMs?: number } = {}): Client {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const fetchOverSocket = (input: string | URL | Request, init?: RequestInit) =>
    socketFetch(socketPath, timeoutMs, input, init);
  const { v1 } = hc<Api>('http://localhost', { fetch: fetchOverSocket as typeof fetch });
  return {
    status: async () => answer(await v1.status.$get()),
    bindings: async () => answer(await v1.bindings.$get()),
    policies: async () => answer(await v1.policies.$get()),
    reasons: async () => answer(await v1.reasons.$get()),
    maps: async () => answer(await v1.maps.$get()),
    map: async (name) => {
      // The recursive JSON type is the same one, but the inferred copy of it has lost its name.
      const dump: unknown = await answer<unknown>(await v1.maps[':name'].$get({ param: { name } }));
      return dump as MapDumpView;
    },
    deregister: async () => answer(await v1.deregister.$post()),
    probe: async () => answer(await v1.probe.$post()),
    reload: async () => answer(await v1.reload.$post()),
    setBinding: async (router, bid, change) =>
      answer(
        await v1.routers[':router'].bindings[':bid'].$put({
          param: { router: router ?? ONLY_ROUTER, bid: String(bid) },
          json: change,
        }),
      ),
  };
}

interface TypedAnswer<T> {
  ok: boolean;
  status: number;
  json(): Promise<T>;
}

async function answer<T>(response: TypedAnswer<T>): Promise<T> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body as T;
  if (isErrorBody(body)) throw new RemoteError(response.status, body);
  throw new SocketError(
    'BAD_ANSWER',
    `the answer (HTTP ${response.status}) is not that of a coaxial daemon`,
    'check with --socket that this is the right socket',
  );
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null | undefined)?.error;
  return typeof error?.code === 'string' && typeof error.message === 'string';
}

/** `fetch` over a Unix socket: what the platform's own cannot do. */
async function socketFetch(
  socketPath: string,
  timeoutMs: number,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  const body = init.body === undefined || init.body === null ? undefined : String(init.body);
  const headers = Object.fromEntries(new Headers(init.headers).entries());
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        path: url.pathname + url.search,
        method: init.method ?? 'GET',
        headers: { ...headers, 'content-length': Buffer.byteLength(body ?? '') },
        timeout: timeoutMs,
        agent: false,
      },
      (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.once('error', (error) => reject(connectError(socketPath, error)));
        incoming.once('end', () => {
          resolve(new Response(Buffer.concat(parts), { status: incoming.statusCode ?? 500 }));
        });
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.once('error', (error) => reject(connectError(socketPath, error)));
    outgoing.end(body);
  });
}

function connectError(path: string, cause: NodeJS.ErrnoException): SocketError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new SocketError(
      'SOCKET_PERMISSION',
      `no permission to use ${path}`,
      'run as root or as a member of its group',
    );
  }
  const why = cause.code === 'ENOENT' ? 'there is no socket' : cause.message;
  return new SocketError(
    'DAEMON_NOT_REACHABLE',
    `no daemon answers on ${path} (${why})`,
    'start it with `coax daemon --config FILE`, or say where it is with --socket, --instance or --config',
  );
}

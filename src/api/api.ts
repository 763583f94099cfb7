import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { validator } from 'hono/validator';
import type { BindingChange, Controller, MapDump, ReloadResult, StatusView } from '../views/index.js';
import { ApiError, describeError } from './api-error.js';
import { bindingChange, bindingPath, checked, MAX_BODY_BYTES, mapPath } from './inputs.js';
import { type JsonValue, toJson } from './json-value.js';
import { ONLY_ROUTER } from './paths.js';

/** A map's rows as the API gives them. */
export interface MapDumpView extends Omit<MapDump, 'rows'> {
  rows: { key: JsonValue; value: JsonValue }[];
}

/** What the API needs besides the controller. */
export interface ApiOptions {
  version: string;
  /** When the daemon started, milliseconds of `Date.now()`. */
  startedAt: number;
  /** Reads the configuration file again and takes it over. */
  reload: () => Promise<ReloadResult>;
  /** Called with every error that is the daemon's own fault (status 500). */
  onFailure?: (error: unknown) => void;
}

const CHANGE_HINT =
  'send {"careOf": ADDRESS, "acceptOnly": true|false} or {"down": true|false} for a Binding ID from 1 to 65535';

/**
 * The API: every route, checked on the way in and typed on the way out (`Api` is what the client knows).
 * Errors are `ErrorBody`.
 */
export function createApi(controller: Controller, options: ApiOptions) {
  const app = new Hono()
    .get('/v1/status', (c) => {
      const status: StatusView = {
        ...controller.status(),
        version: options.version,
        pid: process.pid,
        uptimeSeconds: Math.round((Date.now() - options.startedAt) / 1000),
      };
      return c.json(status);
    })
    .get('/v1/bindings', (c) => c.json(controller.bindings()))
    .get('/v1/policies', (c) => c.json(controller.policies()))
    .get('/v1/reasons', (c) => c.json(controller.reasons()))
    .get('/v1/maps', (c) => c.json(controller.maps()))
    .get(
      '/v1/maps/:name',
      validator('param', (value) => checked(mapPath, value, 'GET /v1/maps lists the names')),
      (c) => {
        const dump = controller.dumpMap(c.req.valid('param').name);
        const view: MapDumpView = {
          ...dump,
          rows: dump.rows.map((row) => ({ key: toJson(row.key), value: toJson(row.value) })),
        };
        return c.json(view);
      },
    )
    .post('/v1/probe', limited(), async (c) => c.json(await controller.probe()))
    .post('/v1/deregister', limited(), async (c) => c.json(await controller.deregister()))
    .post('/v1/reload', limited(), async (c) => c.json(await options.reload()))
    .put(
      '/v1/routers/:router/bindings/:bid',
      limited(),
      validator('param', (value) => {
        checked(bindingPath, value, CHANGE_HINT);
        return value as { router: string; bid: string };
      }),
      validator('json', (value: BindingChange, c) => {
        requireJson(c.req.header('content-type'));
        return checked(bindingChange, value, CHANGE_HINT);
      }),
      async (c) => {
        const { router, bid } = checked(bindingPath, c.req.valid('param'), CHANGE_HINT);
        const view = await controller.setBinding(
          router === ONLY_ROUTER ? undefined : router,
          bid,
          c.req.valid('json'),
        );
        return c.json(view);
      },
    );
  app.notFound((c) => {
    const { status, body } = describeError(
      new ApiError(404, 'UNKNOWN_ROUTE', `no such call: ${c.req.method} ${c.req.path}`, 'try GET /v1/status'),
    );
    return c.json(body, status);
  });
  app.onError((error, c) => {
    const { status, body } = describeError(error);
    if (status === 500) options.onFailure?.(error);
    return c.json(body, status);
  });
  return app;
}

/** The routes' types, for the client. */
export type Api = ReturnType<typeof createApi>;

function limited() {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new ApiError(
        413,
        'BODY_TOO_LARGE',
        `the body is larger than ${MAX_BODY_BYTES} bytes`,
        'no call of this API needs that much; send one JSON object',
      );
    },
  });
}

function requireJson(contentType: string | undefined): void {
  if (contentType !== undefined && /^application\/json\b/i.test(contentType)) return;
  throw new ApiError(
    415,
    'NOT_JSON',
    `the body is ${contentType ?? 'of no declared type'}, not JSON`,
    'send the header content-type: application/json',
  );
}

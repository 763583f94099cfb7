import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** The body of every answer that is not a success. */
export interface ErrorBody {
  error: {
    /** Stable, upper case: match on this. */
    code: string;
    message: string;
    hint: string;
    /** Further lines, such as every problem of a configuration file. */
    details?: string[];
  };
}

/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const API_ERRORS = {
  UNKNOWN_ROUTE: {
    means: 'there is no such call (404)',
    remedy: 'look at the method and the path; GET /v1/status is a call that there is',
  },
  BAD_INPUT: {
    means: 'a path or a body has a field that is missing, unknown or malformed (400); the message names each',
    remedy: 'correct the fields; nothing was changed',
  },
  BAD_JSON: { means: 'the body is not valid JSON (400)', remedy: 'send one JSON object' },
  NOT_JSON: {
    means: 'the body is not declared as JSON (415)',
    remedy: 'send the header content-type: application/json',
  },
  BODY_TOO_LARGE: { means: 'the body is larger than any call needs (413)', remedy: 'send one JSON object' },
  HTTP_ERROR: { means: 'the request is refused as HTTP', remedy: 'correct it as the message says' },
  INTERNAL: {
    means: 'something failed in a way that has no code of its own (500)',
    remedy: "look at the daemon's log, and please report it",
  },
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** A request that the API itself refuses. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly status: ContentfulStatusCode;
  readonly hint: string;

  constructor(status: ContentfulStatusCode, code: ApiErrorCode, message: string, hint: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The answer to a thrown error: its HTTP status and its body. */
export function describeError(error: unknown): { status: ContentfulStatusCode; body: ErrorBody } {
  if (error instanceof HTTPException) {
    const badJson = error.status === 400;
    return {
      status: error.status,
      body: {
        error: {
          code: (badJson ? 'BAD_JSON' : 'HTTP_ERROR') satisfies ApiErrorCode,
          message: badJson ? 'the body is not valid JSON' : error.message || `HTTP ${error.status}`,
          hint: badJson ? 'send one JSON object, such as {"down": true}' : 'see docs of the API',
        },
      },
    };
  }
  const code = textProperty(error, 'code') ?? ('INTERNAL' satisfies ApiErrorCode);
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : '';
  return {
    status: statusOf(error, code),
    body: {
      error: {
        code,
        message: `${lines[0]}${more}`,
        hint: textProperty(error, 'hint') ?? defaultHint(code),
        ...(lines.length > 1 ? { details: lines } : {}),
      },
    },
  };
}

/** What was asked is right, but not in the state that things are in. */
const CONFLICTS: ReadonlySet<string> = new Set([
  'WRONG_ROLE',
  'NOT_REGISTERING',
  'RELOAD_REFUSED',
  'LIMITS_CHANGED',
  'ROLE_CHANGED',
  'MAP_FULL',
  'HOME_INTERFACE_TAKEN',
  'TUNNEL_DEVICE_TAKEN',
  'PROTOCOL_TAKEN',
]);

function statusOf(error: unknown, code: string): ContentfulStatusCode {
  if (error instanceof ApiError) return error.status;
  if (code.startsWith('UNKNOWN_')) return 404;
  if (code.startsWith('INVALID_')) return 400;
  if (code.startsWith('CONFIG_')) return 422;
  if (CONFLICTS.has(code)) return 409;
  if (code === 'EPERM' || code === 'EACCES') return 403;
  return 500;
}

function defaultHint(code: string): string {
  if (code.startsWith('CONFIG_')) return 'correct the file, test it with `coax check`, then reload again';
  if (code === 'EPERM' || code === 'EACCES')
    return 'run `coax doctor` on this machine: it names the missing privilege';
  return "the daemon's log has more; nothing was changed by this request unless it says so";
}

function textProperty(error: unknown, name: 'code' | 'hint'): string | undefined {
  const value = (error as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' && value.length > 0 ? value : undefined;
}

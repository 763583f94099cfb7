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

/** A request that the API itself refuses. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: ContentfulStatusCode;
  readonly hint: string;

  constructor(status: ContentfulStatusCode, code: string, message: string, hint: string) {
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
          code: badJson ? 'BAD_JSON' : 'HTTP_ERROR',
          message: badJson ? 'the body is not valid JSON' : error.message || `HTTP ${error.status}`,
          hint: badJson ? 'send one JSON object, such as {"down": true}' : 'see docs of the API',
        },
      },
    };
  }
  const code = textProperty(error, 'code') ?? 'INTERNAL';
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

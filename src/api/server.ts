import { mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { shortageOf } from '../views/index.js';
import type { Api } from './api.js';
import { SocketError } from './socket-error.js';

/** Longest path of a Unix socket, bytes: sun_path less its end. libuv would cut a longer one in silence. */
const MAX_PATH_BYTES = 107;
/** Bits taken from the mode of the socket: leaves 0660. */
const SOCKET_UMASK = 0o117;
/** Bits taken from the mode of its folder: leaves 0755. */
const FOLDER_UMASK = 0o022;

/** A listening API; `close` ends it, drops idle connections and removes the socket. */
export interface ApiServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Serves the API on a Unix socket of mode 0660. The folder is made (0755) when it is missing; a socket that
 * nobody listens on any more is replaced.
 * @throws SocketError `DAEMON_RUNNING` when somebody answers there, `SOCKET_TAKEN` when the path is not a
 *   socket, `SOCKET_FAILED` when it cannot be made
 */
export async function serveApi(api: Api, path: string): Promise<ApiServer> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new SocketError(
      'SOCKET_FAILED',
      `cannot listen on ${path}: the path is too long`,
      `a socket path has at most ${MAX_PATH_BYTES} bytes: give a shorter \`socket:\``,
    );
  }
  try {
    withUmask(FOLDER_UMASK, () => mkdirSync(dirname(path), { recursive: true, mode: 0o755 }));
  } catch (error) {
    throw listenError(path, error as NodeJS.ErrnoException);
  }
  await removeStale(path);
  const server = createAdaptorServer({ fetch: api.fetch }) as Server;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenError(path, cause)));
    server.once('listening', resolve);
    // libuv binds within this call, so the mode is right from the first moment.
    withUmask(SOCKET_UMASK, () => server.listen({ path }));
  });
  // A connection that could not be accepted, for want of a descriptor, is the client's loss and not our end.
  server.on('error', () => undefined);
  return { path, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // A client that holds its connection open must not hold up the daemon.
    setTimeout(() => server.closeAllConnections(), 1000).unref();
  });
}

/** Removes the socket of a daemon that has died; leaves everything else alone. */
async function removeStale(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new SocketError(
      'SOCKET_TAKEN',
      `${path} exists and is not a socket`,
      'remove it or give another path with `socket:` in the configuration',
    );
  }
  if (await answers(path)) {
    throw new SocketError(
      'DAEMON_RUNNING',
      `a daemon already answers on ${path}`,
      'stop it first, or give this one its own `instance:` and `socket:`',
    );
  }
  unlinkSync(path);
}

/** Whether somebody accepts connections on a Unix socket. */
async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true));
    // Only a refused or vanished socket is dead; one we may not open has an owner.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function listenError(path: string, cause: NodeJS.ErrnoException): SocketError {
  if (cause.code === 'EADDRINUSE') {
    return new SocketError('DAEMON_RUNNING', `a daemon already answers on ${path}`, 'stop it first');
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new SocketError('SOCKET_PERMISSION', `no permission to listen on ${path}`, 'run as root');
  }
  return new SocketError(
    'SOCKET_FAILED',
    `cannot listen on ${path}: ${cause.message}`,
    shortageOf(cause)?.hint ?? 'check that the folder exists and may be written',
  );
}

function withUmask<T>(mask: number, action: () => T): T {
  const before = process.umask(mask);
  try {
    return action();
  } finally {
    process.umask(before);
  }
}

export { type Api, type ApiOptions, createApi, type MapDumpView } from './api.js';
export { ApiError, describeError, type ErrorBody } from './api-error.js';
export { type Client, createClient, RemoteError } from './client.js';
export { MAX_BODY_BYTES } from './inputs.js';
export type { JsonValue } from './json-value.js';
export { ONLY_ROUTER } from './paths.js';
export { type ApiServer, serveApi } from './server.js';
export { SocketError, type SocketErrorCode } from './socket-error.js';

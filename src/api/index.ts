export { createApi, type MapDumpView } from './api.js';
export type { ErrorBody } from './api-error.js';
export { type Client, createClient } from './client.js';
export type { JsonValue } from './json-value.js';
export { type ApiServer, serveApi } from './server.js';

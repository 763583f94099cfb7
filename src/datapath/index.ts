export { type Attachment, type AttachmentChanges, Attachments } from './attachments.js';
export type { BindingIdentity } from './binding-table.js';
export { Datapath } from './datapath.js';
export { DatapathError } from './datapath-error.js';
export * from './generated.js';
export type { Generation } from './generation-table.js';
export { Instance } from './instance.js';
export { readTrace } from './trace.js';

export { type Attachment, type AttachmentChanges, Attachments } from './attachments.js';
export { Datapath } from './datapath.js';
export { DatapathError } from './datapath-error.js';
export * from './generated.js';
export { Instance } from './instance.js';
export { readRouteProtocol } from './trace.js';

export { type Attachment, type AttachmentChanges, Attachments } from './attachments.js';
export { Datapath } from './datapath.js';
export * from './generated.js';
export { Instance } from './instance.js';
export { readTrace } from './trace.js';

/** Packets of capture files. */
export { CaptureError } from './capture-error.js';
export {
  type CaptureRecord,
  captureRecords,
  isCapture,
  MOST_BYTES,
  readCapturedPacket,
  readCaptureFile,
} from './capture-file.js';
export { ETHERTYPE_IPV6, linkPayload } from './link-layer.js';

export { type DaemonOptions, runDaemon } from './daemon.js';
export { DaemonError, type DaemonErrorCode } from './daemon-error.js';
export { pidFilePath } from './instance-lock.js';
export { bringUp } from './once.js';
export { type TakeDownResult, type TakeDownTarget, takeDown } from './removal.js';
export { packageVersion } from './version.js';

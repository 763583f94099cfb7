export { runDaemon } from './daemon.js';
export { pidFilePath } from './instance-lock.js';
export { bringUp } from './once.js';
export { takeDown } from './removal.js';

export { explain } from './explain.js';
export type { Explanation, PacketView, ProgramStage, Stage } from './explanation.js';
export { buildPacket } from './packet-builder.js';
export { type PacketOptions, readCgroup, readMark, readPacketFields } from './packet-options.js';
export { stateKey } from './world.js';

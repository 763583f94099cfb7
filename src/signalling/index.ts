/** Registration with its sockets, clocks and files: what the controller runs. */
export { HomeAgentSignalling } from './home-agent-signalling.js';
export { Journal, journalPath, writtenRegistrations } from './journal.js';
export { MobileRouterSignalling } from './mobile-router-signalling.js';
export { PacketSocket } from './packet-socket.js';
export { SignallingError } from './signalling-error.js';

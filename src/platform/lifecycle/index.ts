export { inTurn } from './in-turn.js';
export { Shutdown } from './shutdown.js';
export { startFaults } from './start-faults.js';
export { within } from './within.js';

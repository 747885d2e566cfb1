export { hasCluster } from './has-cluster.js';
export { DirectoryInUse } from './ownership/owner-lock.js';
export type { ServerExit } from './postmaster.js';
export { startEmbedded, type EmbeddedDatabase } from './start-embedded.js';

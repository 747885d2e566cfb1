export { readSecretFile, SecretFileFault } from './read-secret-file.js';
export { createSecretFile, ensurePrivateDirectory, replaceSecretFile } from './write-secret-file.js';

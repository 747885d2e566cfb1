export { deriveKey, fingerprint } from './derive.js';
export { Envelope, SealError, type SealContext } from './envelope.js';
export { loadSecrets, readKeyRing } from './load-secrets.js';
export { SECRETS, secretFingerprints, type Secrets } from './secrets.js';

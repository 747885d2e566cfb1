import { createHmac } from 'node:crypto';
import { lp } from '../kernel/length-prefixed.js';

/** What a secret is for; secrets of different uses never share a MAC. */
type SecretUse = 'client_secret' | 'admin_token';

/** HMAC-SHA-256 under the pepper (no memory-hard hash is needed: what it keys are 256 random bits). Without the pepper, the kept MACs verify nothing. */
export function secretMac(pepper: Buffer, use: SecretUse): (secret: string) => Buffer {
  return (secret) => createHmac('sha256', pepper).update(lp(use, secret)).digest();
}

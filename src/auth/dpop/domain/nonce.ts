import { createHmac, timingSafeEqual } from 'node:crypto';
import { lp } from '../../../kernel/length-prefixed.js';

/** A new nonce every minute; each is good for the minute it was made in and the four after it (RFC 9449 §8, §11.2). */
const PERIOD_SECONDS = 60;
const PERIODS_ACCEPTED = 5;
const MAC_BYTES = 16;
const NONCE = /^([0-9a-z]{1,9})\.([A-Za-z0-9_-]{22})$/;

/** The nonce of a zone at `now` (seconds). It keeps no state: every holder of the key makes and recognises the same ones. */
export function nonceAt(key: Buffer, zone: string, now: number): string {
  const period = Math.floor(now / PERIOD_SECONDS);
  return `${period.toString(36)}.${mac(key, zone, period).toString('base64url')}`;
}

/** True for a nonce of the zone that was made within the last minutes. The caller must not assume that it is used for the first time. */
export function isFreshNonce(nonce: string | undefined, key: Buffer, zone: string, now: number): boolean {
  const [, period = '', sent = ''] = NONCE.exec(nonce ?? '') ?? [];
  const age = Math.floor(now / PERIOD_SECONDS) - Number.parseInt(period, 36);
  if (!(age >= -1 && age < PERIODS_ACCEPTED)) return false;
  const bytes = Buffer.from(sent, 'base64url');
  return bytes.length === MAC_BYTES && timingSafeEqual(bytes, mac(key, zone, Number.parseInt(period, 36)));
}

function mac(key: Buffer, zone: string, period: number): Buffer {
  return createHmac('sha256', key)
    .update(lp('dpop_nonce', zone, String(period)))
    .digest()
    .subarray(0, MAC_BYTES);
}

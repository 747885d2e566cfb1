import { LEEWAY_SECONDS } from './check-times.js';
import { LONGEST_TOKEN_SECONDS } from './token-profile.js';

/** next: published, signs nothing yet · active: signs · retiring: published until its last token has expired · the others: gone. */
export type KeyState = 'next' | 'active' | 'retiring' | 'retired' | 'revoked';

/** What the life of a key depends on. Times are milliseconds. */
export interface KeyFacts {
  readonly kid: string;
  readonly state: KeyState;
  readonly publishedAt: number;
  readonly activatedAt?: number | undefined;
  readonly activateAfter?: number | undefined;
  readonly retiringAt?: number | undefined;
}

/** How long a verifier may hold our JWKS: what its `Cache-Control` says. A key signs only when every such copy holds it. */
export const JWKS_MAX_AGE_SECONDS = 300;
/**
 * For how many seconds verifiers may hold keys that were last proven to be all of them `ageMs` ago: then nobody holds them for longer than if they had
 * been asked for at that moment. 0 when that time is over.
 */
export function publishableSeconds(ageMs: number): number {
  return Math.max(0, Math.floor(JWKS_MAX_AGE_SECONDS - ageMs / 1000));
}

const RETIRING_MS = (LONGEST_TOKEN_SECONDS + LEEWAY_SECONDS) * 1000;

/** When a published key may start to sign without failing a verifier that holds a warm JWKS. */
export function promotableAt(next: KeyFacts): number {
  return next.publishedAt + JWKS_MAX_AGE_SECONDS * 1000;
}

/** True for keys that verifiers must know. */
export function isPublished({ state }: Pick<KeyFacts, 'state'>): boolean {
  return state === 'next' || state === 'active' || state === 'retiring';
}

/** Retiring keys whose last token has expired: nothing refers to them any more. */
export function retirable(keys: readonly KeyFacts[], now: number): readonly KeyFacts[] {
  return keys.filter((key) => key.state === 'retiring' && (key.retiringAt ?? now) + RETIRING_MS <= now);
}

const DAY_MS = 86_400_000;
/** How long a key signs where the zone does not say it. */
const USUAL_DAYS = 90;

/** How long a key signs before the next one takes over by itself, in milliseconds. */
export function signingPeriod(days = USUAL_DAYS): number {
  return days * DAY_MS;
}

/** True for a key that has signed for its whole period. */
export function isOverdue({ state, activatedAt }: KeyFacts, signsFor: number, now: number): boolean {
  return state === 'active' && activatedAt !== undefined && activatedAt + signsFor <= now;
}

/** The next key, when a rotation that had to wait for it is due. */
export function duePromotion(keys: readonly KeyFacts[], now: number): KeyFacts | undefined {
  return keys.find((key) => key.state === 'next' && key.activateAfter !== undefined && key.activateAfter <= now);
}

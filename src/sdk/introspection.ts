import { createHash } from 'node:crypto';
import { basicCredentials } from './basic-credentials.js';
import { MandateError } from './mandate-error.js';

export interface IntrospectionOptions {
  /** The application that is registered as server of the resource. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** How long an answer counts; 0 asks every time. */
  readonly cacheSeconds?: number;
}

interface Parts extends IntrospectionOptions {
  readonly issuer: string;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

const DEFAULT_CACHE_SECONDS = 5;
const TIMEOUT_MS = 5_000;
const MOST_REMEMBERED = 10_000;

/** Asks the issuer whether a mandate still counts (RFC 7662). An issuer that cannot be asked is no permission. */
export class Introspection {
  private readonly active = new Map<string, number>();

  constructor(private readonly parts: Parts) {}

  /** `expiresAt` in seconds of the epoch. Only good news is remembered. */
  async isActive(token: string, expiresAt: number): Promise<boolean> {
    const key = createHash('sha256').update(token).digest('base64url');
    const now = this.parts.now();
    if ((this.active.get(key) ?? 0) > now) return true;
    this.active.delete(key);
    if (!(await this.ask(token))) return false;
    if (this.active.size >= MOST_REMEMBERED) this.active.clear();
    const seconds = this.parts.cacheSeconds ?? DEFAULT_CACHE_SECONDS;
    this.active.set(key, Math.min(now + seconds * 1_000, expiresAt * 1_000));
    return true;
  }

  private async ask(token: string): Promise<boolean> {
    const { issuer, clientId, clientSecret } = this.parts;
    try {
      const answer = await this.parts.fetch(`${issuer}/oauth2/introspect`, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { authorization: basicCredentials(clientId, clientSecret) },
        body: new URLSearchParams({ token }),
      });
      if (!answer.ok) throw new Error(`introspection answered ${answer.status}`);
      return ((await answer.json()) as { active?: unknown }).active === true;
    } catch (cause) {
      throw new MandateError('unavailable', 'the issuer cannot be asked', { cause });
    }
  }
}

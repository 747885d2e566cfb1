import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../kernel/clock.js';
import { isJsonObject, parseJsonStrict } from '../kernel/json.js';
import { type Envelope, SealError } from '../platform/secrets/index.js';
import type { AdminTokenView } from './admin-token-view.js';
import { authorizeAdmin } from './domain/admin-authorization.js';
import { SYSTEM_ZONE, type ZoneDirectory } from './ports.js';
import type { AdminPrincipal } from './principals.js';

/** A person at a page, for as long as the page is left open and the admin token behind it lives. */
export const OPERATOR_SESSION_SECONDS = 1_800;

const LONGEST_COOKIE = 4_096;
const CONTEXT = {
  purpose: 'operator_session',
  zone: SYSTEM_ZONE,
  table: 'cookies',
  row: 'operator',
  column: 'session',
  version: 1,
};

export interface OperatorSession {
  readonly admin: AdminPrincipal;
  /** What a form of the page must hold (OWASP ASVS 3.5.1). */
  readonly csrf: string;
}

interface Parts {
  readonly tokens: AdminTokenView;
  readonly zones: ZoneDirectory;
  readonly envelope: Envelope;
  readonly clock: Clock;
}

/**
 * Sessions of people in front of a page. The cookie is the admin token itself, sealed: nothing is stored, every replica reads it, and a token that is
 * revoked ends the session with the next request.
 */
export class OperatorSessions {
  constructor(private readonly parts: Parts) {}

  /** The value of the cookie for the holder of this admin token; undefined when it may not decide approvals of the zone from here. */
  async open(token: string, at: { readonly zone: string; readonly address: string }): Promise<string | undefined> {
    if (!(await this.authorized(token, at))) return undefined;
    const expiresAt = this.parts.clock.now() + OPERATOR_SESSION_SECONDS * 1_000;
    const text = JSON.stringify({ token, expires_at: expiresAt, csrf: randomBytes(32).toString('base64url') });
    return this.parts.envelope.seal(Buffer.from(text, 'utf8'), CONTEXT).toString('base64url');
  }

  /** Who sends this cookie, when it may still decide approvals of the zone. */
  async read(
    cookie: string,
    at: { readonly zone: string; readonly address: string },
  ): Promise<OperatorSession | undefined> {
    const kept = this.unseal(cookie);
    if (!kept || kept.expiresAt <= this.parts.clock.now()) return undefined;
    const admin = await this.authorized(kept.token, at);
    return admin && { admin, csrf: kept.csrf };
  }

  /** True for the very text that the session's forms hold. */
  matches({ csrf }: OperatorSession, presented: string): boolean {
    const [known, sent] = [Buffer.from(csrf), Buffer.from(presented)];
    return known.length === sent.length && timingSafeEqual(known, sent);
  }

  private async authorized(
    token: string,
    { zone, address }: { readonly zone: string; readonly address: string },
  ): Promise<AdminPrincipal | undefined> {
    const admin = await this.parts.tokens.find(token, address);
    if (typeof admin === 'string') return undefined;
    const verdict = authorizeAdmin(admin, {
      capability: 'approve',
      zoneBound: false,
      reading: true,
      pattern: '/v1/zones/:zone/approvals',
      zone: { slug: zone, status: await this.parts.zones.status(zone) },
    });
    return verdict === 'allowed' ? admin : undefined;
  }

  private unseal(cookie: string): { token: string; expiresAt: number; csrf: string } | undefined {
    if (cookie.length > LONGEST_COOKIE) return undefined;
    try {
      const kept = parseJsonStrict(
        this.parts.envelope.open(Buffer.from(cookie, 'base64url'), CONTEXT).toString('utf8'),
      );
      if (!isJsonObject(kept)) return undefined;
      const { token, expires_at: expiresAt, csrf } = kept;
      if (typeof token !== 'string' || typeof expiresAt !== 'number' || typeof csrf !== 'string') return undefined;
      return { token, expiresAt, csrf };
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }
}

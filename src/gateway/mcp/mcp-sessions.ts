import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { TokenClaims } from '../../auth/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { GatewayError } from '../domain/gateway-error.js';
import { foldedValues } from './domain/mcp-headers.js';
import { readSessionOwner, type SessionOwner, takeSession } from './persistence/mcp-session-store.js';

/** A place where sessions are named: one MCP server of one zone. */
export interface SessionPlace {
  readonly zone: string;
  readonly resource: string;
}

/** What a session id may be (MCP 2025-06-18, “Session Management”): visible ASCII. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
const LIFE_MS = 24 * 3_600_000;
const MOST_PER_LINEAGE = 1_000;
const MOST_REMEMBERED = 50_000;

/**
 * Binds the sessions of MCP servers to the work that opened them (T3): to everyone else they do not exist. The database is the truth, so that
 * replicas agree; what is remembered here only saves reading it. A session that cannot be looked up is not used.
 */
@Injectable()
export class McpSessions {
  private readonly known = new LRUCache<string, SessionOwner>({ max: MOST_REMEMBERED });

  constructor(
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The session that the request goes on with, if any; `not_found` unless the caller's own work opened it. */
  async require(place: SessionPlace, claims: TokenClaims, rawHeaders: readonly string[]): Promise<string | undefined> {
    const ids = foldedValues(rawHeaders, 'mcp-session-id');
    const [id] = ids;
    if (id === undefined) {
      if (foldedValues(rawHeaders, 'last-event-id').length > 0) throw malformed('Last-Event-ID without a session');
      return undefined;
    }
    if (ids.length > 1 || !SESSION_ID.test(id)) throw malformed('not one session id');
    const owner = await this.ownerOf(place, id);
    if (!owner?.lineage.equals(lineageOf(claims)))
      throw new GatewayError('not_found', { detail: 'no such MCP session', reasons: ['mcp_session_unknown'] });
    if (owner.expiresAt.getTime() - this.clock.now() < LIFE_MS / 2) await this.bind(place, claims, id);
    return id;
  }

  /** Makes the session the caller's own before it is told of it. */
  async bind(place: SessionPlace, claims: TokenClaims, id: string): Promise<void> {
    if (!SESSION_ID.test(id)) throw new GatewayError('upstream_unavailable', { detail: 'not a session id' });
    const session = digest(id);
    const owner = { lineage: lineageOf(claims), expiresAt: new Date(this.clock.now() + LIFE_MS) };
    const known = this.known.get(keyOf(place, session));
    if (known?.lineage.equals(owner.lineage) && known.expiresAt.getTime() - this.clock.now() >= LIFE_MS / 2) return;
    const name = { resource: place.resource, session };
    const isOurs = await this.database.withZone(place.zone, (tx) => takeSession(tx, name, owner, MOST_PER_LINEAGE));
    if (!isOurs) throw new GatewayError('upstream_unavailable', { detail: 'the server named a session of others' });
    this.known.set(keyOf(place, session), owner);
  }

  private async ownerOf(place: SessionPlace, id: string): Promise<SessionOwner | undefined> {
    const session = digest(id);
    const key = keyOf(place, session);
    const known = this.known.get(key);
    if (known && known.expiresAt.getTime() > this.clock.now()) return known;
    const name = { resource: place.resource, session };
    const owner = await this.database.readZone(place.zone, (tx) => readSessionOwner(tx, name));
    if (owner) this.known.set(key, owner);
    return owner;
  }
}

/** Who works for whom, in which session: what must be the same for two calls to belong together. */
function lineageOf({ client_id, sid, sub }: TokenClaims): Buffer {
  return digest(JSON.stringify([client_id, sid ?? null, sub]));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function keyOf({ zone, resource }: SessionPlace, session: Buffer): string {
  return `${zone}/${resource}/${session.toString('base64url')}`;
}

function malformed(detail: string): GatewayError {
  return new GatewayError('invalid_request', { detail });
}

import type { JsonValue } from '../../../kernel/json.js';
import type { Database } from '../../database/index.js';
import type { PriorEffects } from './prior-effects.js';

/** Whose key it is and for what. */
export interface KeyScope {
  readonly zone: string;
  readonly caller: string;
  readonly route: string;
  readonly key: string;
}

/** An answer as it may be repeated: nothing secret is in it. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonValue;
}

export type Claim =
  | { readonly kind: 'ours' }
  | { readonly kind: 'running' }
  | { readonly kind: 'other_body' }
  /** An earlier request under the key took effect, and its process died before the answer was kept. */
  | { readonly kind: 'lost'; readonly requestId: string }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer };

interface KeyRow {
  same_body: boolean;
  http_status: number | null;
  headers: Record<string, string> | null;
  body: JsonValue;
  request_id: string | null;
  /** Its process died before the answer was kept. */
  abandoned: boolean;
}

/** How long a request may run before its key can be taken over. Longer than anything that creates an object takes. */
const LEASE_SECONDS = 60;
const KEPT_SECONDS = 24 * 3600;

const CLAIM = `
  INSERT INTO idempotency_keys AS k (zone, caller, route, key, body_digest, request_id, leased_until, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => ${LEASE_SECONDS}), now() + make_interval(secs => ${KEPT_SECONDS}))
  ON CONFLICT (zone, caller, route, key) DO UPDATE
    SET body_digest = excluded.body_digest, request_id = excluded.request_id, http_status = NULL, headers = NULL, body = NULL,
        created_at = now(), leased_until = excluded.leased_until, expires_at = excluded.expires_at
    WHERE k.expires_at <= now()
  RETURNING 1 AS ours`;
const READ = `
  SELECT body_digest = $5 AS same_body, http_status, headers, body, request_id, http_status IS NULL AND leased_until <= now() AS abandoned
  FROM idempotency_keys WHERE zone = $1 AND caller = $2 AND route = $3 AND key = $4`;
const TAKE_OVER = `
  WITH taken AS (
    UPDATE idempotency_keys SET request_id = $6, created_at = now(),
           leased_until = now() + make_interval(secs => ${LEASE_SECONDS}), expires_at = now() + make_interval(secs => ${KEPT_SECONDS})
    WHERE zone = $1 AND caller = $2 AND route = $3 AND key = $4 AND body_digest = $5 AND http_status IS NULL AND leased_until <= now()
    RETURNING 1
  ) SELECT 1 FROM taken`;
const ANSWER = `
  UPDATE idempotency_keys SET http_status = $5, headers = $6, body = $7
  WHERE zone = $1 AND caller = $2 AND route = $3 AND key = $4`;
const RELEASE = `DELETE FROM idempotency_keys WHERE zone = $1 AND caller = $2 AND route = $3 AND key = $4 AND http_status IS NULL`;

/** Keeps, per key, which request runs and what it was answered. */
export class IdempotencyStore {
  constructor(
    private readonly database: Database,
    private readonly prior: PriorEffects,
  ) {}

  /**
   * Takes the key for this body and request, or says why not. Exactly one of several concurrent callers gets `ours`, and a key whose request
   * died is given to another one only when the ledger knows of no effect.
   */
  claim(scope: KeyScope, bodyDigest: Buffer, requestId: string): Promise<Claim> {
    return this.database.withZone(scope.zone, async (tx) => {
      const parameters = [...parametersOf(scope), bodyDigest];
      if ((await tx.query(CLAIM, [...parameters, requestId])).length > 0) return { kind: 'ours' };
      const [row] = await tx.query<KeyRow>(READ, parameters);
      if (!row?.same_body || !row.abandoned) return row ? verdict(row) : { kind: 'running' };
      const before = row.request_id;
      if (before && (await this.prior.tookEffect(scope.zone, before))) return { kind: 'lost', requestId: before };
      const taken = await tx.query(TAKE_OVER, [...parameters, requestId]);
      return { kind: taken.length > 0 ? 'ours' : 'running' };
    });
  }

  async answer(scope: KeyScope, answer: StoredAnswer): Promise<void> {
    const { status, headers, body } = answer;
    await this.database.withZone(scope.zone, (tx) =>
      tx.query(ANSWER, [...parametersOf(scope), status, JSON.stringify(headers), JSON.stringify(body)]),
    );
  }

  /** Gives the key back: the request was refused and changed nothing. */
  async release(scope: KeyScope): Promise<void> {
    await this.database.withZone(scope.zone, (tx) => tx.query(RELEASE, parametersOf(scope)));
  }
}

function parametersOf({ zone, caller, route, key }: KeyScope): unknown[] {
  return [zone, caller, route, key];
}

function verdict(row: KeyRow): Claim {
  if (!row.same_body) return { kind: 'other_body' };
  if (row.http_status === null) return { kind: 'running' };
  return { kind: 'answered', answer: { status: row.http_status, headers: row.headers ?? {}, body: row.body } };
}

import type { ZoneTx } from '../../platform/database/index.js';

/** The grants of an application or at a resource. */
export type GrantsOf = { readonly application: string } | { readonly resource: string };

/** Archives every active grant of these and answers their ids. */
export function archiveGrants(tx: ZoneTx, of: GrantsOf, now: number): Promise<string[]> {
  const [column, value] =
    'application' in of ? (['application', of.application] as const) : (['resource', of.resource] as const);
  return returningIds(
    tx,
    `UPDATE grants SET status = 'archived', archived_at = $3, updated_at = $3, version = version + 1
     WHERE zone = $1 AND ${column} = $2 AND status = 'active' RETURNING id`,
    [tx.zone, value, new Date(now)],
  );
}

/**
 * Takes scopes that a resource no longer declares out of the grants at it, so that declaring one again revives nothing; a grant that is left
 * with none is archived. Answers the ids of the grants that changed.
 */
export function withdrawScopes(
  tx: ZoneTx,
  resource: string,
  withdrawn: readonly string[],
  now: number,
): Promise<string[]> {
  return returningIds(
    tx,
    `UPDATE grants g SET scopes = rest.scopes, updated_at = $4::timestamptz, version = version + 1,
       status = CASE WHEN cardinality(rest.scopes) = 0 THEN 'archived' ELSE 'active' END,
       archived_at = CASE WHEN cardinality(rest.scopes) = 0 THEN $4::timestamptz ELSE NULL END
     FROM (SELECT o.id, ARRAY(SELECT s FROM unnest(o.scopes) s WHERE NOT s = ANY($3::text[])) AS scopes
           FROM grants o WHERE o.zone = $1 AND o.resource = $2 AND o.status = 'active' AND o.scopes && $3::text[]) rest
     WHERE g.zone = $1 AND g.id = rest.id AND g.status = 'active' RETURNING g.id`,
    [tx.zone, resource, withdrawn, new Date(now)],
  );
}

/** TypeORM answers an UPDATE … RETURNING with `[rows, count]`. */
async function returningIds(tx: ZoneTx, sql: string, params: readonly unknown[]): Promise<string[]> {
  const answer = await tx.query<unknown>(sql, params);
  return (answer[0] as readonly { id: string }[]).map((row) => row.id);
}

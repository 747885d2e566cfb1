import type { Tx } from '../../platform/database/index.js';
import { formatTime } from '../../kernel/times.js';
import type { OnceClaimRow } from '../domain/once-claim.js';

/** The kind of claims that are units of a budget, in what is reported as lost. */
export const BUDGET = 'budget';

/**
 * Takes a unit of each budget that an ask names, all of them or none, the asks in their order; returns for each whether it was won. Claims
 * without a limit are no budgets and are passed over.
 */
export async function takeBudgets(
  tx: Tx,
  zone: string,
  asks: readonly (readonly OnceClaimRow[])[],
): Promise<boolean[]> {
  const units = asks.flatMap((claims, ask) =>
    claims.flatMap((claim) => (claim.limit === undefined ? [] : [{ ask: ask + 1, claim, limit: claim.limit }])),
  );
  const rows = await tx.query<{ n: number }>('SELECT caracal.budget_take($1, $2, $3, $4, $5, $6) AS n', [
    zone,
    units.map((unit) => unit.ask),
    units.map((unit) => unit.claim.kind),
    units.map((unit) => unit.claim.keyHash),
    units.map((unit) => unit.limit),
    units.map((unit) => formatTime(unit.claim.expiresAt)),
  ]);
  const won = new Set(rows.map((row) => row.n));
  return asks.map((_, ask) => won.has(ask + 1));
}

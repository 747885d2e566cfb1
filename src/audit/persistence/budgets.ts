import type { Tx } from '../../platform/database/index.js';
import { formatTime } from '../../kernel/times.js';
import type { OnceClaimRow } from '../domain/once-claim.js';

/** The kind of claims that are units of a budget, in what is reported as lost. */
export const BUDGET = 'budget';

interface Unit {
  readonly ask: number;
  /** Units of one group are alternatives: one of them is taken. */
  readonly group: number;
  readonly claim: OnceClaimRow;
  readonly limit: number;
}

/**
 * Takes a unit of each budget that an ask names, or of one of those that are among the same: for all of them or for none, the asks in their
 * order. Returns for each ask the claims that were taken; undefined when it was not won. Claims without a limit are no budgets and are passed over.
 */
export async function takeBudgets(
  tx: Tx,
  zone: string,
  asks: readonly (readonly OnceClaimRow[])[],
): Promise<(ReadonlySet<OnceClaimRow> | undefined)[]> {
  const units = asks.flatMap(unitsOf);
  const rows = await tx.query<{ n: number }>('SELECT caracal.budget_spend($1, $2, $3, $4, $5, $6, $7) AS n', [
    zone,
    units.map((unit) => unit.ask),
    units.map((unit) => unit.group),
    units.map((unit) => unit.claim.kind),
    units.map((unit) => unit.claim.keyHash),
    units.map((unit) => unit.limit),
    units.map((unit) => formatTime(unit.claim.expiresAt)),
  ]);
  const taken = rows.map((row) => units[row.n - 1]);
  return asks.map((_, ask) => {
    const own = taken.flatMap((unit) => (unit?.ask === ask ? [unit.claim] : []));
    return own.length === 0 ? undefined : new Set(own);
  });
}

function unitsOf(claims: readonly OnceClaimRow[], ask: number): Unit[] {
  const groupOf = ({ among }: OnceClaimRow, at: number): number =>
    among === undefined ? at : claims.findIndex((claim) => claim.among === among);
  return claims.flatMap((claim, at) =>
    claim.limit === undefined ? [] : [{ ask, group: groupOf(claim, at), claim, limit: claim.limit }],
  );
}

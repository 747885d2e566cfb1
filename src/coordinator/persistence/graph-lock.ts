import type { ZoneTx } from '../../platform/database/index.js';

/**
 * Holds the zone's session and delegation graph until the transaction ends: whoever starts, ends or links sessions takes this first
 * (lock order: graph, rows, feed head, ledger head). What is read afterwards is what every earlier holder committed.
 */
export async function lockGraph(tx: ZoneTx): Promise<void> {
  const rows = await tx.query('SELECT zone FROM caracal.graph_lock WHERE zone = $1 FOR UPDATE', [tx.zone]);
  if (rows.length === 0) throw new Error(`the zone ${tx.zone} has no graph lock`);
}

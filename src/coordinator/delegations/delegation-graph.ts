import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { formatScope } from '../../kernel/scopes.js';
import { Database } from '../../platform/database/index.js';
import type { Lineage } from '../../policy/index.js';
import { heldUnder, lineageIfAny } from '../domain/delegations/authority.js';
import type { DelegationView } from '../domain/delegations/delegation-record.js';
import { readLineage } from '../persistence/delegation-rows.js';
import { type DetailedSession, SessionGraph } from '../sessions/session-graph.js';
import { RuntimeState } from '../state/runtime-state.js';

/** What the target holds at a resource through the delegation. */
export interface EffectiveResource {
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Milliseconds. */
  readonly expiresAt: number;
}

export interface GraphOfDelegation {
  readonly nodes: readonly DetailedSession[];
  readonly edges: readonly DelegationView[];
  readonly effective: readonly EffectiveResource[];
  /** One sentence for each bound on the way, from the target up. */
  readonly why: readonly string[];
}

const MOST_EDGES = 1_000;

/** Shows how authority came down to a delegation's target and where it was passed on; nothing is decided on what it answers. */
@Injectable()
export class DelegationGraph {
  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async of(zone: string, edge: DelegationView): Promise<GraphOfDelegation> {
    const { view, at } = await this.runtime.anchors(zone);
    const now = this.clock.now();
    return this.database.readZone(zone, async (tx) => {
      const graph = new SessionGraph(tx, at(now));
      const ids = [
        ...new Set([...edge.path, ...(await readLineage(tx, edge.id, MOST_EDGES)).map((lower) => lower.id)]),
      ];
      const edges = await present(ids, (id) => graph.delegation(id));
      const sessions = [...new Set(edges.flatMap(({ source, target }) => [source, target]))];
      const nodes = await present(sessions, (id) => graph.session(id));
      const lineage = await lineageIfAny(graph, { session: edge.target, delegation: edge.id }, now);
      const held = lineage && heldUnder(lineage, view, now);
      const effective = edge.resources.flatMap(({ resource }) => {
        const scopes = held?.(resource);
        return lineage && scopes && scopes.size > 0
          ? [{ resource, scopes: formatScope(scopes).split(' '), expiresAt: lineage.endsAt }]
          : [];
      });
      return { nodes, edges, effective, why: lineage ? bounds(lineage) : ['the delegation cannot be used now'] };
    });
  }
}

async function present<T>(ids: readonly string[], find: (id: string) => Promise<T | undefined>): Promise<T[]> {
  const found = await Promise.all(ids.map(find));
  return found.filter((item) => item !== undefined);
}

function held({ operations, maxCalls }: Lineage['edges'][number]): string {
  const named = operations?.map((one) => ('mcpTool' in one ? `tool ${one.mcpTool}` : `${one.method} ${one.path}`));
  const only = named === undefined ? '' : `, only for ${named.join(', ')}`;
  return maxCalls === undefined ? only : `${only}, for at most ${maxCalls} calls`;
}

function bounds(lineage: Lineage): string[] {
  const edges = lineage.edges.map(
    (edge) =>
      `${edge.id} passes on ${edge.resources.map((entry) => `${formatScope(entry.scopes)} at ${entry.resource}`).join('; ')}${held(edge)}`,
  );
  const rest = lineage.ceilings.flatMap((ceiling) => {
    if (ceiling.kind === 'nothing') return ['a session on the way holds nothing of its own'];
    return ceiling.kind === 'grants'
      ? [`grants of ${ceiling.application}${ceiling.labels.length > 0 ? ` for ${ceiling.labels.join(', ')}` : ''}`]
      : [];
  });
  const counted = lineage.sessions.flatMap(({ callBudgets: budgets = [] }) => budgets);
  const calls = new Set(counted.map(({ session, max }) => `${session} and all below it make at most ${max} calls`));
  return [...edges, ...rest, ...calls];
}

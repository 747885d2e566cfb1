import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { SessionLimits } from '../../control/index.js';
import { Database, type ZoneTx } from '../../platform/database/index.js';
import { effectiveAuthority } from '../domain/sessions/effective-authority.js';
import { effectiveLimits } from '../domain/sessions/limits.js';
import { isOpen, type SessionAuthority, type SessionStatus } from '../domain/sessions/session.js';
import { listSessions, readSubtree, type SessionFilter } from '../persistence/session-lists.js';
import type { StoredSession } from '../persistence/session-rows.js';
import { type Anchors, RuntimeState } from '../state/runtime-state.js';
import { type DetailedSession, SessionGraph } from './session-graph.js';

export interface SessionQuery extends SessionFilter {
  readonly status?: SessionStatus | undefined;
}

/** A session as it is shown, with the limits that hold for it. */
export interface ShownSession {
  readonly session: DetailedSession;
  readonly limits: SessionLimits;
}

/** A node of a tree: what authority it really has, and what stands below it. */
export interface TreeNode extends ShownSession {
  readonly authority: SessionAuthority;
  readonly children: readonly TreeNode[];
}

type Page = { readonly limit: number; readonly cursor?: string };

const CHUNK = 200;
const MOST_TREE_NODES = 20_000;

/** Reads sessions for those who look at them; nothing is decided on what it answers. */
@Injectable()
export class SessionReader {
  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found`. */
  get(zone: string, id: string): Promise<ShownSession> {
    return this.read(zone, async (_tx, graph, anchors) => {
      const session = await graph.session(id);
      if (!session) throw new AppError('not_found', 'There is no such session.');
      return shown(session, anchors);
    });
  }

  /** One more than the page's limit when there are more. */
  list(zone: string, query: SessionQuery, page: Page): Promise<ShownSession[]> {
    const { status, ...filter } = query;
    // What is stored as ended never shows as open; what is stored as open may have ended by an ancestor or by time.
    const stored = status !== undefined && isOpen(status) ? { ...filter, open: true } : filter;
    return this.read(zone, async (tx, graph, anchors) => {
      const found: ShownSession[] = [];
      const chunk = status === undefined ? page.limit + 1 : CHUNK;
      for (let after = page.cursor, more = true; more && found.length <= page.limit;) {
        const rows = await listSessions(tx, stored, { limit: chunk, after });
        const views = await this.views(graph, rows);
        found.push(
          ...views.filter((view) => status === undefined || view.status === status).map((view) => shown(view, anchors)),
        );
        after = rows.at(-1)?.id ?? after;
        more = rows.length === chunk;
      }
      return found.slice(0, page.limit + 1);
    });
  }

  /** A session with everything below it, ended sessions included. */
  tree(zone: string, id: string): Promise<TreeNode> {
    return this.read(zone, async (tx, graph, anchors) => {
      const top = await graph.session(id);
      if (!top) throw new AppError('not_found', 'There is no such session.');
      const rows = await readSubtree(tx, top.path, MOST_TREE_NODES + 1);
      if (rows.length > MOST_TREE_NODES)
        throw new AppError('invalid_request', 'The tree is too large to be shown at once; list sessions by parent.');
      const children = new Map<string, DetailedSession[]>();
      for (const view of await this.views(graph, rows)) {
        if (view.parent === undefined) continue;
        const siblings = children.get(view.parent) ?? [];
        siblings.push(view);
        children.set(view.parent, siblings);
      }
      return this.node(graph, top, { anchors, children });
    });
  }

  private async node(
    graph: SessionGraph,
    session: DetailedSession,
    tree: { anchors: Anchors; children: Map<string, DetailedSession[]> },
  ): Promise<TreeNode> {
    const path = (await graph.sessionPath(session.id)) ?? [session];
    const edge = path.findLast((member) => member.authority === 'narrowed')?.delegation;
    const live = edge !== undefined && (await graph.delegation(edge))?.status === 'active';
    const children: TreeNode[] = [];
    for (const child of tree.children.get(session.id) ?? []) children.push(await this.node(graph, child, tree));
    return { ...shown(session, tree.anchors), authority: effectiveAuthority(path, () => live), children };
  }

  private async views(graph: SessionGraph, rows: readonly StoredSession[]): Promise<DetailedSession[]> {
    await graph.prefetch(rows);
    const views = await Promise.all(rows.map((row) => graph.session(row.id)));
    return views.filter((view) => view !== undefined);
  }

  private async read<T>(
    zone: string,
    work: (tx: ZoneTx, graph: SessionGraph, anchors: Anchors) => Promise<T>,
  ): Promise<T> {
    const anchors = await this.runtime.anchors(zone);
    return this.database.readZone(zone, (tx) => work(tx, new SessionGraph(tx, anchors.at(this.clock.now())), anchors));
  }
}

function shown(session: DetailedSession, { view }: Anchors): ShownSession {
  return { session, limits: effectiveLimits(view.settings.limits, view.application(session.application)?.limits) };
}

import { formatTime } from '../../kernel/times.js';
import { facet, type Facet, facetsOfActor, textsOfActor } from '../domain/facets.js';

/** What events are filtered by: facets, the request id, who acted, a tree of sessions, and a half-open range of indices or times. */
export interface EventFilter {
  readonly facets?: Readonly<Partial<Record<Facet, string>>>;
  readonly typePrefix?: string;
  readonly requestId?: string;
  /** Id or token of who acted. */
  readonly actor?: string;
  /** A session: everything of the tree in which it is. */
  readonly tree?: string;
  readonly from?: number;
  readonly to?: number;
  /** Milliseconds. */
  readonly since?: number;
  readonly until?: number;
}

type Scalar = Exclude<keyof EventFilter, 'facets' | 'actor' | 'tree'>;

const CONDITIONS: readonly (readonly [Scalar, string, (value: never) => unknown])[] = [
  [
    'typePrefix',
    'EXISTS (SELECT FROM unnest(facets) f WHERE starts_with(f, ?))',
    (prefix: string) => facet('type', prefix),
  ],
  ['requestId', 'request_id = ?', same],
  ['from', 'index >= ?', same],
  ['to', 'index < ?', same],
  ['since', 'ingested_at >= ?', formatTime],
  ['until', 'ingested_at < ?', formatTime],
];

/** The conditions of a query over `caracal.ledger` of one zone, and their parameters. */
export class EventConditions {
  readonly params: unknown[] = [];
  private readonly conditions: string[] = [];

  constructor(zone: string, filter: EventFilter, after?: number) {
    this.add('zone = ?', zone);
    const facets = Object.entries(filter.facets ?? {}).map(([name, value]) => facet(name as Facet, value));
    if (facets.length > 0) this.add('facets @> ?::text[]', facets);
    if (filter.actor !== undefined) this.addActor(filter.actor);
    if (filter.tree !== undefined) this.addTree(zone, filter.tree);
    for (const [name, condition, valueOf] of CONDITIONS)
      if (filter[name] !== undefined) this.add(condition, valueOf(filter[name] as never));
    if (after !== undefined) this.add('index > ?', after);
  }

  bind(param: unknown): string {
    this.params.push(param);
    return `$${this.params.length}`;
  }

  sql(): string {
    return this.conditions.join(' AND ');
  }

  private add(condition: string, param: unknown): void {
    this.conditions.push(condition.replace('?', this.bind(param)));
  }

  /** An entry's actor is its first member (RFC 8785 §3.2.3), so its text ends at the first brace. */
  private addActor(actor: string): void {
    this.add('facets && ?::text[]', facetsOfActor(actor));
    const found = textsOfActor(actor).map((text) => `strpos(split_part(entry, '}', 1), ${this.bind(text)}) > 0`);
    this.conditions.push(`(${found.join(' OR ')})`);
  }

  /** All sessions of a tree share one transaction; the first entry of a session says which. */
  private addTree(zone: string, session: string): void {
    this.conditions.push(
      `facets @> ARRAY[(SELECT f FROM caracal.ledger s, unnest(s.facets) f WHERE s.zone = ${this.bind(zone)}
         AND s.facets @> ${this.bind([facet('session', session)])}::text[] AND starts_with(f, 'txn=') ORDER BY s.index LIMIT 1)]`,
    );
  }
}

function same(value: unknown): unknown {
  return value;
}

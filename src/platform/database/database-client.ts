import type { Socket } from 'node:net';
import pg from 'pg';

/** How long the end of a connection is waited for: a server that is not there never confirms it. */
const FAREWELL_MS = 1_000;

export interface DatabaseClientConfig extends pg.ClientConfig {
  /** Milliseconds that an answer is waited for; without it for ever. */
  readonly patienceMs?: number | undefined;
  /** Milliseconds after which it is asked again whether anybody is there; for connections that mostly listen. */
  readonly probeMs?: number | undefined;
}

/**
 * A connection whose end by itself is never an error that nobody caught: the database can go in the moment between a login and whoever
 * asked for it, or while nobody asks anything. Pending and later queries reject all the same, and other listeners hear of it.
 *
 * A connection on which an answer is overdue is destroyed: what was asked rejects with `ETIMEDOUT`, whether it happened is not known, and no
 * pool uses the connection again. `query_timeout` of node-postgres would leave it in its pool, where it answers nobody (brianc/node-postgres#3399).
 */
export class DatabaseClient extends pg.Client {
  /** May be changed between queries; 0 waits for ever. */
  patienceMs: number;
  private overdue: NodeJS.Timeout | undefined;

  constructor(config: DatabaseClientConfig = {}) {
    super(config);
    this.patienceMs = config.patienceMs ?? 0;
    this.on('error', () => undefined);
    this.on('drain', () => this.answered());
    this.on('end', () => this.answered());
    if (config.probeMs !== undefined) this.probeEvery(config.probeMs);
  }

  /** Whether somebody waits for an answer. */
  get isWaiting(): boolean {
    return this.overdue !== undefined;
  }

  /** Ends the connection without a word to the server; everything pending rejects with `reason`. */
  destroy(reason: Error): void {
    (this as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream.destroy(reason);
  }

  /** Begins to wait for an answer, anew with each query. */
  protected asking(): void {
    this.answered();
    if (this.patienceMs > 0) this.overdue = setTimeout(() => this.look(), this.patienceMs).unref();
  }

  private probeEvery(ms: number): void {
    this.once('connect', () => {
      const probe = setInterval(() => {
        if (this.overdue === undefined) this.query('SELECT 1').catch(() => undefined);
      }, ms).unref();
      this.once('end', () => clearInterval(probe));
    });
  }

  private answered(): void {
    clearTimeout(this.overdue);
    this.overdue = undefined;
  }

  /** A process that was busy itself reads what has arrived before it calls anybody late. */
  private look(): void {
    const { overdue } = this;
    setImmediate(() => {
      if (overdue === undefined || overdue !== this.overdue) return;
      this.destroy(Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' }));
    });
  }

  protected leaving(): void {
    const farewell = setTimeout(() => this.destroy(new Error('the connection did not end in time')), FAREWELL_MS);
    this.once('end', () => clearTimeout(farewell.unref()));
  }

  static {
    // On the prototype: the many forms in which these two are called cannot be repeated by an override that keeps their types.
    const { query, end } = pg.Client.prototype as unknown as Record<'query' | 'end', (...args: unknown[]) => unknown>;
    Object.assign(this.prototype, {
      query(this: DatabaseClient, ...asked: unknown[]) {
        this.asking();
        return query.apply(this, asked);
      },
      end(this: DatabaseClient, ...told: unknown[]) {
        this.leaving();
        return end.apply(this, told);
      },
    });
  }
}

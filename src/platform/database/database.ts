import { DataSource, type EntityManager, type EntityTarget, type QueryRunner } from 'typeorm';
import { DatabaseClient, type DatabaseClientConfig } from './database-client.js';
import { clientOptions, type DatabaseEndpoint } from './endpoint.js';
import { roleLogin, type LoginRole } from './roles.js';
import { isSilence, translateFault } from './database-errors.js';
import { JOB_PATIENCE_MS, sessionOptions, statementLimit } from './patience.js';
import { LONG_PURPOSES, type SystemPurpose } from './system-purposes.js';

/** One open transaction. Valid only inside the function it was given to. */
export interface Tx {
  readonly em: EntityManager;
  query<T = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<T[]>;
}

/** A transaction that sees one zone and no other. */
export interface ZoneTx extends Tx {
  readonly zone: string;
}

/** Connections per pool; the whole budget is ADR 9. */
const POOL_SIZES = {
  caracal_app: 16,
  caracal_audit: 2,
  caracal_auditor: 3,
  caracal_janitor: 1,
  caracal_system: 4,
} as const;
type PooledRole = keyof typeof POOL_SIZES;

/** How long an answer is waited for unless the configuration says otherwise. */
const PATIENCE_MS = 10_000;
/** What still has a connection so long after it was told to end loses it. */
const CLOSING_MS = 2_000;

interface Isolation {
  readonly role: PooledRole;
  readonly zone?: string;
  readonly readOnly?: boolean;
  /** Its statements may take as long as a job's. */
  readonly long?: boolean;
}

/** What a Database is made of. */
export interface DatabaseParts {
  readonly endpoint: DatabaseEndpoint;
  readonly databasePassword: string;
  readonly entities: readonly EntityTarget<object>[];
  /** How long an answer is waited for, in milliseconds; jobs wait longer. */
  readonly patienceMs?: number | undefined;
}

/**
 * The doors to PostgreSQL. There is no ambient transaction: who needs one is handed a `Tx` (ADR 6).
 * A database that cannot be reached, or does not answer in time, rejects with `AppError('temporarily_unavailable')`; what was to be committed is
 * then not known to be, and its connection is not used again.
 */
export class Database {
  private readonly sources: ReadonlyMap<PooledRole, DataSource>;
  private readonly clients = new Set<DatabaseClient>();
  private readonly patienceMs: number;

  constructor(private readonly parts: DatabaseParts) {
    this.patienceMs = parts.patienceMs ?? PATIENCE_MS;
    const roles = Object.keys(POOL_SIZES) as PooledRole[];
    this.sources = new Map(roles.map((role) => [role, this.makeSource(role)]));
  }

  /** Opens the pools; rejects when a role cannot log in. */
  async open(): Promise<void> {
    await Promise.all([...this.sources.values()].map((source) => source.initialize()));
  }

  /** Ends every connection, at last those on which somebody still waits for an answer. */
  async close(): Promise<void> {
    const cut = setTimeout(() => {
      for (const client of this.clients) client.destroy(new Error('connection ended: the process stops'));
    }, CLOSING_MS);
    await Promise.all(
      [...this.sources.values()].filter((source) => source.isInitialized).map((source) => source.destroy()),
    );
    clearTimeout(cut);
  }

  /** Runs `fn` in one transaction of `caracal_app` under row-level security of `zone`. */
  withZone<T>(zone: string, fn: (tx: ZoneTx) => Promise<T>): Promise<T> {
    return this.inZone({ role: 'caracal_app', zone }, fn);
  }

  /** Runs `fn` in one transaction of `caracal_app` that sees one zone after the other: the one that was entered last, and none before the first. */
  acrossZones<T>(fn: (enter: (zone: string) => Promise<ZoneTx>) => Promise<T>): Promise<T> {
    return this.transact({ role: 'caracal_app' }, (tx) =>
      fn(async (zone) => {
        await tx.query(`SELECT set_config('caracal.zone', $1, true)`, [zone]);
        return { ...tx, zone };
      }),
    );
  }

  /** The same, read only: for lists and for filling views. */
  readZone<T>(zone: string, fn: (tx: ZoneTx) => Promise<T>): Promise<T> {
    return this.inZone({ role: 'caracal_app', zone, readOnly: true }, fn);
  }

  /** Reads the ledger of one zone as `caracal_auditor`, who can change nothing. */
  asAuditor<T>(zone: string, fn: (tx: ZoneTx) => Promise<T>): Promise<T> {
    return this.inZone({ role: 'caracal_auditor', zone, readOnly: true }, fn);
  }

  /** The same for jobs that read much of it. */
  asAuditorAtLength<T>(zone: string, fn: (tx: ZoneTx) => Promise<T>): Promise<T> {
    return this.inZone({ role: 'caracal_auditor', zone, readOnly: true, long: true }, fn);
  }

  /** Runs `fn` as `caracal_audit`: the append function and the claims, nothing else. */
  asAudit<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transact({ role: 'caracal_audit' }, fn);
  }

  /** Statements of `caracal_audit` outside a transaction block: each commits by itself or changes nothing. */
  readonly auditStatements: Pick<Tx, 'query'> = {
    query: (sql, params = []) => this.statement('caracal_audit', sql, params),
  };

  /** Runs `fn` as `caracal_janitor`: deletion of what has expired, nothing else. */
  asJanitor<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transact({ role: 'caracal_janitor' }, fn);
  }

  /** Runs `fn` across zones as `caracal_system`, for one of the purposes of the checked-in list. */
  withSystem<T>(purpose: SystemPurpose, fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transact({ role: 'caracal_system', long: LONG_PURPOSES.has(purpose) }, fn);
  }

  /** One statement as `caracal_system`, outside a transaction block unless it may take long: the feed's poll, the health check, lists of zones. */
  querySystem<T>(purpose: SystemPurpose, sql: string, params: readonly unknown[] = []): Promise<T[]> {
    if (LONG_PURPOSES.has(purpose)) return this.withSystem(purpose, (tx) => tx.query<T>(sql, params));
    return this.statement('caracal_system', sql, params);
  }

  /** Login and endpoint of a role, for the parts that hold a connection of their own (LISTEN, BullMQ). */
  connectionOptions(role: LoginRole) {
    const patienceMs = role === 'caracal_janitor' ? JOB_PATIENCE_MS : this.patienceMs;
    const options = clientOptions(this.parts.endpoint, roleLogin(role, this.parts.databasePassword));
    const connectionTimeoutMillis = Math.min(options.connectionTimeoutMillis, this.patienceMs);
    return { ...options, connectionTimeoutMillis, patienceMs };
  }

  /** The entities as TypeORM understood them; the check that compares them with the schema reads this. */
  entityMetadatas() {
    return this.source('caracal_app').entityMetadatas;
  }

  private inZone<T>(isolation: Isolation & { zone: string }, fn: (tx: ZoneTx) => Promise<T>): Promise<T> {
    return this.transact(isolation, (tx) => fn({ ...tx, zone: isolation.zone }));
  }

  private async transact<T>(isolation: Isolation, fn: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.source(isolation.role).createQueryRunner();
    const client = (await runner.connect().catch((error: unknown) => this.fail(error))) as DatabaseClient;
    const { patienceMs } = client;
    try {
      if (isolation.long) client.patienceMs = JOB_PATIENCE_MS;
      await begin(runner, isolation);
      const result = await fn({
        em: runner.manager,
        query: <R>(sql: string, params: readonly unknown[] = []) => runner.query(sql, [...params]) as Promise<R[]>,
      });
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await rollBack(runner);
      return this.fail(error);
    } finally {
      client.patienceMs = patienceMs;
      await runner.release().catch(() => undefined);
    }
  }

  private async statement<T>(role: PooledRole, sql: string, params: readonly unknown[]): Promise<T[]> {
    try {
      return await this.source(role).query<T[]>(sql, [...params]);
    } catch (error) {
      return this.fail(error);
    }
  }

  /** Jobs would wait for long on connections that have gone silent, and hold what others need of their pools: they do not when others were kept waiting. */
  private fail(error: unknown): never {
    if (isSilence(error)) {
      const late = Object.assign(new Error('the database is silent'), { code: 'ETIMEDOUT' });
      for (const client of this.clients)
        if (client.isWaiting && client.patienceMs > this.patienceMs) client.destroy(late);
    }
    throw translateFault(error);
  }

  private source(role: PooledRole): DataSource {
    const source = this.sources.get(role);
    if (!source) throw new Error(`no pool for ${role}`);
    return source;
  }

  private makeSource(role: PooledRole): DataSource {
    const { user, ssl, ...rest } = this.connectionOptions(role);
    const { patienceMs, connectionTimeoutMillis, keepAlive, keepAliveInitialDelayMillis } = rest;
    return new DataSource({
      ...rest,
      type: 'postgres',
      username: user,
      ssl,
      schema: 'caracal',
      entities: role === 'caracal_app' ? ([...this.parts.entities] as never[]) : [],
      synchronize: false,
      logging: false,
      poolSize: POOL_SIZES[role],
      installExtensions: false,
      applicationName: `caracal:${role}`,
      extra: {
        Client: this.knownClient(),
        patienceMs,
        options: sessionOptions('caracal,pg_catalog', patienceMs),
        connectionTimeoutMillis,
        keepAlive,
        keepAliveInitialDelayMillis,
      },
    });
  }

  /** Connections that the pools make, known here as long as they live. */
  private knownClient(): typeof DatabaseClient {
    const { clients } = this;
    return class extends DatabaseClient {
      constructor(config?: DatabaseClientConfig) {
        super(config);
        clients.add(this);
        this.once('end', () => clients.delete(this));
      }
    };
  }
}

async function begin(runner: QueryRunner, isolation: Isolation): Promise<void> {
  await runner.startTransaction();
  if (isolation.long) await runner.query(`SET LOCAL statement_timeout = ${statementLimit(JOB_PATIENCE_MS)}`);
  if (isolation.zone !== undefined) await runner.query(`SELECT set_config('caracal.zone', $1, true)`, [isolation.zone]);
  if (isolation.readOnly) await runner.query('SET TRANSACTION READ ONLY');
}

async function rollBack(runner: QueryRunner): Promise<void> {
  if (!runner.isTransactionActive) return;
  await runner.rollbackTransaction().catch(() => undefined);
}

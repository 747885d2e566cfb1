import { DataSource, type EntityManager, type EntityTarget, type QueryRunner } from 'typeorm';
import { DatabaseClient } from './database-client.js';
import { clientOptions, type DatabaseEndpoint } from './endpoint.js';
import { roleLogin, type LoginRole } from './roles.js';
import { translateFault } from './database-errors.js';
import type { SystemPurpose } from './system-purposes.js';

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

interface Isolation {
  readonly role: PooledRole;
  readonly zone?: string;
  readonly readOnly?: boolean;
}

/** What a Database is made of. */
export interface DatabaseParts {
  readonly endpoint: DatabaseEndpoint;
  readonly databasePassword: string;
  readonly entities: readonly EntityTarget<object>[];
}

/**
 * The doors to PostgreSQL. There is no ambient transaction: who needs one is handed a `Tx` (ADR 6).
 * A database that cannot be reached rejects with `AppError('temporarily_unavailable')`.
 */
export class Database {
  private readonly sources: ReadonlyMap<PooledRole, DataSource>;

  constructor(private readonly parts: DatabaseParts) {
    const roles = Object.keys(POOL_SIZES) as PooledRole[];
    this.sources = new Map(roles.map((role) => [role, this.makeSource(role)]));
  }

  /** Opens the pools; rejects when a role cannot log in. */
  async open(): Promise<void> {
    await Promise.all([...this.sources.values()].map((source) => source.initialize()));
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.sources.values()].filter((source) => source.isInitialized).map((source) => source.destroy()),
    );
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
  withSystem<T>(_purpose: SystemPurpose, fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transact({ role: 'caracal_system' }, fn);
  }

  /** One statement as `caracal_system` outside a transaction block: the feed's poll and the health check. */
  querySystem<T>(_purpose: SystemPurpose, sql: string, params: readonly unknown[] = []): Promise<T[]> {
    return this.statement('caracal_system', sql, params);
  }

  /** Login and endpoint of a role, for the parts that hold a connection of their own (LISTEN, BullMQ). */
  connectionOptions(role: LoginRole) {
    return clientOptions(this.parts.endpoint, roleLogin(role, this.parts.databasePassword));
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
    try {
      await begin(runner, isolation);
      const result = await fn({
        em: runner.manager,
        query: <R>(sql: string, params: readonly unknown[] = []) => runner.query(sql, [...params]) as Promise<R[]>,
      });
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await rollBack(runner);
      throw translateFault(error);
    } finally {
      await runner.release().catch(() => undefined);
    }
  }

  private async statement<T>(role: PooledRole, sql: string, params: readonly unknown[]): Promise<T[]> {
    try {
      return await this.source(role).query<T[]>(sql, [...params]);
    } catch (error) {
      throw translateFault(error);
    }
  }

  private source(role: PooledRole): DataSource {
    const source = this.sources.get(role);
    if (!source) throw new Error(`no pool for ${role}`);
    return source;
  }

  private makeSource(role: PooledRole): DataSource {
    const { user, ssl, ...rest } = this.connectionOptions(role);
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
        Client: DatabaseClient,
        options: '-c search_path=caracal,pg_catalog',
        connectionTimeoutMillis: 5_000,
        keepAlive: true,
      },
    });
  }
}

async function begin(runner: QueryRunner, isolation: Isolation): Promise<void> {
  await runner.connect();
  await runner.startTransaction();
  if (isolation.zone !== undefined) await runner.query(`SELECT set_config('caracal.zone', $1, true)`, [isolation.zone]);
  if (isolation.readOnly) await runner.query('SET TRANSACTION READ ONLY');
}

async function rollBack(runner: QueryRunner): Promise<void> {
  if (!runner.isTransactionActive) return;
  await runner.rollbackTransaction().catch(() => undefined);
}

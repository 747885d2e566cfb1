import { AppError } from '../../kernel/app-error.js';
import { CONNECTING } from './patience.js';

/** Where a PostgreSQL server listens and which database is meant; never who logs in. */
export interface DatabaseEndpoint {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly tls: boolean | { readonly rejectUnauthorized: boolean };
}

/** Who logs in at an endpoint. */
export interface DatabaseLogin {
  readonly user: string;
  readonly password: string;
}

/**
 * Reads host, port, database and TLS mode from a `postgres://` URL; a socket directory is given as `?host=/dir`.
 * Credentials in the URL are ignored: each pool logs in as a role of its own.
 */
export function parseEndpoint(dsn: string): DatabaseEndpoint {
  const url = parseUrl(dsn);
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  return {
    host: url.searchParams.get('host') ?? decodeURIComponent(url.hostname || 'localhost'),
    port: Number(url.port || url.searchParams.get('port') || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    tls: mode === 'disable' ? false : { rejectUnauthorized: mode === 'verify-full' || mode === 'verify-ca' },
  };
}

/** The user and password a DSN carries; only the migration DSN's are ever used. */
export function parseLogin(dsn: string): DatabaseLogin {
  const url = parseUrl(dsn);
  return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

function parseUrl(dsn: string): URL {
  // A DSN with an empty authority (`postgres:///db?host=/dir`) is valid for libpq but not for URL.
  const text = dsn.replace(/^(postgres(?:ql)?):\/\/\//, '$1://localhost/');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new AppError('server_error', 'The database URL is not a postgres:// URL.');
  }
  return url;
}

/** The endpoint and login as node-postgres and TypeORM spell them. */
export function clientOptions(endpoint: DatabaseEndpoint, login: DatabaseLogin) {
  return {
    host: endpoint.host,
    port: endpoint.port,
    database: endpoint.database,
    user: login.user,
    password: login.password,
    ssl: endpoint.tls === true ? {} : endpoint.tls,
    ...CONNECTING,
  };
}

/** How clients reach the server. A socket lies in a directory that only this user can enter. */
export type Listening =
  { readonly kind: 'socket'; readonly directory: string } | { readonly kind: 'loopback'; readonly port: number };

export const SUPERUSER = 'postgres';
export const DATABASE_NAME = 'caracal';

const LOOPBACK = '127.0.0.1';
const SOCKET_PORT = 5432;
const MAX_SOCKET_PATH_BYTES = 107;

/** Whether the kernel takes the path of a socket in this directory (the limit of `sockaddr_un`). */
export function fitsSocket(directory: string): boolean {
  return Buffer.byteLength(`${directory}/.s.PGSQL.${SOCKET_PORT}`) <= MAX_SOCKET_PATH_BYTES;
}

/**
 * What a cluster is made with. Operators may change these later; `shared_buffers` and the like suit a small machine with a slow disk. All of
 * the log's files are kept and used again: making a new one holds every commit up for as long as it takes to write 16 MB.
 */
export const INITIAL_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '128MB',
  effective_cache_size: '512MB',
  wal_compression: 'on',
  checkpoint_timeout: '10min',
  max_wal_size: '256MB',
  min_wal_size: '256MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** What the server always runs with, whatever the cluster's own settings say. */
const FIXED_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  max_connections: '200',
  password_encryption: 'scram-sha-256',
  unix_socket_permissions: '0700',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '',
  lc_messages: 'C',
  // A statement or a failing row may hold what must not be logged; the caller's own error tells enough.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

/** The arguments of `postgres`. */
export function serverArguments(dataDirectory: string, listening: Listening): string[] {
  const address: Record<string, string> =
    listening.kind === 'socket'
      ? { listen_addresses: '', unix_socket_directories: listening.directory, port: String(SOCKET_PORT) }
      : { listen_addresses: LOOPBACK, unix_socket_directories: '', port: String(listening.port) };
  return ['-D', dataDirectory, ...settingArguments({ ...FIXED_SETTINGS, ...address })];
}

/** The arguments of `initdb`: checksums, every login by password, text and order of the same kind on every machine. */
export function initArguments(dataDirectory: string, passwordFile: string): string[] {
  return [
    ...[
      '-D',
      dataDirectory,
      '--username',
      SUPERUSER,
      '--pwfile',
      passwordFile,
      '--auth',
      'scram-sha-256',
      '--no-instructions',
    ],
    ...[
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--locale-provider',
      'builtin',
      '--builtin-locale',
      'C.UTF-8',
      '--data-checksums',
    ],
    ...settingArguments(INITIAL_SETTINGS),
  ];
}

function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Host and port as node-postgres spells them. */
export function hostAndPort(listening: Listening): { readonly host: string; readonly port: number } {
  return listening.kind === 'socket'
    ? { host: listening.directory, port: SOCKET_PORT }
    : { host: LOOPBACK, port: listening.port };
}

/** A `postgresql://` URL that libpq and node-postgres read alike, with or without a login. */
export function databaseUrl(
  listening: Listening,
  login?: { readonly user: string; readonly password: string },
): string {
  const { host, port } = hostAndPort(listening);
  const credentials = login ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@` : '';
  // The host part stands in for a socket so that URL parsers accept a user; the query wins over it.
  const authority = listening.kind === 'socket' ? 'localhost' : host;
  const query = listening.kind === 'socket' ? `?host=${encodeURIComponent(host)}` : '';
  return `postgresql://${credentials}${authority}:${port}/${DATABASE_NAME}${query}`;
}

/** Statements of jobs over much of the ledger or of what has expired: nobody waits for their answer. */
export const JOB_PATIENCE_MS = 600_000;
/** Longer than a change holds a transaction between two statements, whatever it computes. */
const IDLE_TRANSACTION_MS = 60_000;
/** Seconds after which, and in which steps, a silent peer is asked whether it is there, and after how many it is not. */
const KEEPALIVE = { idle: 10, interval: 5, count: 3 };

/** How connections come about and notice that nobody is at the other end, whoever opens them. */
export const CONNECTING = {
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEPALIVE.idle * 1_000,
} as const;

/**
 * What a server is told on connecting, so that it keeps no lock for somebody who has gone or given up: it ends a statement a little before its client
 * stops to wait for the answer, a transaction in which nothing is said, and a connection whose peer is silent.
 */
export function sessionOptions(schema: string, patienceMs: number): string {
  const settings = {
    search_path: schema,
    statement_timeout: statementLimit(patienceMs),
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    tcp_keepalives_idle: KEEPALIVE.idle,
    tcp_keepalives_interval: KEEPALIVE.interval,
    tcp_keepalives_count: KEEPALIVE.count,
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/** The server's share of a client's patience, in milliseconds. */
export function statementLimit(patienceMs: number): number {
  return Math.floor(patienceMs * 0.9);
}

import { type Socket, connect as connectTcp } from 'node:net';
import { type SecureContext, connect as connectTls } from 'node:tls';
import { AppError } from '../../kernel/app-error.js';
import { isSameAddress } from './address.js';
import type { EgressTarget } from './target-url.js';

export interface DialOptions {
  readonly timeoutMs: number;
  readonly protocols?: readonly string[] | undefined;
  readonly secureContext?: SecureContext | undefined;
}

/** Thrown when no vetted address took the connection in time. */
export class DialError extends Error {
  override readonly name = 'DialError';

  constructor(
    readonly code: 'connect_timeout' | 'connect_failed',
    options?: { cause: unknown },
  ) {
    super(code, options);
  }
}

const MAX_ATTEMPTS = 4;
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * Connects to the first of the addresses that answers, and to no other place: the name is not resolved again, the peer's address is compared
 * after connecting, and TLS is verified against the original host (RFC 9110 §4.3.4). The caller must have judged every address.
 */
export async function dialVetted(
  target: EgressTarget,
  addresses: readonly string[],
  options: DialOptions,
): Promise<Socket> {
  const deadline = performance.now() + options.timeoutMs;
  let failure: unknown;
  for (const address of addresses.slice(0, MAX_ATTEMPTS)) {
    const remaining = Math.ceil(deadline - performance.now());
    if (remaining <= 0) break;
    try {
      return await dialOne(target, address, { ...options, timeoutMs: remaining });
    } catch (error) {
      if (error instanceof AppError) throw error;
      failure = error;
    }
  }
  if (failure instanceof DialError || failure === undefined) throw new DialError('connect_timeout');
  throw new DialError('connect_failed', { cause: failure });
}

function dialOne(target: EgressTarget, address: string, options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = open(target, address, options);
    const timer = setTimeout(() => socket.destroy(new DialError('connect_timeout')), options.timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    // For as long as nobody has taken the connection, or keeps it as a spare; its end is told by `close` as well.
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.once('error', fail);
    socket.once('connect', () => {
      // Also seen before any TLS byte is written, so that a wrong peer learns nothing.
      if (!isSameAddress(socket.remoteAddress, address)) socket.destroy(wrongPeer(address, socket.remoteAddress));
    });
    socket.once(target.scheme === 'https' ? 'secureConnect' : 'connect', () => {
      if (socket.destroyed) return;
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function open(target: EgressTarget, address: string, options: DialOptions): Socket {
  if (target.scheme === 'http') return connectTcp({ host: address, port: target.port });
  return connectTls({
    host: address,
    port: target.port,
    ALPNProtocols: [...(options.protocols ?? ['http/1.1'])],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(target.isLiteral ? {} : { servername: target.host }),
    ...(options.secureContext ? { secureContext: options.secureContext } : {}),
  });
}

function wrongPeer(expected: string, actual: string | undefined): AppError {
  return new AppError('egress_denied', 'the connection did not reach the address that was vetted', {
    detail: `dialled ${expected}, reached ${actual ?? 'nothing'}`,
  });
}

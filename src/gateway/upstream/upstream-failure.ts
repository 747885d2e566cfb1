import { AppError } from '../../kernel/app-error.js';
import { DialError } from '../../platform/egress/index.js';
import { GatewayError } from '../domain/gateway-error.js';
import { ClientGoneError } from './request-body.js';

/** What a failed exchange means for the caller. What is not known to be anybody else's fault is the upstream's. */
export function toGatewayError(error: Error): Error {
  if (error instanceof GatewayError || error instanceof ClientGoneError) return error;
  if (error instanceof AppError && error.code === 'egress_denied')
    return new GatewayError('egress_denied', { detail: error.detail, cause: error });
  if (error instanceof DialError && error.code === 'connect_timeout')
    return new GatewayError('upstream_timeout', { detail: error.code, cause: error });
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED')
    return new GatewayError('invalid_request', { detail: error.message, cause: error });
  return new GatewayError('upstream_unavailable', { detail: code, cause: error });
}

const LOST: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
]);

/** True when the connection went away under the request, as opposed to an answer that was wrong, late or refused. */
export function isLostConnection(error: Error): boolean {
  return LOST.has((error as NodeJS.ErrnoException).code ?? '');
}
